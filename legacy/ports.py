"""What the legacy touches: tiny doors, so that the same code decides only, or really runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

Key = tuple[str, str]  # booking_num, phone
Item = dict[str, Any]
Raw = Mapping[str, Any]  # a booking as Naver sends it


class Table(Protocol):
    """Table `sms`; every call may raise."""

    def get(self, booking_num: str, phone: str) -> Item | None:
        """Read one item."""

    def put(self, item: Item) -> None:
        """Write a whole item over whatever stands there."""

    def set_flag(self, booking_num: str, phone: str, flag: str) -> None:
        """Set one flag, without any condition (outside-services: DynamoDB legacy tables)."""

    def open_items(self) -> list[Item]:
        """Scan once for items with option_sms False: the first megabyte only (L8)."""


class Sens(Protocol):
    """Sends one message and never looks at the answer (L14)."""

    def send(self, message: Message) -> None:
        """Send it."""


class Telegram(Protocol):
    """The owner's chat."""

    def send(self, text: str) -> None:
        """Send one text (L20)."""


class Naver(Protocol):
    """The booking API, page by page."""

    def count(self, store_id: str, status: str, window: tuple[str, str] | None) -> Any:
        """Ask how many there are; may raise, and give what is no number (L5, L9)."""

    def page(self, store_id: str, status: str, *, page: int, window: tuple[str, str] | None) -> Any:
        """Read one page of 50; may raise, and give what is no list (L28)."""


@dataclass(frozen=True)
class Message:
    """One text message as the legacy sends it (L18)."""

    kind: str  # confirmation | guide | event
    to: str  # digits
    sender: str
    subject: str
    text: str | None  # None: the store has no guide (L17)
    type: str = "LMS"
    content_type: str = "COMM"


@dataclass(frozen=True)
class Texts:
    """The stored templates and senders (L18)."""

    subject: str
    confirmation: str
    event: str
    guides: Mapping[str, str]  # by store
    sender: str
    guide_senders: Mapping[str, str] = field(default_factory=dict)  # by store; else the default

    def message(self, kind: str, store_id: str, phone: str) -> Message:
        """Make the message; a store without a guide has no text (L17)."""
        to = phone.replace("-", "").strip()
        if kind == "guide":
            sender = self.guide_senders.get(store_id, self.sender)
            return Message(kind, to, sender, self.subject, self.guides.get(store_id))
        text = self.confirmation if kind == "confirmation" else self.event
        return Message(kind, to, self.sender, self.subject, text)


def silent(_: str) -> None:
    """Print nothing."""


def forgotten(_: str, __: Exception) -> None:
    """Forget an error that the legacy swallows, as the legacy does."""


def unmourned(_: Exception) -> None:
    """Forget what ended the run."""


@dataclass(frozen=True)
class World:
    """Everything one run of the legacy looks at."""

    store_ids: tuple[str, ...]
    table: Table
    sens: Sens
    telegram: Telegram
    texts: Texts
    now: Callable[[], datetime]  # naive local time of the container (L23), at each call (L29)
    out: Callable[[str], None] = silent  # the log, personal data and all (L21)
    swallowed: Callable[[str, Exception], None] = forgotten  # by L-number; for whoever compares
    died: Callable[[Exception], None] = unmourned
