"""What a verdict of the comparison must say before a store may be taken over; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from naverplace.base.clock import parse_time
from naverplace.migration.parity.values import GO, Evidence

GOLDEN = "golden"


@dataclass(frozen=True)
class ParityVerdict:
    """A verdict of parity in its JSON form, as far as a cut-over asks for it."""

    verdict: str
    kind: str  # golden | replay | shadow | observed; '' when it does not say
    made_at: datetime | None
    rules_version: str
    evidence: tuple[Evidence, ...]


def read_verdict(text: str) -> ParityVerdict:
    """Read the JSON form of naverplace.migration.parity.values.Parity. Raises ValueError."""
    data = json.loads(text)
    if not isinstance(data, Mapping) or "verdict" not in data:
        raise ValueError("no verdict in it: give the JSON file of a parity report")
    return ParityVerdict(
        verdict=str(data["verdict"]),
        kind=str(data.get("kind") or ""),
        made_at=parse_time(data.get("made_at")),
        rules_version=str(data.get("rules_version") or ""),
        evidence=tuple(Evidence(**row) for row in data.get("evidence") or ()),
    )


def approval_blockers(
    found: ParityVerdict,
    store_ids: Iterable[str],
    *,
    now: datetime,
    max_age: timedelta,
    rules_version: str,
) -> Iterator[str]:
    """List why these stores may not be taken over by this verdict; none when they may."""
    if found.verdict != GO:
        yield f"the verdict is {found.verdict}, not {GO}"
    if found.kind == GOLDEN:
        yield "it is about a golden set of invented bookings: compare your own, by parity-replay"
    if found.made_at is None:
        yield "the verdict does not say when it was made"
    elif found.made_at > now + timedelta(minutes=5):
        yield f"the verdict is of {found.made_at:%Y-%m-%d %H:%M}, which lies ahead"
    elif now - found.made_at > max_age:
        yield f"the verdict is of {found.made_at:%Y-%m-%d %H:%M}: too old, compare again"
    if found.rules_version and found.rules_version != rules_version:
        yield "the rules have changed since the comparison: compare again"
    for store_id in store_ids:
        rows = [row for row in found.evidence if row.store_id == store_id]
        if not rows:
            yield f"store {store_id}: the comparison has no evidence about it"
        for row in rows:
            if not row.enough:
                yield f"store {store_id}: not enough evidence about its {row.kind}"
            if row.unexplained:
                yield f"store {store_id}: unexplained differences of its {row.kind}"
