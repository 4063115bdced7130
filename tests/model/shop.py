"""A shop whose outside is a value: real runs over the real ledger, and a SENS that may do anything.

A run settles, reads, decides, delivers and reports as the pipeline does; each of its calls to the
outside is a step (tests/interleaving.py), so others may come between any two, or it may die there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from pydantic import SecretStr

from naverplace.aws.table import StateTable
from naverplace.base.errors import OutcomeUnknown, Refused, ServiceUnavailable, TooLate
from naverplace.base.timing import PhaseTimer
from naverplace.delivery import deliver
from naverplace.delivery.deliver import InDoubtResolver
from naverplace.delivery.in_doubt import InDoubtMessage
from naverplace.domain.booking import BookingStatus, new_item
from naverplace.domain.effects import Effect, RecordKey
from naverplace.domain.records import read_record
from naverplace.domain.results import ActionResult
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger import store_lock
from naverplace.ledger.message_ledger import MessageLedger
from naverplace.ledger.phone_counter import PhoneCounter
from naverplace.ledger.run_memory import read_reported_runs, record_reported_run
from naverplace.ledger.store_lock import StoreLocks, StoreStateTable
from naverplace.ledger.store_state import NEW
from naverplace.pipeline import store_delivery
from naverplace.rules.engine import match_and_decide
from naverplace.settings.sections import CapSettings, CutoverSettings, LedgerSettings
from tests.handback_world import Now
from tests.interleaving import Got, Port, PortClient, Process, World, running
from tests.migration.cutover.cutover_scenes import SUBJECTS, steppable
from tests.rule_builders import STORE, at, shipped, stores

SIGNED_FOR = timedelta(minutes=5)  # SENS takes a signature that long (outside-services)
LAG = timedelta(seconds=60)  # until what is accepted stands in SENS's log
BACK = timedelta(days=LedgerSettings().expired_days)
SERVED_SINCE = at("2025-10-01 09:00")
Counting = Callable[[], AbstractContextManager[None]]


class Accepted(NamedTuple):
    """One message that SENS took."""

    request_id: str
    to: str
    subject: str
    text: str
    at: datetime
    booking: str
    kind: str


class Report(NamedTuple):
    """What one run told the owner at its end."""

    run: str
    at: datetime
    results: tuple[ActionResult, ...]
    settled: tuple[InDoubtMessage, ...]


@dataclass
class ShopWorld(World):
    """The outside, with what Naver lists and what SENS answers next."""

    listed: list[Now] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)  # of SENS; none: it accepts
    reports: list[Report] = field(default_factory=list)

    def name(self) -> bytes:
        """Name this world: equal ones have one name."""
        tables = [
            sorted((k, sorted(i.items())) for k, i in t.items()) for t in self.tables.values()
        ]
        outside = (self.now, tables, self.log, self.listed, self.answers, len(self.reports))
        return repr(outside).encode()


@dataclass(frozen=True)
class Sens:
    """SENS as a run meets it: signed here, and answered there a step later."""

    port: Port

    def fingerprint(self, *, to: str, subject: str, text: str, **rest: str) -> str:
        return f"{to} {subject} {text}"

    def send(
        self,
        *,
        to: str,
        subject: str,
        text: str,
        not_after: datetime,
        counting: Counting,
        **rest: Any,
    ) -> str:
        """Send one message. Raises whatever the world's next answer says."""
        (kind,) = (kind for word, kind in SUBJECTS.items() if word in subject)
        signed, request_id = self.port.now(), self.port.token()
        if signed > not_after:
            raise TooLate("it is too late to sign it")
        with counting():
            world = self.port.world
            assert isinstance(world, ShopWorld)
            booking = f"{STORE}_{int(to[-4:])}"  # here a phone has one booking at a time
            sent = Accepted(request_id, to, subject, text, signed, booking, kind)
            self.port.call(lambda: answer(world, sent))
        return request_id

    def find(self, *, start: datetime, end: datetime, to: str | None = None) -> list[SmsLogEntry]:
        """List what stands in the log by now."""
        return [entry(m) for m in self._log() if start <= m.at <= end and to in (None, m.to)]

    def find_request(self, request_id: str) -> list[SmsLogEntry]:
        return [entry(m) for m in self._log() if m.request_id == request_id]

    def get(self, message_id: str) -> SmsLogEntry | None:
        return next((entry(m) for m in self._log() if m.request_id == message_id), None)

    def _log(self) -> list[Accepted]:
        world = self.port.world
        found: list[Accepted] = self.port.call(
            lambda: [m for m in world.log if m.at + LAG <= world.now], step=False
        )
        return found


def answer(world: ShopWorld, sent: Accepted) -> None:
    """Let SENS answer one request, that was signed at `sent.at`."""
    if world.now > sent.at + SIGNED_FOR:
        raise Refused("the signature is too old", code="401")
    how = world.answers.pop(0) if world.answers else "accepted"
    if how == "refused":
        raise Refused("no such sender", code="400")
    if how == "unreachable":
        raise ServiceUnavailable("SENS cannot be reached")
    if how != "lost":
        world.log.append(sent._replace(at=world.now))
        world.got.append(Got("ours", sent.booking, sent.kind))
    if how in ("lost", "accepted, and no answer"):
        raise OutcomeUnknown("timed out")


ANSWERS = ("accepted", "accepted, and no answer", "lost", "refused", "unreachable")


def entry(sent: Accepted) -> SmsLogEntry:
    """Show a message as SENS's log does."""
    return SmsLogEntry(
        request_id=sent.request_id,
        message_id=sent.request_id,
        request_time=sent.at,
        to=sent.to,
        status="COMPLETED",
        end="delivered",
        subject=sent.subject,
        content=sent.text,
        fingerprint=f"{sent.to} {sent.subject} {sent.text}",
    )


