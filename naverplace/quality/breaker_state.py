"""What is usual for each store, kept in its item of table `session`, and the release by hand."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from naverplace.base.errors import NaverPlaceError
from naverplace.domain.booking import Booking
from naverplace.domain.record_matching import MatchedBooking
from naverplace.ledger.store_lock import StoreStateTable
from naverplace.ledger.store_state import StoreState
from naverplace.quality.circuit_breaker import (
    BatchStats,
    Halt,
    Release,
    count_batches,
    evaluate,
    grant_release,
    served_since,
)
from naverplace.settings.sections import BreakerSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchCheck:
    """Which stores are stopped, since when each has been served, and the items that tell it."""

    halts: Mapping[str, Halt]
    served: Mapping[str, datetime]
    items: Mapping[str, StoreState]


def check_batches(
    store_ids: Collection[str],
    bookings: Sequence[Booking],
    matches: Iterable[MatchedBooking],
    *,
    table: StoreStateTable,
    settings: BreakerSettings,
    now: datetime,
    run_id: str,
    keep: bool = True,
) -> BatchCheck:
    """Name the stores that nothing may be sent for, and remember what the others have.

    With `keep` False nothing is written. Raises Transient or Permanent when what is usual cannot be
    read; that it cannot be written costs no message.
    """
    halts: dict[str, Halt] = {}
    items = table.read(store_ids)
    since = {store_id: served_since(item.extra) for store_id, item in items.items()}
    for batch in count_batches(store_ids, bookings, matches, now=now):
        seen = items[batch.store_id].extra
        halt, after = evaluate(seen, batch, settings=settings, run_id=run_id)
        if halt:
            halts[batch.store_id] = halt
        if keep and after != seen:
            _keep(table, batch, settings=settings, run_id=run_id)
    served = {store_id: moment for store_id, moment in since.items() if moment}
    return BatchCheck(halts, served, items)


def _keep(
    table: StoreStateTable, batch: BatchStats, *, settings: BreakerSettings, run_id: str
) -> None:
    def edit(item: StoreState) -> StoreState:
        # Evaluated again, for somebody may have released the store meanwhile.
        return replace(item, extra=evaluate(item.extra, batch, settings=settings, run_id=run_id)[1])

    try:
        table.change(batch.store_id, edit)
    except NaverPlaceError:
        log.exception("store %s: what is usual there could not be written", batch.store_id)


def release_store(
    table: StoreStateTable, store_id: str, *, by: str, now: datetime, hours: float
) -> Release | None:
    """Let what has stopped this store pass for some hours; None when nothing has.

    Raises Transient, Permanent.
    """
    released: list[Release | None] = []

    def edit(item: StoreState) -> StoreState:
        given, after = grant_release(item.extra, by=by, now=now, hours=hours)
        released.append(given)
        return replace(item, extra=after)

    table.change(store_id, edit)
    return released[-1]
