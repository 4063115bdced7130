"""The modelled legacy as the comparison asks for it: the only place where both systems meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from legacy.model import decide
from legacy.ports import Texts
from naverplace.base.clock import SEOUL
from naverplace.domain.stores import Store
from naverplace.migration.parity.comparison_run import Legacy
from naverplace.migration.parity.legacy_texts import LegacyTexts, words_for_model
from naverplace.migration.parity.sides import LegacyOutcome
from naverplace.pipeline.capture.inputs import Inputs

Clock = Callable[[], datetime]


def modelled_legacy(
    texts: LegacyTexts,
    *,
    sender: str,
    stores: Mapping[str, Store],
    clock_of: Callable[[Inputs], Clock] = lambda inputs: lambda: inputs.now,
) -> Legacy:
    """Make the legacy's side: it decides only, in Korean time (L23), at the inputs' moment.

    `clock_of` makes the clock of a run, which may move on with each comparison (L29).
    """
    words = Texts(**words_for_model(texts, sender=sender, stores=stores))

    def run(inputs: Inputs) -> LegacyOutcome:
        clock = clock_of(inputs)
        return decide(
            [dict(raw) for raw in inputs.confirmed],
            [dict(raw) for raw in inputs.completed],
            {(number, phone): dict(item) for (number, phone), item in inputs.items.items()},
            now=lambda: clock().astimezone(SEOUL).replace(tzinfo=None),
            texts=words,
        )

    return run
