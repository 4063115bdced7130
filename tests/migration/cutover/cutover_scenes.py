"""Legacy runs, runs of ours and switches as processes that can be stepped, over one table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr

from legacy.bookings import read, read_all
from legacy.death import Ended
from legacy.model import check
from legacy.ports import World as LegacyWorld
from naverplace.aws import dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.errors import Throttled
from naverplace.base.timing import PhaseTimer
from naverplace.delivery.deliver import InDoubtResolver
from naverplace.domain.booking import Booking, BookingStatus, new_item
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_kinds import FLAGS
from naverplace.domain.record_matching import match_records
from naverplace.domain.records import Record
from naverplace.domain.results import Decisions
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.jobs import drain
from naverplace.ledger import message_ledger, phone_counter, store_lock
from naverplace.ledger import records_table as items
from naverplace.ledger.message_ledger import MessageLedger
from naverplace.ledger.phone_counter import PhoneCounter
from naverplace.ledger.reservations import reserved_values
from naverplace.ledger.store_lock import StoreLocks, StoreStateTable
from naverplace.ledger.store_state import LEGACY, OWNER, Ownership
from naverplace.migration.cutover import cutover as switching
from naverplace.migration.cutover.cutover import Cutover
from naverplace.pipeline import store_delivery
from naverplace.pipeline.steps import with_reservations
from naverplace.rules import engine
from naverplace.settings.sections import CapSettings, CutoverSettings, LedgerSettings
from tests.handback_world import TEXTS, Now
from tests.interleaving import Got, Port, PortClient, Process, Token, World, sleep
from tests.rule_builders import STORE, shipped, stores

Counting = Callable[[], AbstractContextManager[None]]
OTHER = "951291"  # the legacy's, unless a test says otherwise
LISTED = Callable[[datetime], Sequence[Now]]  # what Naver lists at a moment
SUBJECTS = {"예약확정": "confirmation", "이용안내": "guide", "리뷰 이벤트": "event"}


@dataclass(frozen=True)
class Scene:
    """What Naver lists, and which calls of ours are steps."""

    listed: LISTED
    all_tables: bool = False
    switch: CutoverSettings = field(default_factory=CutoverSettings)
    frozen: bool = False  # a run of ours may stand still for as long as it likes
    unreadable: Callable[[datetime], bool] = lambda now: False  # whether a fatal row is listed

    def legacy(self, name: str, tick: int, *, killed_after: int | None = None) -> Process:
        """A run of the legacy, that begins only while its rule starts it.

        It dies of an unreadable row (L27), and when it is killed after so many calls.
        """

        def body(port: Port) -> None:
            world = port.world
            now, starts = port.call(lambda: (world.now, world.rule))
            if starts:
                with suppress(Ended, _Killed):
                    self._legacy_run(_Killable(port, killed_after), now)

        return Process(name, tick, body, limited=True)

    def _legacy_run(self, port: _Killable, now: datetime) -> None:
        listed = self.listed(now)
        read_all([{}] if self.unreadable(now) else [])
        ports = LegacyWorld(
            store_ids=(STORE, OTHER),
            table=_LegacyTable(port),
            sens=_LegacySens(port, {one.digits: one.ours.booking_num for one in listed}),
            telegram=SimpleNamespace(send=lambda text: None),
            texts=TEXTS,
            now=lambda: now.replace(tzinfo=None),
        )
        by_status = {
            status: [read(one.raw) for one in listed if one.status is status]
            for status in BookingStatus
        }
        check(ports, by_status[BookingStatus.CONFIRMED], by_status[BookingStatus.COMPLETED])

    def ours(self, name: str, tick: int) -> Process:
        """A run of ours for the store: read, decide, reserve, claim, send, accept."""

        def body(port: Port) -> None:
            run = self.run(port)
            run.now = port.now()
            bookings = [one.ours for one in self.listed(run.now)]
            records = run.table.records.read_bookings({booking.key for booking in bookings})
            owners = run.store_locks.owners([STORE])
            decisions = _decided(bookings, records, run.now)
            matches = match_records(bookings, records)
            lead = timedelta(seconds=run.settings.cutover.lead_seconds)
            decisions = with_reservations(decisions, matches, owners, now=run.now, lead=lead)
            store_delivery.deliver_store(run, None, STORE, decisions.effects)

        return Process(name, tick, body, limited=not self.frozen)

    def cutover(self, name: str, tick: int, *store_ids: str) -> Process:
        """A cut-over of these stores."""

        def body(port: Port) -> None:
            assert self.switching(port).cut_over(store_ids).done

        return Process(name, tick, body)

    def rollback(self, name: str, tick: int, *store_ids: str) -> Process:
        """A hand-back of these stores."""

        def body(port: Port) -> None:
            assert self.switching(port).roll_back(store_ids).done

        return Process(name, tick, body)

    def run(self, port: Port) -> Any:
        """Give what a run of ours holds, on this port."""
        client: Any = PortClient(port, all_tables=self.all_tables)
        clock: Any = SimpleNamespace(now=port.now)
        one_at_a_time = SimpleNamespace(parallel=1)
        settings = SimpleNamespace(ledger=LedgerSettings(), cutover=self.switch, sens=one_at_a_time)
        table, session = MessageLedger(client), StateTable(client)
        held = StoreLocks(
            StoreStateTable(session),
            run_id=port.name,
            clock=clock,
            settings=settings.ledger,
            default_owner=LEGACY,
        )
        sens: Any = _Sens(port)
        return SimpleNamespace(
            now=None,
            run_id=port.name,
            execution_id=f"{port.name}/1",
            dry_run=False,
            table=table,
            session_table=session,
            store_locks=held,
            stop=held.stop,
            stores={STORE: stores()[STORE]},
            all_stores={s: stores()[s] for s in (STORE, OTHER)},
            settings=settings,
            clock=clock,
            sens=sens,
            sens_slots=nullcontext(),
            phones=PhoneCounter(session, clock, CapSettings().per_phone, SecretStr("k"), sens.find),
            channels={},
            resolver=InDoubtResolver(table, sens, clock, settings.ledger),
            watch=PhaseTimer(),
        )

    def switching(self, port: Port) -> Cutover:
        """Give a switch on this port, past its settings and clients."""
        made = Cutover.__new__(Cutover)
        made.run = self.run(port)
        made.settings = made.run.settings
        made.what, made.by, made.why, made.digest = "switch", "test", "test", ""
        made.progress, made.steps, made.stores = lambda line: None, [], ()
        rule: Any = _Rule(port)
        made.rule = rule
        return made


_decisions: dict[str, Decisions] = {}


def _decided(
    bookings: Sequence[Booking], records: Mapping[RecordKey, Record], now: datetime
) -> Decisions:
    """Decide, once for the same inputs: a process is run again for each of its steps."""
    name = repr((now, [(b.booking_num, b.start, b.status) for b in bookings], records))
    if name not in _decisions:
        _decisions[name] = engine.match_and_decide(bookings, records, shipped(), now=now)
    return _decisions[name]


class _Killed(BaseException):
    """The process of the legacy was killed; no Exception, so that it cannot go on after it."""


@dataclass
class _Killable:
    """A port that answers so many calls, and is dead then."""

    port: Port
    calls_left: int | None

    @property
    def world(self) -> World:
        return self.port.world

    def call(self, work: Callable[[], Any]) -> Any:
        if self.calls_left == 0:
            raise _Killed
        if self.calls_left is not None:
            self.calls_left -= 1
        return self.port.call(work)


@dataclass(frozen=True)
class _LegacyTable:
    port: _Killable

    def get(self, booking_num: str, phone: str) -> Any:
        items = self.port.world.tables["sms"]
        found: Any = self.port.call(lambda: dict(items.get((booking_num, phone), {})) or None)
        return found

    def put(self, item: dict[str, Any]) -> None:
        key = (item["booking_num"], item["phone"])
        self.port.call(lambda: self.port.world.tables["sms"].update({key: dict(item)}))

    def set_flag(self, booking_num: str, phone: str, flag: str) -> None:
        def work() -> None:
            key = {"booking_num": booking_num, "phone": phone}
            items = self.port.world.tables["sms"]
            items.setdefault((booking_num, phone), dict(key))[flag] = True

        self.port.call(work)

    def open_items(self) -> list[dict[str, Any]]:
        return []


@dataclass(frozen=True)
class _LegacySens:
    port: _Killable
    bookings: dict[str, str]

    def send(self, message: Any) -> None:
        got = Got("legacy", self.bookings[message.to], message.kind)
        self.port.call(lambda: self.port.world.got.append(got))


@dataclass(frozen=True)
class _Sens:
    port: Port

    def fingerprint(self, *, to: str, subject: str, **rest: str) -> str:
        return f"{to} {subject}"

    def send(
        self, *, to: str, subject: str, not_after: datetime, counting: Counting, **rest: Any
    ) -> Any:
        (kind,) = (kind for word, kind in SUBJECTS.items() if word in subject)
        got = Got("ours", f"{STORE}_{int(to[-4:])}", kind)
        request_id = self.port.token()

        def work() -> None:
            if self.port.world.now > not_after:
                raise Throttled("it is too late to sign it")
            self.port.world.got.append(got)
            self.port.world.log.append((request_id, to, subject, self.port.world.now))

        with counting():
            self.port.call(work)
        return request_id

    def find(self, *, start: datetime, end: datetime, to: str | None) -> list[SmsLogEntry]:
        found = self.port.call(lambda: [m for m in self.port.world.log if m[1] == to])
        return [
            SmsLogEntry(
                request_id=request,
                message_id=request,
                request_time=at,
                sender="",
                status="COMPLETED",
                end="delivered",
                to=phone,
                subject=subject,
                fingerprint=f"{phone} {subject}",
            )
            for request, phone, subject, at in found
        ]

    def get(self, message_id: str) -> None:
        return None

    def find_request(self, request_id: str) -> list[SmsLogEntry]:
        return []


@dataclass(frozen=True)
class _Rule:
    port: Port
    name: str = "legacy"

    def enabled(self) -> bool:
        on: bool = self.port.call(lambda: self.port.world.rule)
        return on

    def enable(self) -> None:
        self.port.call(lambda: setattr(self.port.world, "rule", True))

    def disable(self) -> None:
        self.port.call(lambda: setattr(self.port.world, "rule", False))


def owned(world: World, store_id: str, owner: str, *, alone: bool = False) -> None:
    """Let a store be owned, as a switch before has left it."""
    always = datetime(2020, 1, 1, tzinfo=world.now.tzinfo)
    entry = Ownership(owner, 1, always, "test", "test", alone_from=always if alone else None)
    item = {"id": f"naverplace-store-{store_id}", "version": 1, "epoch": 1, "open": {}}
    world.tables["session"][(item["id"],)] = {**item, OWNER: entry.as_map()}  # type: ignore[index]


def known(world: World, one: Now, **flags: bool) -> None:
    """Let the table have a booking's item."""
    values = {"confirm_sms": True, "remind_sms": False, "option_sms": False, **flags}
    key = one.ours.key
    world.tables["sms"][key.booking_num, key.phone] = {**new_item(one.ours), **values}


