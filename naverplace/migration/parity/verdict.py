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
    VerdictTerms,
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
    _decided: set[DecisionKey] = field(default_factory=set)
    _sent: set[DecisionKey] = field(default_factory=set)

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
        self._decided |= compared.decisions
        self._sent |= compared.sent
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
        return len(self._decided)

    def evidence(self, stores: Iterable[str], minimum: ParitySettings) -> tuple[Evidence, ...]:
        """Tell for every store and kind how much there is, and how much a GO needs."""
        kinds = {*KINDS, *(key.kind for key in self._decided)}
        decided, sent = (
            Counter((key.store_id, key.kind) for key in keys)
            for keys in (self._decided, self._sent)
        )
        wrong = Counter((d.store_id, d.kind) for d in self.unexplained)
        return tuple(
            Evidence(
                store_id=store_id,
                kind=kind,
                decisions=decided[store_id, kind],
                sent=sent[store_id, kind],
                unexplained=wrong[store_id, kind],
                needed=minimum.minimum_decisions,
                needed_sent=minimum.minimum_sent,
            )
            for store_id in stores
            for kind in sorted(kinds, key=lambda k: (k not in KINDS, k))
        )

    def decisions_of(self, store_id: str) -> int:
        """Count one store's distinct decisions."""
        return sum(key.store_id == store_id for key in self._decided)

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


def make_verdict(
    totals: ParityTotals,
    terms: VerdictTerms,
    *,
    stores: Mapping[str, Store],
    minimum: ParitySettings,
    limits: ThresholdSettings | None = None,
) -> Parity:
    """Judge what was gathered: NO-GO outranks NOT ENOUGH, which outranks GO."""
    evidence = totals.evidence(stores, minimum)
    caught = None if terms.mutants is None else terms.mutants - len(terms.survivors)
    wrong = list(_wrong(totals, terms, caught))
    thin = list(_thin(evidence, totals, terms.aa_differences))
    clean = totals.decisions > 0 and not totals.unexplained
    good = (f"0 unexplained in {totals.decisions} decisions",) if clean else ()
    return Parity(
        **vars(terms),
        first=totals.first,
        last=totals.last,
        runs=totals.runs,
        verdict=NO_GO if wrong else NOT_ENOUGH if thin else GO,
        why=(*(wrong or thin or good), *_deaths(totals)),
        decisions=totals.decisions,
        unexplained=len(totals.unexplained),
        accepted=dict(sorted(totals.accepted.items())),
        noise=totals.noise,
        bound_95=RULE_OF_THREE / totals.decisions if clean else None,
        evidence=evidence,
        differences=(*totals.unexplained[:SHOWN], *totals.examples),
        table=tuple(_table(totals)),
        thresholds=check_thresholds(totals.measured, limits) if limits else (),
        stores=tuple(_stores(totals, stores)),
        caught=caught,
        legacy_died=totals.legacy_died,
        fatal_rows=tuple(sorted(totals.fatal_rows)),
    )


def _wrong(totals: ParityTotals, terms: VerdictTerms, caught: int | None) -> Iterator[str]:
    if totals.unexplained:
        yield f"{len(totals.unexplained)} differences have no class"
    if aa := terms.aa_differences:
        yield f"the legacy differs from itself in {aa} decisions: the comparison cannot be trusted"
    if caught is not None and caught < LEAST_CAUGHT * (terms.mutants or 1):
        names = ", ".join(terms.survivors[:5])
        yield f"the comparator sees {caught} of {terms.mutants} wrong systems, not {names}"


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
    was, now = (f"{max(s.seconds):.1f} s at most" if s.seconds else None for s in (old, new))
    yield row("Duration of deciding", was, now, "measured, not judged")
    yield row("Memory", None, None)


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
