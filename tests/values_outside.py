"""The outside as values, all in memory: a clock, the tables, and a SENS that answers as told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from naverplace.aws.table import StateTable
from naverplace.base.clock import SEOUL, Clock
from naverplace.base.errors import ServiceUnavailable
from naverplace.delivery.executor import EffectExecutor
from naverplace.domain.effects import SendSms
from naverplace.domain.records import LedgerEntry
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.message_ledger import MessageLedger
from naverplace.ledger.store_lock import StoreLock, StoreLocks, StoreStateTable
from naverplace.settings.sections import LedgerSettings
from tests.delivery_builders import STORE, item_of, key_of
from tests.memory_dynamodb import MemoryClient

NOON = datetime(2025, 10, 22, 12, 0, tzinfo=SEOUL)
SECOND = timedelta(seconds=1)
TICK = timedelta.resolution
AWAY = ServiceUnavailable("it cannot be reached")
KEY = key_of(1)
Counting = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Shown(Clock):
    """A clock that shows what the test says."""

    hands: list[datetime] = field(default_factory=lambda: [NOON])
    step: timedelta = timedelta()

    def now(self) -> datetime:
        """Tell the moment, and go on by a step."""
        self.hands[0] += self.step
        return self.hands[0]

    def go(self, seconds: float) -> None:
        """Let time pass."""
        self.hands[0] += timedelta(seconds=seconds)


class Meddling(MemoryClient):
    """A client that does every write twice, or lets somebody else come before it."""

    repeats = False
    before_write: Callable[[], None] | None = None
    unreadable: Exception | None = None
    writes = 0

    def __init__(self) -> None:
        super().__init__({"session": {}, "sms": {}})

    def call(self, name: str, table: str, work: Any) -> Any:
        """Do one call."""
        if self.unreadable and name != "write":
            raise self.unreadable
        if name == "write":
            self.writes += 1
            if meddle := self.before_write:
                meddle()
            if self.repeats:
                work()
                for item in self.tables[table].values():  # equal texts, and other objects
                    item.update({k: "".join(list(v)) for k, v in item.items() if type(v) is str})
        return work()

    def once(self, meddle: Callable[[], object], *, at: int = 1) -> None:
        """Let this happen before the write that is the so-manieth from now."""
        due = self.writes + at

        def look() -> None:
            if self.writes == due:
                self.before_write = None
                meddle()

        self.before_write = look


@dataclass
class Sens:
    """SENS: what it was handed, what it answers next, and its log."""

    clock: Shown
    answers: list[Exception | Callable[[], object]] = field(default_factory=list)
    log: list[SmsLogEntry] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[Any, ...]] = field(default_factory=list)
    unreadable: Exception | None = None
    keeps_contents: bool = True

    def fingerprint(self, *, to: str, sender: str, subject: str, text: str) -> str:
        """Name a content."""
        return f"{to} {sender} {subject} {text}"

    def send(self, *, to: str, counting: Counting, **words: Any) -> str:
        """Take a message. Raises or does what it is to answer next."""
        with counting():
            self.sent.append({"to": to, **words})
            answer = self.answers.pop(0) if self.answers else None
            if isinstance(answer, Exception):
                raise answer
            if answer:
                answer()
        return f"r{len(self.sent)}"

    def find(self, *, start: datetime, end: datetime, to: str | None = None) -> list[SmsLogEntry]:
        """List what the log shows, without contents."""
        self.asked.append(("find", start, end, to))
        if self.unreadable:
            raise self.unreadable
        return [m for m in self.log if to in (None, m.to)]

    def find_request(self, request_id: str) -> list[SmsLogEntry]:
        """List a request's messages."""
        self.asked.append(("find_request", request_id))
        return [m for m in self.log if m.request_id == request_id]

    def get(self, message_id: str) -> SmsLogEntry | None:
        """Read one message."""
        self.asked.append(("get", message_id))
        found = (m for m in self.log if m.message_id == message_id)
        return next(found, None) if self.keeps_contents else None


@dataclass
class Waiting:
    """Time that passes only when somebody waits; meanwhile the test does something."""

    clock: Shown
    meanwhile: Callable[[], object] = lambda: None
    waits: list[float] = field(default_factory=list)
    at: float = 1000.0

    def monotonic(self) -> float:
        """Tell the seconds since some moment."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Wait."""
        assert seconds >= 0
        assert len(self.waits) < 100, "waits for ever"
        self.waits.append(round(seconds, 3))
        self.at += seconds
        self.clock.go(seconds)
        self.meanwhile()


@dataclass
class Channel:
    """The owner's channel: what it was told."""

    told: list[str] = field(default_factory=list)

    def send(self, text: str) -> None:
        """Take a text."""
        self.told.append(text)

    def check(self) -> str:
        """Say that it is well."""
        return "good"


@dataclass
class Outside:
    """All that an executor meets."""

    clock: Shown = field(default_factory=Shown)
    client: Meddling = field(default_factory=Meddling)
    channel: Channel = field(default_factory=Channel)

    def __post_init__(self) -> None:
        self.sens = Sens(self.clock)
        table: Any = self.client
        self.table, self.states = MessageLedger(table, wait=0), StoreStateTable(StateTable(table))

    def executor(self, **options: Any) -> EffectExecutor:
        sens: Any = self.sens
        return EffectExecutor(
            **{
                "table": self.table,
                "sens": sens,
                "channels": {"telegram": self.channel},
                "clock": self.clock,
                "execution_id": "run",
                **options,
            }
        )

    def lock(self, run_id: str = "run", **extra: Any) -> StoreLock:
        """Take the store, whose item has these attributes then."""
        if extra:
            self.states.change(STORE, lambda s: replace(s, extra={**s.extra, **extra}))
        locks = StoreLocks(
            self.states, run_id=run_id, clock=self.clock, settings=LedgerSettings(lease_seconds=100)
        )
        return locks.acquire(STORE, wait=False, sending=False)

    def put(self, **attributes: Any) -> None:
        """Put the booking's item, with these attributes, whatever is there."""
        self.client.tables["sms"][tuple(KEY)] = {**item_of(1), **attributes}

    @property
    def item(self) -> dict[str, Any]:
        return self.client.tables["sms"].get(tuple(KEY), {})

    @property
    def entry(self) -> LedgerEntry:
        return LedgerEntry.from_map(self.item["message_guide"])


def a_send(number: int = 1, **changes: Any) -> SendSms:
    key = key_of(number)
    send = SendSms(
        key=key,
        rule="r",
        kind="guide",
        store_id=STORE,
        template="guide",
        sender="0310000000",
        to=f"0100000{number:04}",
        subject="subject",
        text="text",
        flag="remind_sms",
        item=item_of(number),
    )
    return replace(send, **changes)
