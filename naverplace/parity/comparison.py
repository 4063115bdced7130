"""One comparison from its first run to its report, whatever its runs come from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from naverplace.parity.classes import Accepted, load_accepted
from naverplace.parity.comparing import Comparator
from naverplace.parity.evidence import Gathered, Minimum
from naverplace.parity.judging import judge
from naverplace.parity.legacytexts import LegacyTexts, load_legacy_texts
from naverplace.parity.replaying import Legacy, NewSystem, against_itself
from naverplace.parity.report import write_report
from naverplace.parity.sides import side_of_legacy
from naverplace.parity.values import Inputs, Parity, Side
from naverplace.parity.versions import rules_version
from naverplace.settings import Settings
from naverplace.shadow import new_system
from naverplace.stores import Store

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
    found: Gathered = field(default_factory=Gathered)
    aa_differences: int | None = None
    notes: list[str] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def replay(self, runs: Iterable[Inputs], note: Callable[[str], None]) -> None:
        """Let both sides decide run after run; A/A is measured on each."""
        for inputs in runs:
            old = self.legacy_side(inputs)
            self.aa_differences = (self.aa_differences or 0) + against_itself(
                inputs, self.legacy, self.comparator
            )
            self.compare(inputs, old)
            note(f"{inputs.run_id}: {self.found.decisions} decisions so far")

    def legacy_side(self, inputs: Inputs) -> Side:
        """Let the modelled legacy decide, and measure how long it takes."""
        began = time.monotonic()
        outcome = self.legacy(inputs)
        return side_of_legacy(outcome, inputs, seconds=time.monotonic() - began)

    def compare(self, inputs: Inputs, old: Side, *, noise: frozenset[str] = frozenset()) -> None:
        """Compare one run with what the other side made of it."""
        prepared = self.new.prepare(inputs)
        for store_id, why in prepared.stopped.items():
            self.notes.append(f"{inputs.run_id}: store {store_id} was not compared: {why}")
        if prepared.stopped:
            old = self.legacy_side(prepared.inputs)
        began = time.monotonic()
        side = self.new.side(prepared)
        side = replace(side, seconds=time.monotonic() - began)
        self.found.add(self.comparator.compare(prepared.inputs, old, side, noise=noise))

    def end(self, kind: str, *, now: datetime, folder: Path | None = None) -> Parity:
        """Judge, write the report's files, and return the result."""
        limits = self.settings.thresholds
        parity = judge(
            self.found,
            kind=kind,
            made_at=now,
            stores=self.stores,
            minimum=Minimum(
                self.settings.parity.minimum_decisions, self.settings.parity.minimum_sent
            ),
            aa_differences=self.aa_differences,
            rules_version=rules_version(self.settings.rules_dir),
            limits={"total_seconds": limits.total_seconds, "memory_mb": limits.memory_mb},
            seconds=round(time.monotonic() - self.began, 1),
            notes=tuple(self.notes),
        )
        write_report(parity, folder or self.settings.parity.report_dir, self.accepted)
        return parity


def open_comparison(settings: Settings, make_legacy: Maker) -> Comparison:
    """Read rules, stores, texts and accepted differences. Raises RulesError, Permanent."""
    new, stores = new_system(settings)
    texts = load_legacy_texts(settings.parity.legacy_texts, settings.access)
    accepted = load_accepted(settings.parity.accepted)
    legacy = make_legacy(texts, settings.sens.default_sender, stores)
    comparator = Comparator(accepted, texts, stores)
    return Comparison(settings, new, legacy, comparator, accepted, stores)
