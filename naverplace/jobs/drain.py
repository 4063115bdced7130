"""Draining: settling every message in doubt, so that the legacy or a maintenance may come next."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from naverplace.base.errors import NaverPlaceError
from naverplace.delivery.in_doubt import (
    InDoubtMessage,
    Resolution,
    in_doubt_messages,
    safe_to_resend_after,
)
from naverplace.ledger.scan import LedgerScan
from naverplace.ledger.store_lock import StoreLock
from naverplace.ledger.store_state import LockedByOther, PendingMessage
from naverplace.pipeline.context import RunContext
from naverplace.redaction.redactor import describe

log = logging.getLogger(__name__)
Progress = Callable[[str], None]
_LOOK = 10.0  # seconds between two looks, while SENS may still take a message


@dataclass(frozen=True)
class DrainResult:
    """What a drain has ended, and what it could not."""

    doubts: tuple[InDoubtMessage, ...]
    failures: tuple[str, ...] = ()  # stores that could not be drained at all

    @property
    def left(self) -> tuple[InDoubtMessage, ...]:
        """List what is still in doubt."""
        return tuple(doubt for doubt in self.doubts if not doubt.resolution.is_final)

    @property
    def clean(self) -> bool:
        """Tell whether nothing is in doubt any more."""
        return not self.left and not self.failures

    def as_json(self) -> dict[str, object]:
        """Turn it into plain JSON values; no phone, no name."""
        return {
            "clean": self.clean,
            "settled": _counts(self.doubts),
            "left": [doubt.row() for doubt in self.left],
            "failures": list(self.failures),
        }


def drain_stores(
    run: RunContext, *, wait_seconds: float, progress: Progress = log.info, known_only: bool = False
) -> DrainResult:
    """Settle every unsettled message of the run's stores, waiting for what is not certain yet.

    The whole table is read once, so that nothing depends on what was noted as open. Each store is
    held meanwhile: no run can send for it. With `known_only` other stores' messages are left alone,
    else they are settled too. Raises Transient or Permanent when the tables cannot be read.
    """
    progress("reading the whole table of bookings")
    table = LedgerScan(run.table.records.table.client, run.table.records.table.name)
    by_store: dict[str, set[PendingMessage]] = {store_id: set() for store_id in run.stores}
    records = list(table.scan())
    run.resolver.add_known_requests(records)  # also of other stores: two may have one phone
    for doubt in in_doubt_messages(records):
        store_id = doubt.claim.key.store_id
        if store_id in by_store or not known_only:
            by_store.setdefault(store_id, set()).add(doubt.pending_message)
    items = run.store_locks.table.read(by_store)
    deadline = time.monotonic() + wait_seconds
    doubts: list[InDoubtMessage] = []
    failures: list[str] = []
    for store_id, messages in by_store.items():
        wanted = messages | set(items[store_id].open)
        if not wanted and not items[store_id].lease:
            continue
        try:
            doubts += _drain_store(run, store_id, wanted, deadline=deadline, progress=progress)
        except (NaverPlaceError, LockedByOther) as error:
            failures.append(f"store {store_id}: {describe(error)}")
            progress(failures[-1])
    return DrainResult(tuple(doubts), tuple(failures))


def _drain_store(
    run: RunContext,
    store_id: str,
    messages: Collection[PendingMessage],
    *,
    deadline: float,
    progress: Progress,
) -> list[InDoubtMessage]:
    progress(f"store {store_id}: {len(messages)} messages may be in doubt")
    holding = run.store_locks.acquire(store_id, messages, wait=True, sending=False)
    ended: dict[PendingMessage, InDoubtMessage] = {}
    try:
        # What stood open may have been settled by the run that held the store until now.
        wanted = {*messages, *run.store_locks.table.read([store_id])[store_id].open}
        unresolved = run.resolver.read(wanted)
        while unresolved:
            ended |= {d.pending_message: d for d in run.resolver.resolve(unresolved)}
            unresolved = [d for d in ended.values() if d.resolution is Resolution.WAITING]
            if unresolved and not _wait(run, holding, unresolved, deadline, progress):
                break
    finally:
        still = {message for message, doubt in ended.items() if not doubt.resolution.is_final}
        holding.release([message for message in messages if message not in still])
    progress(f"store {store_id}: {_counts(ended.values()) or 'nothing was in doubt'}")
    return list(ended.values())


def _wait(
    run: RunContext,
    holding: StoreLock,
    waiting: Sequence[InDoubtMessage],
    deadline: float,
    progress: Progress,
) -> bool:
    """Wait until something more may be certain; tell False when the time for it is over."""
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        return False
    moments = [m for d in waiting if (m := safe_to_resend_after(d, run.settings.ledger))]
    first = (min(moments) - run.clock.now()).total_seconds() if moments else _LOOK
    progress(
        f"{len(waiting)} messages may still reach SENS; certain in {first:.0f} s at the earliest"
    )
    lease = run.settings.ledger.lease_seconds
    time.sleep(min(max(first, 0.0) + 0.01, _LOOK, remaining, lease / 4))
    holding.renew()
    return True


def _counts(messages: Iterable[InDoubtMessage]) -> dict[str, int]:
    return dict(Counter(message.resolution.value for message in messages))
