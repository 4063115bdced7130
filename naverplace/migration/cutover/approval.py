"""What a verdict of the comparison must say before a store may be taken over; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from naverplace.migration.parity.values import GO, Parity


def approval_blockers(
    parity: Parity,
    store_ids: Iterable[str],
    *,
    now: datetime,
    max_age: timedelta,
    rules_version: str,
) -> Iterator[str]:
    """List why these stores may not be taken over by this verdict; none when they may."""
    if parity.verdict != GO:
        yield f"the verdict is {parity.verdict}, not {GO}"
    if parity.kind == "golden":
        yield "it is about a golden set of invented bookings: compare your own, by parity-replay"
    if parity.made_at > now + timedelta(minutes=5):
        yield f"the verdict is of {parity.made_at:%Y-%m-%d %H:%M}, which lies ahead"
    elif now - parity.made_at > max_age:
        yield f"the verdict is of {parity.made_at:%Y-%m-%d %H:%M}: too old, compare again"
    if parity.rules_version and parity.rules_version != rules_version:
        yield "the rules have changed since the comparison: compare again"
    for store_id in store_ids:
        rows = [row for row in parity.evidence if row.store_id == store_id]
        if not rows:
            yield f"store {store_id}: the comparison has no evidence about it"
        for row in rows:
            if not row.enough:
                yield f"store {store_id}: not enough evidence about its {row.kind}"
            if row.unexplained:
                yield f"store {store_id}: unexplained differences of its {row.kind}"
