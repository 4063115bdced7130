"""Holding a store while a run sends for it: taking the lease, keeping it, giving it back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid4

from boto3.dynamodb.conditions import Attr

from naverplace.aws.dynamodb import from_wire
from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock
from naverplace.base.errors import Throttled
from naverplace.ledger.store_state import (
    CHANGED_BY,
    NEW,
    PREFIX,
    Lease,
    LeaseLost,
    LockedByOther,
    Ownership,
    PendingMessage,
    StoreState,
    acquire,
    as_item,
    own,
    owner_of,
    read_state,
    release,
    renew,
)
from naverplace.settings.sections import LedgerSettings

TRIES = 20  # of one change, while others change the same item
_LOOK_AGAIN = 0.5  # seconds, while another run holds the store
log = logging.getLogger(__name__)


class StoreStateTable:
    """The states by store id; threads may share it."""

    def __init__(self, session: StateTable) -> None:
        self.session = session

    def read(self, store_ids: Iterable[str]) -> dict[str, StoreState]:
        """Read every store's state, empty where there is none; raises Transient, Permanent."""
        wanted = list(dict.fromkeys(store_ids))
        items = self.session.get_many(PREFIX + store_id for store_id in wanted)
        return {
            store_id: read_state(store_id, items.get(PREFIX + store_id, {})) for store_id in wanted
        }

    def read_all(self) -> list[StoreState]:
        """Read the state of every store that has one; raises Transient, Permanent."""
        items = self.session.table.scan(ProjectionExpression="id")
        ids = [str(from_wire(item)["id"]) for item in items]
        stores = [name.removeprefix(PREFIX) for name in ids if name.startswith(PREFIX)]
        return list(self.read(stores).values())

    def delete_pending(self, store_id: str, *, before: datetime) -> int:
        """Drop what was noted as pending before then; gives how many phones that were."""
        dropped = 0

        def drop(state: StoreState) -> StoreState:
            nonlocal dropped
            kept = {message: at for message, at in state.open.items() if at >= before}
            dropped = len(state.open) - len(kept)
            return replace(state, open=kept)

        self.change(store_id, drop)
        return dropped

    def change(self, store_id: str, edit: Callable[[StoreState], StoreState]) -> StoreState:
        """Change a store's state by `edit`, again from the start when somebody was faster.

        Raises what `edit` raises, with nothing written; Throttled when others never let go.
        """
        seen = self.read([store_id])[store_id]
        for _ in range(TRIES):
            wanted = edit(seen)
            if wanted == seen:
                return seen
            wanted = replace(wanted, version=seen.version + 1)
            mark = uuid4().hex
            unchanged = Attr("version").eq(seen.version)
            found = self.session.table.put(
                {**as_item(wanted), CHANGED_BY: mark},
                condition=unchanged if seen.version else Attr("version").not_exists(),
            )
            # botocore repeats a write whose answer was lost, and then meets its own first try.
            if found is None or found.get(CHANGED_BY) == mark:
                return wanted
            seen = read_state(store_id, found)
        raise Throttled(f"store {store_id}: its item was changed by others {TRIES} times")


@dataclass
class StoreLocks:
    """What this process's run does with the stores' items; threads may share it."""

    table: StoreStateTable
    run_id: str
    clock: Clock
    settings: LedgerSettings
    default_owner: str = NEW  # of stores that nobody has switched yet

    def __post_init__(self) -> None:
        # A retry of the same Prefect run is another process, and the first may still be alive.
        self.holder = f"{self.run_id}/{uuid4().hex}"

    def owners(self, store_ids: Iterable[str]) -> Mapping[str, Ownership]:
        """Read who owns these stores. Raises Transient, Permanent."""
        items = self.table.read(store_ids)
        return {s: owner_of(item, self.default_owner) for s, item in items.items()}

    def acquire(
        self,
        store_id: str,
        opening: Iterable[PendingMessage] = (),
        *,
        wait: bool,
        sending: bool = True,
    ) -> StoreLock:
        """Take a store, and note what will be sent.

        Raises LockedByOther when another run keeps it, NotOurs when it is for `sending` and the
        store is not ours. With `wait` a dead run is waited for until its lease is over.
        """
        messages = tuple(opening)
        patience = self.settings.lease_seconds + 2 * _LOOK_AGAIN if wait else 0.0
        give_up = time.monotonic() + patience
        while True:
            try:
                return self._acquire(store_id, messages, sending)
            except LockedByOther as held:
                if time.monotonic() >= give_up:
                    raise
                left = (held.lease.until - self.clock.now()).total_seconds()
                time.sleep(min(max(left, 0.01), _LOOK_AGAIN))

    def _acquire(
        self, store_id: str, opening: tuple[PendingMessage, ...], sending: bool
    ) -> StoreLock:
        changed = self.table.change(
            store_id,
            lambda item: acquire(
                item,
                holder=self.holder,
                run_id=self.run_id,
                now=self.clock.now(),
                seconds=self.settings.lease_seconds,
                opening=opening,
                default_owner=self.default_owner if sending else None,
            ),
        )
        if changed.lease is None:
            raise LeaseLost(f"store {store_id}: its lease was not written")
        return StoreLock(self, changed, changed.lease, sending=sending)


class StoreLock:
    """One store held by this run, with the messages that were open when it was taken."""

    def __init__(
        self, stores: StoreLocks, item: StoreState, lease: Lease, *, sending: bool
    ) -> None:
        self.stores, self.store_id, self.lease = stores, item.store_id, lease
        self.opened, self.sending = tuple(item.open), sending
        self.owned = owner_of(item, stores.default_owner)

    @property
    def reserves(self) -> bool:
        """Tell whether we send beside the legacy, so that flags must be reserved first."""
        return self.owned.reserves_at(self.stores.clock.now())

    def ensure_held(self) -> None:
        """Make sure that the store is still held at this moment. Raises as `renew` does."""
        if self.stores.clock.now() >= self.lease.until:
            self.renew()

    def renew(self) -> None:
        """Renew the lease when half of it is over.

        Raises LeaseLost, NotOurs, Transient, Permanent.
        """
        stores, seconds = self.stores, self.stores.settings.lease_seconds
        now = stores.clock.now()
        if self.lease.until - now > timedelta(seconds=seconds / 2):
            return
        lease = self.lease
        changed = stores.table.change(
            self.store_id,
            lambda item: renew(
                item,
                lease,
                now=now,
                seconds=seconds,
                default_owner=stores.default_owner if self.sending else None,
            ),
        )
        self.lease = changed.lease or lease
        self.owned = owner_of(changed, stores.default_owner)

    def change(self, edit: Callable[[StoreState], StoreState]) -> None:
        """Change the store's item while it is held. Raises LeaseLost, Transient, Permanent."""
        lease = self.lease

        def edited(item: StoreState) -> StoreState:
            own(item, lease)
            return edit(item)

        self.stores.table.change(self.store_id, edited)

    def release(self, resolved: Collection[PendingMessage]) -> None:
        """Give the store back; messages that are not resolved stay open for the next run."""
        lease = self.lease
        try:
            self.stores.table.change(
                self.store_id, lambda item: release(item, lease, resolved=resolved)
            )
        except LeaseLost as error:
            # Whoever has it now finds our messages open, and resolves them.
            log.warning("%s", error)