def reserved(world: World, one: Now, *, since: datetime) -> None:
    """Let the table have a booking's item that we have reserved."""
    key = one.ours.key
    item = {**new_item(one.ours), **reserved_values(FLAGS, since)}
    world.tables["sms"][key.booking_num, key.phone] = item


def at_once(scene: Scene, world: World, moments: Sequence[datetime], order: str) -> None:
    """Let both sides run from begin to end at each of these moments, in this order."""
    for moment in moments:
        world.now = moment
        for side in order.split():
            process = scene.legacy("l", 0) if side == "legacy" else scene.ours(f"o{moment}", 0)
            assert process.step(world, all_at_once=True)


def counts(world: World) -> Counter[tuple[str, str]]:
    """Count the messages by booking and kind, whoever sent them."""
    return Counter((got.booking, got.kind) for got in world.got)


def steppable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a process that is run again do the same: tokens by count, and no real waiting."""
    plain = SimpleNamespace(serialize=lambda value: value, deserialize=lambda value: value)
    monkeypatch.setattr(dynamodb, "_serializer", plain)  # thousands of worlds: no typed form
    monkeypatch.setattr(dynamodb, "_deserializer", plain)
    for module in (items, message_ledger, phone_counter, store_lock, switching):
        monkeypatch.setattr(module, "uuid4", Token)
    for slow in (store_lock, drain):
        monkeypatch.setattr(slow, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep))