def context(port: Port, *, per_phone: int = 6) -> Any:
    """Give what a run holds, on this port."""
    client: Any = PortClient(port, all_tables=True)
    unstepped: Any = PortClient(port, all_tables=False)  # counting comes with the send after it
    clock: Any = SimpleNamespace(now=port.now)
    sens: Any = Sens(port)
    ledger, caps = LedgerSettings(), CapSettings(per_phone=per_phone)
    table, session = MessageLedger(client), StateTable(client)
    locks = StoreLocks(
        StoreStateTable(session),
        run_id=port.name,
        clock=clock,
        settings=ledger,
        default_owner=NEW,
        caps=caps,
    )
    return SimpleNamespace(
        now=port.now(),
        run_id=port.name,
        execution_id=f"{port.name}/{port.token()}",
        dry_run=False,
        table=table,
        session_table=StateTable(unstepped),
        store_locks=locks,
        stop=locks.stop,
        stores={STORE: stores()[STORE]},
        settings=SimpleNamespace(
            ledger=ledger, cutover=CutoverSettings(), caps=caps, sens=SimpleNamespace(parallel=1)
        ),
        sens_slots=nullcontext(),  # one booking after another: a step is one process's
        clock=clock,
        sens=sens,
        phones=PhoneCounter(StateTable(unstepped), clock, per_phone, SecretStr("k"), sens.find),
        channels={},
        resolver=InDoubtResolver(table, sens, clock, ledger),
        watch=PhaseTimer(),
    )


def listed(world: ShopWorld) -> list[Now]:
    """List what Naver lists: confirmed until two hours after the start, then completed a while."""
    done = BookingStatus.COMPLETED
    return [
        replace(one, status=done) if world.now >= one.start + timedelta(hours=2) else one
        for one in world.listed
        if world.now < one.start + timedelta(days=31)
    ]


def a_run(name: str, *, tick: int = 0, per_phone: int = 6) -> Process:
    """One run of ours for the store, from its settling to its report."""

    def body(port: Port) -> None:
        run, world = context(port, per_phone=per_phone), port.world
        assert isinstance(world, ShopWorld)
        settled = store_delivery.resolve_in_doubt(run)
        bookings = port.call(lambda: [one.ours for one in listed(world)], step=False)
        records = run.table.records.read_bookings({booking.key for booking in bookings})
        decisions = match_and_decide(
            bookings,
            records,
            shipped(),
            now=run.now,
            back=BACK,
            served={STORE: SERVED_SINCE},
            reported_runs=read_reported_runs(run.session_table, records.values()),
        )
        results = store_delivery.deliver_store(run, None, STORE, decisions.effects)
        told = Report(port.name, run.now, tuple(results), tuple(settled))
        port.call(lambda: world.reports.append(told), step=False)
        record_reported_run(run.session_table, run.execution_id, now=run.now, days=8)

    return Process(name, tick, body)


def a_delivery(
    name: str, effects: Sequence[Effect], *, leased: bool = False, tick: int = 0
) -> Process:
    """Only the delivery of what was decided before: under the store's lease, or by claims alone."""

    def body(port: Port) -> None:
        run = context(port)
        if leased:
            store_delivery.deliver_store(run, None, STORE, effects)
        else:
            deliver.deliver(effects, store_delivery._executor(run, None, None), run.resolver)

    return Process(name, tick, body)


def owed(world: ShopWorld) -> tuple[Effect, ...]:
    """Decide now, as a run does that is yet to deliver."""
    records = {key: read_record(item) for key, item in _by_key(world).items()}
    bookings = [one.ours for one in world.listed]
    return match_and_decide(bookings, records, shipped(), now=world.now).effects


def _by_key(world: World) -> dict[RecordKey, dict[str, Any]]:
    return {RecordKey(*key): item for key, item in world.tables["sms"].items()}


def finish(process: Process, world: World) -> Process:
    """Take all its steps that are left."""
    ended = process.step(world, all_at_once=True)
    assert ended
    assert ended.over
    return ended


def later_runs(world: World, moments: Iterable[datetime]) -> None:
    """Let a whole run be done at each of these moments."""
    for moment in moments:
        world.now = max(world.now, moment)
        finish(a_run(f"later {world.now:%d %H:%M:%S}"), world)


def repeatable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run that is done again do the same, and let its waiting take simulated time only."""
    steppable(monkeypatch)
    simulated = SimpleNamespace(monotonic=_monotonic, sleep=_sleep)
    monkeypatch.setattr(deliver, "time", simulated)


def waiting_takes_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a run that waits for another's lease wait in simulated time, until it gives up."""
    slow = SimpleNamespace(monotonic=_monotonic, sleep=lambda seconds: _sleep(seconds + 30))
    monkeypatch.setattr(store_lock, "time", slow)


def _monotonic() -> float:
    return running[-1].now().timestamp()


def _sleep(seconds: float) -> None:
    world = running[-1].world

    def pass_time() -> None:
        world.now += timedelta(seconds=seconds)

    running[-1].call(pass_time, step=False)


def known(world: ShopWorld, one: Now, **flags: bool) -> Now:
    """Let Naver list a booking that the table knows."""
    item = {"confirm_sms": False, "remind_sms": False, "option_sms": False, **flags}
    key = one.ours.key
    world.tables["sms"][key.booking_num, key.phone] = {**new_item(one.ours), **item}
    world.listed.append(one)
    return one
