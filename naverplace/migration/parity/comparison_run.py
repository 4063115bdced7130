"""One comparison from its first run to its report, whatever its runs come from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from naverplace.domain.stores import Store
from naverplace.migration.legacy_rows import fatal_reason
from naverplace.migration.parity.accepted_differences import Accepted, load_accepted
from naverplace.migration.parity.comparator import Comparator
from naverplace.migration.parity.legacy_texts import LegacyTexts, load_legacy_texts
from naverplace.migration.parity.replay import (
    Legacy,
    NewSystem,
    Prepared,
    fatal_words,
    new_system,
    replay,
    run_legacy,
    without_fatal_rows,
)
from naverplace.migration.parity.report import write_parity_report
from naverplace.migration.parity.sides import count_self_differences, without_stores
from naverplace.migration.parity.values import LegacyDeath, Parity, SystemOutput
from naverplace.migration.parity.verdict import Minimum, ParityTotals, VerdictTerms, make_verdict
from naverplace.pipeline.capture.inputs import Inputs
from naverplace.pipeline.capture.versions import rules_version
from naverplace.settings.schema import Settings

Maker = Callable[[LegacyTexts, str, dict[str, Store]], Legacy]


@dataclass
class Comparison:
    """Both sides, what is gathered of them, and what is remarked on the way."""

    settings: Settings
    new: NewSystem
    legacy: Legacy
    comparator: Comparator
    accepted: dict[str, Accepted]
    stores: dict[str, Store]
    totals: ParityTotals = field(default_factory=ParityTotals)
    aa_differences: int | None = None
    notes: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def replay(self, runs: Iterable[Inputs], note: Callable[[str], None]) -> None:
        """Let both sides decide run after run; A/A is measured on each."""
        for run in replay(runs, new=self.new, legacy=self.legacy, comparator=self.comparator):
            self._note_stopped(run.prepared)
            self.aa_differences = (self.aa_differences or 0) + run.aa_differences
            self.totals.add(run.compared)
            note(f"{run.inputs.run_id}: {self.totals.decisions} decisions so far")

    def observed(self, inputs: Inputs, seen: SystemOutput, *, noise: frozenset[str]) -> None:
        """Compare what the legacy was seen to do; the model is compared with itself beside it."""
        whole = without_fatal_rows(inputs)
        self.aa_differences = count_self_differences(
            *(run_legacy(self.legacy, whole) for _ in range(2))
        )
        prepared = self.new.prepare(inputs)
        self._note_stopped(prepared)
        # A completed row may lie outside the range that the legacy reads (L8), a confirmed one not.
        certain = seen.died or any(map(fatal_reason, inputs.confirmed))
        death = LegacyDeath(fatal_words(inputs), seen) if certain else None
        side, seen = self.new.output(prepared), without_stores(seen, prepared.stopped)
        self.totals.add(
            self.comparator.compare(prepared.inputs, seen, side, noise=noise, death=death)
        )

    def _note_stopped(self, prepared: Prepared) -> None:
        for store_id, why in prepared.stopped.items():
            self.notes.append(f"{prepared.inputs.run_id}: store {store_id} not compared: {why}")

    def end(self, kind: str, *, now: datetime, folder: Path | None = None) -> Parity:
        """Judge, write the report's files, and return the result."""
        parity = make_verdict(
            self.totals,
            VerdictTerms(
                kind=kind,
                made_at=now,
                stores=self.stores,
                minimum=Minimum(
                    self.settings.parity.minimum_decisions, self.settings.parity.minimum_sent
                ),
                aa_differences=self.aa_differences,
                rules_version=rules_version(self.settings.rules_dir),
                limits=self.settings.thresholds,
                seconds=round(time.monotonic() - self.began, 1),
                notes=tuple(self.notes),
            ),
        )
        write_parity_report(parity, folder or self.settings.parity.report_dir, self.accepted)
        return parity


def open_comparison(settings: Settings, make_legacy: Maker) -> Comparison:
    """Read rules, stores, texts and accepted differences. Raises RulesError, Permanent."""
    new = new_system(settings)
    stores = dict(new.rulebook.stores)
    texts = load_legacy_texts(settings.parity.legacy_texts, settings.access, stores)
    accepted = load_accepted(settings.parity.accepted)
    legacy = make_legacy(texts, settings.sens.default_sender, stores)
    comparator = Comparator(accepted, texts, stores)
    return Comparison(settings, new, legacy, comparator, accepted, stores)
