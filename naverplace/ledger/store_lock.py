"""Holding a store while a run sends for it: taking the lease, keeping it, giving it back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock, RLock
from uuid import uuid4

from boto3.dynamodb.conditions import Attr

from naverplace.aws.dynamodb import from_wire
from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock
from naverplace.base.errors import Throttled
from naverplace.base.stopping import StopRequest
from naverplace.domain.due_messages import DUE, DueMessages, read_due_messages
from naverplace.ledger.caps import (
    ALL,
    STORE,
    CapReached,
    Count,
    begin_sending,
    cap_of,
    end_sending,
    left_of_all,
    release_cap,
    sent_messages,
)
from naverplace.ledger.pauses import ALL_STORES, PAUSE, Pause, pause_in, set_pause
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
from naverplace.settings.sections import CapSettings, LedgerSettings

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
        items = self.session.get_many([ALL_STORES, *(PREFIX + store_id for store_id in wanted)])
        for_all = items.get(ALL_STORES, {})
        states = (read_state(store_id, items.get(PREFIX + store_id, {})) for store_id in wanted)
        return {state.store_id: replace(state, for_all=for_all) for state in states}

    def read_all(self) -> list[StoreState]:
        """Read the state of every store that has one; raises Transient, Permanent."""
        return list(self.read(self._stores_with(PREFIX)).values())

    def read_due(self, store_ids: Iterable[str]) -> dict[str, DueMessages]:
        """Read what runs left as due in these stores, by store. Raises Transient, Permanent."""
        items = self.session.get_many(DUE + store_id for store_id in store_ids)
        read = {name.removeprefix(DUE): read_due_messages(item) for name, item in items.items()}
        return {store_id: due for store_id, due in read.items() if due}

    def write_due(self, due: Mapping[str, DueMessages]) -> None:
        """Write what changed of what is due in these stores. Raises Transient, Permanent."""
        last = self.read_due(due)
        for store_id, messages in due.items():
            if messages.says_more_than(last.get(store_id)):
                self.session.put(messages.as_item(store_id))

    def read_all_due(self) -> dict[str, DueMessages]:
        """Read what is due in every store that ever had something. Raises Transient, Permanent."""
        return self.read_due(self._stores_with(DUE))

    def delete_due(self, store_id: str, *, before: datetime) -> int:
        """Drop what was over before then; gives how many messages that were."""
        due = self.read_due([store_id])[store_id]
        kept = tuple(m for m in due.messages if (m.expires or m.due) >= before)
        self.session.put(replace(due, messages=kept).as_item(store_id))
        return len(due.messages) - len(kept)

    def _stores_with(self, prefix: str) -> list[str]:
        items = self.session.table.scan(ProjectionExpression="id")
        ids = [str(from_wire(item)["id"]) for item in items]
        return [name.removeprefix(prefix) for name in ids if name.startswith(prefix)]

    def pause_all(self, pause: Pause | None) -> Pause | None:
        """Pause all stores, or with None resume them; gives the pause that was there."""
        before = pause_in(self.session.get(ALL_STORES) or {})
        self.session.update(ALL_STORES, {PAUSE: pause.as_map() if pause else None})
        return before

    def end_pause(self, store_id: str | None, pause: Pause) -> bool:
        """Take this very pause of a store, or of all, away; False when it is not there any more."""
        if store_id is None:
            is_there = Attr(PAUSE).eq(pause.as_map())
            key = {"id": ALL_STORES}
            return self.session.table.update(key, {}, removes=[PAUSE], condition=is_there) is None
        ended = False

        def edit(state: StoreState) -> StoreState:
            nonlocal ended
            ended = pause_in(state.extra) == pause
            return replace(state, extra=set_pause(state.extra, None)) if ended else state

        self.change(store_id, edit)
        return ended

    def delete_pending(self, store_id: str, *, before: datetime) -> int:
        """Drop what was noted as pending before then; gives how many phones that were."""
        dropped = 0

        def drop(state: StoreState) -> StoreState:
            nonlocal dropped
            kept = {message: at for message, at in state.open.items() if at >= before}
            awaited = {message: at for message, at in state.awaiting.items() if at >= before}
            dropped = len(state.open) + len(state.awaiting) - len(kept) - len(awaited)
            return replace(state, open=kept, awaiting=awaited)

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
            seen = replace(read_state(store_id, found), for_all=seen.for_all)
        raise Throttled(f"store {store_id}: its item was changed by others {TRIES} times")


def release_sending(
    table: StoreStateTable, store_id: str, *, now: datetime, hours: float
) -> Count | None:
    """Let what a cap of this store has held back pass for some hours; None when none has."""
    released: list[Count | None] = []

    def edit(state: StoreState) -> StoreState:
        given, after = release_cap(state.extra, now=now, hours=hours)
        released.append(given)
        return replace(state, extra=after)

    table.change(store_id, edit)
    return released[-1]


@dataclass
class StoreLocks:
    """What this process's run does with the stores' items; threads may share it."""

    table: StoreStateTable
    run_id: str
    clock: Clock
    settings: LedgerSettings
    default_owner: str = NEW  # of stores that nobody has switched yet
    caps: CapSettings = field(default_factory=CapSettings)
    stop: StopRequest = field(default_factory=StopRequest)

    def __post_init__(self) -> None:
        # A retry of the same Prefect run is another process, and the first may still be alive.
        self.holder = f"{self.run_id}/{uuid4().hex}"
        self._guard = Lock()
        self._left: int | None = None  # messages that this run may send, for all stores together

    def owners(self, store_ids: Iterable[str]) -> Mapping[str, Ownership]:
        """Read who owns these stores. Raises Transient, Permanent."""
        items = self.table.read(store_ids)
        return {s: owner_of(item, self.default_owner) for s, item in items.items()}

    def cap_all(self, store_ids: Iterable[str]) -> None:
        """Find out once what this run may send for these stores. Raises Transient, Permanent."""
        with self._guard:
            if self._left is None:
                now, states = self.clock.now(), self.table.read(store_ids).values()
                self._left = left_of_all([cap_of(state.extra, self.caps, now) for state in states])

    def count_for_all(self, messages: int) -> None:
        """Count messages that are about to be sent, or take them back. Raises CapReached."""
        with self._guard:
            if self._left is None:
                return
            if messages > self._left:
                why = "many more messages than usual; naverplace release all lets them pass"
                raise CapReached(ALL, why)
            self._left -= messages

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
                if time.monotonic() >= give_up or self.stop.why:
                    raise
                left = (held.lease.until - self.clock.now()).total_seconds()
                time.sleep(min(max(left, 0.01), _LOOK_AGAIN))

    def _acquire(
        self, store_id: str, opening: tuple[PendingMessage, ...], sending: bool
    ) -> StoreLock:
        def edit(item: StoreState) -> StoreState:
            now = self.clock.now()
            wanted = () if item.pause_at(now) else opening
            taken = acquire(
                item,
                holder=self.holder,
                run_id=self.run_id,
                now=now,
                seconds=self.settings.lease_seconds,
                opening=wanted,
                default_owner=self.default_owner if sending else None,
            )
            if not wanted:
                return taken
            return replace(taken, extra=begin_sending(taken.extra, len(wanted), self.caps, now))

        changed = self.table.change(store_id, edit)
        if changed.lease is None:
            raise LeaseLost(f"store {store_id}: its lease was not written")
        return StoreLock(self, changed, changed.lease, sending=sending)


class StoreLock:
    """One store held by this run, with the messages that were open then; threads may share it."""

    def __init__(
        self, stores: StoreLocks, item: StoreState, lease: Lease, *, sending: bool
    ) -> None:
        self.stores, self.state, self.lease = stores, item, lease
        self.store_id, self.opened, self.sending = item.store_id, tuple(item.open), sending
        self.others_known = item.awaiting.keys() | item.open.keys()  # their texts may be the same
        self.sent = self.held = 0  # messages handed to SENS, and kept back by a cap
        self.cap = cap_of(item.extra, stores.caps, stores.clock.now())
        self._guard = RLock()
        self._may_send = min(self.cap.run, self.cap.left + sent_messages(item.extra).reserved)

    @property
    def reserves(self) -> bool:
        """Tell whether we send beside the legacy, so that flags must be reserved first."""
        owned = owner_of(self.state, self.stores.default_owner)
        return owned.reserves_at(self.stores.clock.now())

    @property
    def pause(self) -> Pause | None:
        """Give the store's pause, as it was known when the lease was last taken or renewed."""
        return self.state.pause_at(self.stores.clock.now())

    def count(self) -> None:
        """Count a message that is about to be sent. Raises CapReached."""
        with self._guard:
            try:
                if self.sent >= self._may_send:
                    why = (
                        f"at most {self.cap.run} messages in a run and {self.cap.day} a day; "
                        f"naverplace release {self.store_id} lets them pass"
                    )
                    raise CapReached(STORE, why)
                self._count_for_all(1)
            except CapReached:
                self.held += 1
                raise
            self.sent += 1

    def uncount(self) -> None:
        """Take a count back: that message was certainly not sent."""
        with self._guard:
            self.sent -= 1
            self._count_for_all(-1)

    def _count_for_all(self, messages: int) -> None:
        if not self.cap.released:
            self.stores.count_for_all(messages)

    def ensure_held(self) -> None:
        """Make sure that the store is still held at this moment. Raises as `renew` does."""
        if self.stores.clock.now() >= self.lease.until:
            self.renew()

    def renew(self) -> None:
        """Renew the lease when half of it is over.

        Raises LeaseLost, NotOurs, Transient, Permanent.
        """
        with self._guard:
            self._renew()

    def _renew(self) -> None:
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
        self.state, self.lease = changed, changed.lease or lease

    def change(self, edit: Callable[[StoreState], StoreState]) -> None:
        """Change the store's item while it is held. Raises LeaseLost, Transient, Permanent."""
        lease = self.lease

        def edited(item: StoreState) -> StoreState:
            own(item, lease)
            return edit(item)

        self.stores.table.change(self.store_id, edited)

    def release(self, resolved: Collection[PendingMessage]) -> None:
        """Give the store back; messages that are not resolved stay open for the next run."""
        lease, now = self.lease, self.stores.clock.now()

        def edit(item: StoreState) -> StoreState:
            left = release(item, lease, resolved=resolved)
            if not (self.sent or self.held or sent_messages(item.extra).reserved):
                return left
            ended = end_sending(left.extra, now, sent=self.sent, held=self.held)
            return replace(left, extra=ended)

        try:
            self.stores.table.change(self.store_id, edit)
        except LeaseLost as error:
            # Whoever has it now finds our messages open, and resolves them.
            log.warning("%s", error)
