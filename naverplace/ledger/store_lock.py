"""Holding a store while a run sends for it: taking the lease, keeping it, giving it back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from uuid import uuid4

from naverplace.base.clock import Clock
from naverplace.ledger.lease import (
    Held,
    Lease,
    LeaseLost,
    OpenMessage,
    StoreItem,
    close,
    own,
    renew,
    take,
)
from naverplace.ledger.ownership import NEW, Ownership, ensure_ours, owner_of
from naverplace.ledger.store_state_table import StoreTable
from naverplace.settings.sections import LedgerSettings

log = logging.getLogger(__name__)
_LOOK_AGAIN = 0.5  # seconds, while another run holds the store


class Stores:
    """What this process's run does with the stores' items; threads may share it."""

    def __init__(
        self,
        table: StoreTable,
        *,
        run_id: str,
        clock: Clock,
        settings: LedgerSettings,
        default_owner: str = NEW,
    ) -> None:
        self.table, self.run_id, self.clock, self.settings = table, run_id, clock, settings
        self.default_owner = default_owner  # of stores that nobody has switched yet
        # A retry of the same Prefect run is another process, and the first may still be alive.
        self.holder = f"{run_id}/{uuid4().hex}"

    def owners(self, store_ids: Iterable[str]) -> Mapping[str, Ownership]:
        """Read who owns these stores. Raises Transient, Permanent."""
        items = self.table.read(store_ids)
        return {s: owner_of(item, self.default_owner) for s, item in items.items()}

    def take(
        self,
        store_id: str,
        opening: Iterable[OpenMessage] = (),
        *,
        wait: bool,
        sending: bool = True,
    ) -> Holding:
        """Take a store, and note what will be sent.

        Raises Held when another run keeps it, NotOurs when it is for `sending` and the store is
        not ours. With `wait` a run that has died is waited for until its lease is over.
        """
        messages = tuple(opening)
        patience = self.settings.lease_seconds + 2 * _LOOK_AGAIN if wait else 0.0
        give_up = time.monotonic() + patience
        while True:
            try:
                return self._take(store_id, messages, sending)
            except Held as held:
                if time.monotonic() >= give_up:
                    raise
                left = (held.lease.until - self.clock.now()).total_seconds()
                time.sleep(min(max(left, 0.01), _LOOK_AGAIN))

    def allow(self, item: StoreItem) -> None:
        """Raise NotOurs unless we may send for this store."""
        ensure_ours(item, self.default_owner)

    def _take(self, store_id: str, opening: tuple[OpenMessage, ...], sending: bool) -> Holding:
        changed = self.table.change(
            store_id,
            lambda item: take(
                item,
                holder=self.holder,
                run_id=self.run_id,
                now=self.clock.now(),
                seconds=self.settings.lease_seconds,
                opening=opening,
                allowed=self.allow if sending else _nobody_sends,
            ),
        )
        if changed.lease is None:
            raise LeaseLost(f"store {store_id}: its lease was not written")
        return Holding(self, changed, changed.lease, sending=sending)


def _nobody_sends(item: StoreItem) -> None:
    """Let a holding that sends nothing hold whatever store it likes."""


class Holding:
    """One store held by this run, with the messages that were open when it was taken."""

    def __init__(self, stores: Stores, item: StoreItem, lease: Lease, *, sending: bool) -> None:
        self.stores, self.store_id, self.lease = stores, item.store_id, lease
        self.opened, self.sending = tuple(item.open), sending
        self.owned = owner_of(item, stores.default_owner)

    @property
    def reserves(self) -> bool:
        """Tell whether we send beside the legacy, so that flags must be reserved first."""
        return self.owned.reserves_at(self.stores.clock.now())

    def confirm(self) -> None:
        """Make sure that the store is still held at this moment. Raises as `keep` does."""
        if self.stores.clock.now() >= self.lease.until:
            self.keep()

    def keep(self) -> None:
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
                allowed=stores.allow if self.sending else _nobody_sends,
            ),
        )
        self.lease = changed.lease or lease
        self.owned = owner_of(changed, stores.default_owner)

    def change(self, edit: Callable[[StoreItem], StoreItem]) -> None:
        """Change the store's item while it is held. Raises LeaseLost, Transient, Permanent."""
        lease = self.lease

        def edited(item: StoreItem) -> StoreItem:
            own(item, lease)
            return edit(item)

        self.stores.table.change(self.store_id, edited)

    def give_back(self, settled: Collection[OpenMessage]) -> None:
        """Give the store back; messages that are not settled stay open for the next run."""
        lease = self.lease
        try:
            self.stores.table.change(
                self.store_id, lambda item: close(item, lease, settled=settled)
            )
        except LeaseLost as error:
            # Whoever has it now finds our messages open, and settles them.
            log.warning("%s", error)
