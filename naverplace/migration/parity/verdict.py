"""The verdict: GO, NO-GO or NOT ENOUGH, with its reasons; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from naverplace.domain.stores import Store
from naverplace.migration.parity.evidence import SHOWN, Minimum, ParityTotals, SystemTotals
from naverplace.migration.parity.values import GO, NO_GO, NOT_ENOUGH, Evidence, Parity
from naverplace.reporting.thresholds import check_thresholds
from naverplace.settings.sections import ThresholdSettings

LEAST_CAUGHT = 0.98  # of the wrong systems that are shown to the comparator
RULE_OF_THREE = 3.0  # none in n: at most 3/n at 95 %
NOT_MEASURED = "not measured"


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


def make_verdict(
    found: ParityTotals,
    *,
    kind: str,
    made_at: datetime,
    stores: Mapping[str, Store],
    minimum: Minimum,
    aa_differences: int | None,
    rules_version: str = "",
    power: Power | None = None,
    limits: ThresholdSettings | None = None,
    seconds: float = 0.0,
    notes: Sequence[str] = (),
) -> Parity:
    """Judge what was gathered: NO-GO outranks NOT ENOUGH, which outranks GO.

    `stores` are those that the verdict is about.
    """
    evidence = found.evidence(stores, minimum)
    wrong = list(_wrong(found, aa_differences, power))
    thin = list(_thin(evidence, found, aa_differences))
    verdict = NO_GO if wrong else NOT_ENOUGH if thin else GO
    bound = RULE_OF_THREE / found.decisions if found.decisions and not found.unexplained else None
    good = () if bound is None else (f"0 unexplained in {found.decisions} decisions",)
    return Parity(
        kind=kind,
        made_at=made_at,
        first=found.first,
        last=found.last,
        runs=found.runs,
        rules_version=rules_version,
        verdict=verdict,
        why=tuple(wrong) or tuple(thin) or good,
        aa_differences=aa_differences,
        decisions=found.decisions,
        unexplained=len(found.unexplained),
        accepted=dict(sorted(found.accepted.items())),
        noise=found.noise,
        bound_95=bound,
        evidence=evidence,
        differences=(*found.unexplained[:SHOWN], *found.examples),
        table=tuple(_table(found)),
        thresholds=check_thresholds(found.measured, limits) if limits else (),
        stores=tuple(_stores(found, stores)),
        mutants=power.mutants if power else None,
        caught=power.caught if power else None,
        survivors=power.survivors if power else (),
        seconds=seconds,
        notes=tuple(notes),
    )


def _wrong(found: ParityTotals, aa: int | None, power: Power | None) -> Iterator[str]:
    if found.unexplained:
        yield f"{len(found.unexplained)} differences have no class"
    if aa:
        yield f"the legacy differs from itself in {aa} decisions: the comparison cannot be trusted"
    if power and not power.enough:
        names = ", ".join(power.survivors[:5])
        yield f"the comparator sees {power.caught} of {power.mutants} wrong systems, not {names}"


def _thin(evidence: Sequence[Evidence], found: ParityTotals, aa: int | None) -> Iterator[str]:
    if aa is None:
        yield "the legacy was not compared with itself"
    if not found.decisions:
        yield "nothing was compared"
    for row in evidence:
        if not row.enough:
            yield (
                f"store {row.store_id}, {row.kind}: {row.decisions} of {row.needed} decisions, "
                f"{row.sent} of {row.needed_sent} messages"
            )


def _table(found: ParityTotals) -> Iterator[dict[str, str]]:
    """Fill in the seeds' table; what was not measured says so, and matches nothing."""
    old, new = found.legacy, found.new
    explained = "only accepted differences" if not found.unexplained else "see the differences"

    def row(aspect: str, one: object, other: object, match: str = "") -> dict[str, str]:
        said = match or ("100%" if one == other else explained)
        unknown = one is None or other is None
        return {
            "aspect": aspect,
            "legacy": NOT_MEASURED if one is None else str(one),
            "new": NOT_MEASURED if other is None else str(other),
            "match": NOT_MEASURED if unknown else said,
        }

    yield row("SMS sent", old.sent, new.sent)
    yield row("DynamoDB items written", old.writes, new.writes)
    yield row("Telegram notifications", old.owner_texts, new.owner_texts)
    lines = ", ".join(f"{kind} {count}" for kind, count in sorted(old.told.items()))
    yield row("Telegram lines", lines or "none", _sums(new), "a line each there, sums here")
    yield row("Slack notifications", "knows no Slack", None)
    yield row("Error count", old.errors, new.errors)
    for aspect, unit, one, other in (
        ("Duration of deciding", "s", old.seconds, new.seconds),
        ("Memory", "MB", old.memory_mb, new.memory_mb),
    ):
        was, now = (f"{max(v):.1f} {unit} at most" if v else None for v in (one, other))
        yield row(aspect, was, now, "measured, not judged")


def _sums(new: SystemTotals) -> str:
    """Word the sums that the summary tells the owner, who does not get a line of every message."""
    return ", ".join(f"{kind} {count}" for kind, count in sorted(new.by_kind.items())) or "none"


def _stores(found: ParityTotals, stores: Mapping[str, Store]) -> Iterator[dict[str, Any]]:
    for store_id, store in stores.items():
        sums = found.by_store[store_id]
        yield {
            "store_id": store_id,
            "alias": store.alias,
            "decisions": found.decisions_of(store_id),
            **{name: sums.get(name, 0) for name in ("legacy", "new", "accepted", "unexplained")},
        }
