"""The modelled legacy as the comparison asks for it: the only place where both systems meet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from legacy.model import decide
from legacy.ports import Texts
from naverplace.base.clock import SEOUL
from naverplace.domain.stores import Store
from naverplace.migration.legacy_rows import fatal_reason
from naverplace.migration.parity.legacy_texts import LegacyTexts, words_for_model
from naverplace.migration.parity.replay import Legacy
from naverplace.migration.parity.sides import LegacyOutcome
from naverplace.pipeline.capture.inputs import Inputs


def modelled_legacy(texts: LegacyTexts, *, sender: str, stores: Mapping[str, Store]) -> Legacy:
    """Make the legacy's side: it decides only, in Korean time (L23)."""
    words = Texts(**words_for_model(texts, sender=sender, stores=stores))

    def run(inputs: Inputs) -> LegacyOutcome:
        now = inputs.now.astimezone(SEOUL).replace(tzinfo=None)
        return decide(
            _readable(inputs.confirmed),
            _readable(inputs.completed),
            {(number, phone): dict(item) for (number, phone), item in inputs.items.items()},
            now=lambda: now,
            texts=words,
        )

    return run


def _readable(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Leave out the rows that would end the legacy's run, which parity does not tell yet (L27)."""
    return [dict(row) for row in rows if not fatal_reason(row)]
