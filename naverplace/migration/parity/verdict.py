"""The sums of all compared runs, and the verdict on them with its reasons; pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from naverplace.domain.message_kinds import KINDS
from naverplace.domain.stores import Store
from naverplace.migration.parity.values import (
    GO,
    NO_GO,
    NOISE,
    NOT_ENOUGH,
    ComparedRun,
    Difference,
    Evidence,
    Parity,
    SystemOutput,
)
from naverplace.pipeline.capture.inputs import DecisionKey
from naverplace.reporting.thresholds import Measured, check_thresholds
from naverplace.settings.sections import ParitySettings, ThresholdSettings

EXAMPLES = 5  # of each accepted class; of unexplained ones all up to:
SHOWN = 500
LEAST_CAUGHT = 0.98  # of the wrong systems that are shown to the comparator
RULE_OF_THREE = 3.0  # none in n: at most 3/n at 95 %
NOT_MEASURED = "not measured"


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
        for line in side.told or ():
            self.told[line.kind] += line.done
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
    legacy_died: int = 0  # runs
    fatal_rows: set[str] = field(default_factory=set)  # that ended them, in words
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
        legacy = compared.legacy
        if compared.death:  # what it did, not what it would have done
            legacy = compared.death.output
            self.legacy_died += bool(legacy.died)
            self.fatal_rows |= {*compared.death.rows}
        self.legacy.add(legacy)
        self.new.add(compared.new)
        for store_id, kind, key in compared.decisions:
            self._decided[store_id, kind].add(key)
        for store_id, kind, key in compared.sent:
            self._sent[store_id, kind].add(key)
        for side in (legacy, compared.new):
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

    def evidence(self, stores: Iterable[str], minimum: ParitySettings) -> tuple[Evidence, ...]:
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
                needed=minimum.minimum_decisions,
                needed_sent=minimum.minimum_sent,
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


@dataclass(frozen=True)
class Power:
    """What the comparator was shown to see."""

    mutants: int
    survivors: tuple[str, ...] = ()

    @property
    def caught(self) -> int:
        """Count the mutants that were seen."""
        return self.mutants - len(self.survivors)

    @property
    def enough(self) -> bool:
        """Tell whether it sees enough to be believed."""
        return self.mutants > 0 and self.caught >= LEAST_CAUGHT * self.mutants


@dataclass(frozen=True, kw_only=True)
class VerdictTerms:
    """What a verdict is about, and what it needs besides the sums of the runs."""

    kind: str  # replay | shadow | observed | golden
    made_at: datetime
    stores: Mapping[str, Store]
    minimum: ParitySettings
    aa_differences: int | None  # None: the legacy was not compared with itself
    rules_version: str = ""
    power: Power | None = None
    limits: ThresholdSettings | None = None
    seconds: float = 0.0
    notes: Sequence[str] = ()


def make_verdict(totals: ParityTotals, terms: VerdictTerms) -> Parity:
    """Judge what was gathered: NO-GO outranks NOT ENOUGH, which outranks GO."""
    evidence, power = totals.evidence(terms.stores, terms.minimum), terms.power
    wrong = list(_wrong(totals, terms.aa_differences, power))
    thin = list(_thin(evidence, totals, terms.aa_differences))
    verdict = NO_GO if wrong else NOT_ENOUGH if thin else GO
    clean = totals.decisions > 0 and not totals.unexplained
    bound = RULE_OF_THREE / totals.decisions if clean else None
    good = (f"0 unexplained in {totals.decisions} decisions",) if clean else ()
    return Parity(
        kind=terms.kind,
        made_at=terms.made_at,
        first=totals.first,
        last=totals.last,
        runs=totals.runs,
        rules_version=terms.rules_version,
        verdict=verdict,
        why=(*(wrong or thin or good), *_deaths(totals)),
        aa_differences=terms.aa_differences,
        decisions=totals.decisions,
        unexplained=len(totals.unexplained),
        accepted=dict(sorted(totals.accepted.items())),
        noise=totals.noise,
        bound_95=bound,
        evidence=evidence,
        differences=(*totals.unexplained[:SHOWN], *totals.examples),
        table=tuple(_table(totals)),
        thresholds=check_thresholds(totals.measured, terms.limits) if terms.limits else (),
        stores=tuple(_stores(totals, terms.stores)),
        mutants=power.mutants if power else None,
        caught=power.caught if power else None,
        survivors=power.survivors if power else (),
        seconds=terms.seconds,
        notes=tuple(terms.notes),
        legacy_died=totals.legacy_died,
        fatal_rows=tuple(sorted(totals.fatal_rows)),
    )


def _wrong(totals: ParityTotals, aa: int | None, power: Power | None) -> Iterator[str]:
    if totals.unexplained:
        yield f"{len(totals.unexplained)} differences have no class"
    if aa:
        yield f"the legacy differs from itself in {aa} decisions: the comparison cannot be trusted"
    if power and not power.enough:
        names = ", ".join(power.survivors[:5])
        yield f"the comparator sees {power.caught} of {power.mutants} wrong systems, not {names}"


def _thin(evidence: Sequence[Evidence], totals: ParityTotals, aa: int | None) -> Iterator[str]:
    if aa is None:
        yield "the legacy was not compared with itself"
    if not totals.decisions:
        yield "nothing was compared"
    for row in evidence:
        if not row.enough:
            yield (
                f"store {row.store_id}, {row.kind}: {row.decisions} of {row.needed} decisions, "
                f"{row.sent} of {row.needed_sent} messages"
            )


def _deaths(totals: ParityTotals) -> Iterator[str]:
    """Say that silence of a dead run is no decision, and what ended it."""
    if totals.legacy_died:
        rows = sorted(totals.fatal_rows)
        yield (
            f"in {totals.legacy_died} of {totals.runs} runs the legacy died and decided nothing; "
            f"rows that it cannot read: {len(rows)}, {'; '.join(rows[:3])}"
        )


def _table(totals: ParityTotals) -> Iterator[dict[str, str]]:
    """Fill in the seeds' table; what was not measured says so, and matches nothing."""
    old, new = totals.legacy, totals.new
    explained = "only accepted differences" if not totals.unexplained else "see the differences"

    def row(aspect: str, was: object, now: object, match: str = "") -> dict[str, str]:
        said = match or ("100%" if was == now else explained)
        unknown = was is None or now is None
        return {
            "aspect": aspect,
            "legacy": NOT_MEASURED if was is None else str(was),
            "new": NOT_MEASURED if now is None else str(now),
            "match": NOT_MEASURED if unknown else said,
        }

    yield row("SMS sent", old.sent, new.sent)
    yield row("DynamoDB items written", old.writes, new.writes)
    yield row("Telegram notifications", old.owner_texts, new.owner_texts)
    # The summary tells the owner sums: there is no line for every message.
    lines = _sums(old.told), _sums(new.by_kind)
    yield row("Telegram lines", *lines, "a line each there, sums here")
    yield row("Slack notifications", "knows no Slack", None)
    yield row("Error count", old.errors, new.errors)
    yield row("Runs that died", totals.legacy_died, 0)
    for aspect, unit, *values in (
        ("Duration of deciding", "s", old.seconds, new.seconds),
        ("Memory", "MB", old.memory_mb, new.memory_mb),
    ):
        was, now = (f"{max(v):.1f} {unit} at most" if v else None for v in values)
        yield row(aspect, was, now, "measured, not judged")


def _sums(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) or "none"


def _stores(totals: ParityTotals, stores: Mapping[str, Store]) -> Iterator[dict[str, Any]]:
    for store_id, store in stores.items():
        sums = totals.by_store[store_id]
        yield {
            "store_id": store_id,
            "alias": store.alias,
            "decisions": totals.decisions_of(store_id),
            **{name: sums.get(name, 0) for name in ("legacy", "new", "accepted", "unexplained")},
        }
