"""What is usual for each store, kept in its item of table `session`, and the release by hand."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from naverplace.base.errors import NaverPlaceError
from naverplace.domain.booking import Booking
from naverplace.domain.effects import RecordKey
from naverplace.domain.records import Record
from naverplace.ledger.lease import StoreState
from naverplace.ledger.store_state_table import StoreStateTable
from naverplace.quality.batch_stats import BatchFacts, facts_of
from naverplace.quality.circuit_breaker import Release, Stop, let_pass, served_since, weigh
from naverplace.settings.sections import BreakerSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plausible:
    """Which stores are stopped, since when each has been served, and the items that tell it."""

    stops: Mapping[str, Stop]
    served: Mapping[str, datetime]
    items: Mapping[str, StoreState]


def check_plausible(
    store_ids: Collection[str],
    bookings: Sequence[Booking],
    records: Mapping[RecordKey, Record],
    *,
    table: StoreStateTable,
    settings: BreakerSettings,
    now: datetime,
    run_id: str,
    keep: bool = True,
) -> Plausible:
    """Name the stores that nothing may be sent for, and remember what the others have.

    With `keep` False nothing is written. Raises Transient or Permanent when what is usual cannot be
    read; that it cannot be written costs no message.
    """
    stops: dict[str, Stop] = {}
    items = table.read(store_ids)
    since = {store_id: served_since(item.extra) for store_id, item in items.items()}
    for batch in facts_of(store_ids, bookings, records, now=now):
        seen = items[batch.store_id].extra
        stop, after = weigh(seen, batch, settings=settings, run_id=run_id)
        if stop:
            stops[batch.store_id] = stop
        if keep and after != seen:
            _keep(table, batch, settings=settings, run_id=run_id)
    served = {store_id: moment for store_id, moment in since.items() if moment}
    return Plausible(stops, served, items)


def _keep(
    table: StoreStateTable, batch: BatchFacts, *, settings: BreakerSettings, run_id: str
) -> None:
    def edit(item: StoreState) -> StoreState:
        # Weighed again, for somebody may have released the store meanwhile.
        return replace(item, extra=weigh(item.extra, batch, settings=settings, run_id=run_id)[1])

    try:
        table.change(batch.store_id, edit)
    except NaverPlaceError:
        log.exception("store %s: what is usual there could not be written", batch.store_id)


def release(
    table: StoreStateTable, store_id: str, *, by: str, now: datetime, hours: float
) -> Release | None:
    """Let what has stopped this store pass for some hours; None when nothing has.

    Raises Transient, Permanent.
    """
    released: list[Release | None] = []

    def edit(item: StoreState) -> StoreState:
        given, after = let_pass(item.extra, by=by, now=now, hours=hours)
        released.append(given)
        return replace(item, extra=after)

    table.change(store_id, edit)
    return released[-1]
