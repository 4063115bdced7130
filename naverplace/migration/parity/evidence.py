"""What was compared, added up: how much there is of each store and kind, and what differed."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from naverplace.domain.message_kinds import KINDS
from naverplace.migration.parity.sides import count_owner_lines
from naverplace.migration.parity.values import (
    NOISE,
    ComparedRun,
    Difference,
    Evidence,
    SystemOutput,
)
from naverplace.pipeline.capture.inputs import DecisionKey
from naverplace.reporting.thresholds import Measured

EXAMPLES = 5  # of each accepted class; of unexplained ones all up to:
SHOWN = 500


@dataclass(frozen=True)
class Minimum:
    """How much there must be of each store and kind before anything may be said."""

    decisions: int = 100  # distinct
    sent: int = 10  # distinct messages that one side sends


@dataclass
class SystemTotals:
    """Sums of one side over all runs; None where a side was never asked."""

    sent: int = 0
    writes: int = 0
    owner_texts: int | None = None
    told: Counter[str] = field(default_factory=Counter)  # lines, by kind
    by_kind: Counter[str] = field(default_factory=Counter)  # messages
    errors: int = 0
    seconds: list[float] = field(default_factory=list)
    memory_mb: list[float] = field(default_factory=list)

    def add(self, side: SystemOutput) -> None:
        """Add one run."""
        self.sent += sum(map(len, side.sends.values()))
        self.writes += len(side.flags)
        for key, messages in side.sends.items():
            self.by_kind[key.kind] += len(messages)
        if side.owner_texts is not None:
            self.owner_texts = (self.owner_texts or 0) + side.owner_texts
        self.told.update(count_owner_lines(side.told or ()))
        self.errors += len(side.errors)
        self.seconds += [side.seconds] if side.seconds is not None else []
        self.memory_mb += [side.memory_mb] if side.memory_mb is not None else []


@dataclass
class ParityTotals:
    """Everything that a verdict is made from."""

    runs: int = 0
    first: datetime | None = None
    last: datetime | None = None
    legacy: SystemTotals = field(default_factory=SystemTotals)
    new: SystemTotals = field(default_factory=SystemTotals)
    accepted: Counter[str] = field(default_factory=Counter)
    noise: int = 0
    measured: Measured = field(default_factory=Measured)  # by captured runs, the worst
    unexplained: list[Difference] = field(default_factory=list)
    examples: list[Difference] = field(default_factory=list)
    by_store: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _decided: dict[tuple[str, str], set[DecisionKey]] = field(
        default_factory=lambda: defaultdict(set)
    )
    _sent: dict[tuple[str, str], set[DecisionKey]] = field(default_factory=lambda: defaultdict(set))

    def add(self, compared: ComparedRun) -> None:
        """Add one run that was compared."""
        self.runs += 1
        self.first = min(filter(None, (self.first, compared.now)))
        self.last = max(filter(None, (self.last, compared.now)))
        self.legacy.add(compared.legacy)
        self.new.add(compared.new)
        for store_id, kind, key in compared.decisions:
            self._decided[store_id, kind].add(key)
        for store_id, kind, key in compared.sent:
            self._sent[store_id, kind].add(key)
        for side in (compared.legacy, compared.new):
            for key, messages in side.sends.items():
                name = "new" if side is compared.new else "legacy"
                self.by_store[key.store_id][name] += len(messages)
        for difference in compared.differences:
            self._note(difference)

    def note_figures(self, figures: Mapping[str, Any]) -> None:
        """Keep the worst of what captured runs of the new flow have measured."""
        phases = figures.get("phases") or {}
        seen = {
            "total_seconds": figures.get("seconds"),
            "booking_api_seconds": phases.get("booking api"),
            "memory_mb": figures.get("memory_mb"),
        }
        worst = {
            name: max(value, getattr(self.measured, name) or 0.0)
            for name, value in seen.items()
            if value is not None
        }
        self.measured = replace(self.measured, **worst)

    @property
    def decisions(self) -> int:
        """Count the distinct decisions of all stores."""
        return sum(map(len, self._decided.values()))

    def evidence(self, stores: Iterable[str], minimum: Minimum) -> tuple[Evidence, ...]:
        """Tell for every store and kind how much there is, and how much a GO needs."""
        kinds = {*KINDS, *(kind for _, kind in self._decided)}
        wrong = Counter((d.store_id, d.kind) for d in self.unexplained)
        return tuple(
            Evidence(
                store_id=store_id,
                kind=kind,
                decisions=len(self._decided.get((store_id, kind), ())),
                sent=len(self._sent.get((store_id, kind), ())),
                unexplained=wrong[store_id, kind],
                needed=minimum.decisions,
                needed_sent=minimum.sent,
            )
            for store_id in stores
            for kind in sorted(kinds, key=lambda k: (k not in KINDS, k))
        )

    def decisions_of(self, store_id: str) -> int:
        """Count one store's distinct decisions."""
        return sum(len(keys) for (store, _), keys in self._decided.items() if store == store_id)

    def _note(self, difference: Difference) -> None:
        of_store = self.by_store[difference.store_id] if difference.store_id else Counter[str]()
        if difference.because == NOISE:
            self.noise += 1
        elif difference.because:
            self.accepted[difference.because] += 1
            of_store["accepted"] += 1
            if self.accepted[difference.because] <= EXAMPLES:
                self.examples.append(difference)
        else:
            of_store["unexplained"] += 1
            self.unexplained.append(difference)
