"""Holding a store while a run sends for it: taking the lease, keeping it, giving it back."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable
from datetime import timedelta
from uuid import uuid4

from naverplace.clock import Clock
from naverplace.leases import Held, Lease, LeaseLost, OpenMessage, close, renew, take
from naverplace.setting_guards import LedgerSettings
from naverplace.tables.stores import StoreTable

log = logging.getLogger(__name__)
_LOOK_AGAIN = 0.5  # seconds, while another run holds the store


class Stores:
    """What this process's run does with the stores' items; threads may share it."""

    def __init__(
        self, table: StoreTable, *, run_id: str, clock: Clock, settings: LedgerSettings
    ) -> None:
        self.table, self.run_id, self.clock, self.settings = table, run_id, clock, settings
        # A retry of the same Prefect run is another process, and the first may still be alive.
        self.holder = f"{run_id}/{uuid4().hex}"

    def take(self, store_id: str, opening: Iterable[OpenMessage] = (), *, wait: bool) -> Holding:
        """Take a store, and note what will be sent. Raises Held when another run keeps it.

        With `wait` a run that has died is waited for until its lease is over.
        """
        messages = tuple(opening)
        patience = self.settings.lease_seconds + 2 * _LOOK_AGAIN if wait else 0.0
        give_up = time.monotonic() + patience
        while True:
            try:
                return self._take(store_id, messages)
            except Held as held:
                if time.monotonic() >= give_up:
                    raise
                left = (held.lease.until - self.clock.now()).total_seconds()
                time.sleep(min(max(left, 0.01), _LOOK_AGAIN))

    def _take(self, store_id: str, opening: tuple[OpenMessage, ...]) -> Holding:
        changed = self.table.change(
            store_id,
            lambda item: take(
                item,
                holder=self.holder,
                run_id=self.run_id,
                now=self.clock.now(),
                seconds=self.settings.lease_seconds,
                opening=opening,
            ),
        )
        if changed.lease is None:
            raise LeaseLost(f"store {store_id}: its lease was not written")
        return Holding(self, store_id, changed.lease, tuple(changed.open))


class Holding:
    """One store held by this run, with the messages that were open when it was taken."""

    def __init__(
        self, stores: Stores, store_id: str, lease: Lease, opened: tuple[OpenMessage, ...]
    ) -> None:
        self.stores, self.store_id, self.lease, self.opened = stores, store_id, lease, opened

    def keep(self) -> None:
        """Renew the lease when half of it is over. Raises LeaseLost, Transient, Permanent."""
        stores, seconds = self.stores, self.stores.settings.lease_seconds
        now = stores.clock.now()
        if self.lease.until - now > timedelta(seconds=seconds / 2):
            return
        lease = self.lease
        changed = stores.table.change(
            self.store_id, lambda item: renew(item, lease, now=now, seconds=seconds)
        )
        self.lease = changed.lease or lease

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
