"""The outside as values, all in memory: a clock, the tables, and a SENS that answers as told."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.clock import SEOUL, Clock
from naverplace.domain.sms_log import SmsLogEntry
from tests.memory_dynamodb import MemoryClient

NOON = datetime(2025, 10, 22, 12, 0, tzinfo=SEOUL)
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
    writes = 0

    def __init__(self) -> None:
        super().__init__({"session": {}, "sms": {}})

    def call(self, name: str, table: str, work: Any) -> Any:
        """Do one call."""
        if name == "write":
            self.writes += 1
            if meddle := self.before_write:
                meddle()
            if self.repeats:
                work()
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
