"""What the ledger counts as sent, and what SENS's own log shows, as values to be compared."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from naverplace.clock import SEOUL
from naverplace.effects import RecordKey
from naverplace.phone import normalise
from naverplace.records import WITH_PROVIDER, MessageState, Record, State

NOTICES = ("telegram_", "slack_")  # ledgers of lines to the owner: SENS knows nothing of them
KIND_OF_FLAG = {"confirm_sms": "confirmation", "remind_sms": "guide", "option_sms": "event"}


@dataclass(frozen=True)
class Entry:
    """One message as the ledger knows it."""

    key: RecordKey = field(repr=False)
    kind: str
    message: MessageState
    to: str = field(repr=False)  # digits

    @property
    def counted(self) -> bool:
        """Tell whether the ledger says that SENS has taken it."""
        return self.message.state in WITH_PROVIDER

    @property
    def at(self) -> datetime | None:
        """Tell when it was counted; at the same time or a little later than SENS's own time."""
        return self.message.settled_at or self.message.claimed_at

    @property
    def request_id(self) -> str:
        """Name the request that SENS answered; empty when there was no answer."""
        return self.message.request_id


@dataclass(frozen=True)
class LegacyFlag:
    """A flag that is set while the ledger has no such message: the legacy has sent it."""

    key: RecordKey = field(repr=False)
    kind: str
    to: str = field(repr=False)
    start: datetime | None


@dataclass(frozen=True)
class LogMessage:
    """One message as SENS's log shows it."""

    request_id: str
    message_id: str
    at: datetime | None  # of the request, to the second
    to: str = field(repr=False)
    sender: str = ""
    status: str = ""  # READY | PROCESSING | COMPLETED
    end: str = ""  # delivered | failed, of a COMPLETED one
    result: str = ""  # code and words of its end
    fingerprint: str = ""  # of its content; empty while it was not looked at


def entries_of(record: Record) -> Iterator[Entry]:
    """List the text messages in a record's ledger, those of a moved booking's earlier start too."""
    to = digits_of(record.key.phone)
    for kind, message in record.messages.items():
        if not is_notice(kind, message):
            yield Entry(record.key, kind, message, to)


def is_notice(kind: str, message: MessageState) -> bool:
    """Tell whether a ledger is that of a line to the owner, which has neither content nor id."""
    return kind.startswith(NOTICES) and not (message.content_hash or message.request_id)


def flags_of(record: Record) -> Iterator[LegacyFlag]:
    """List the messages that only the legacy can have sent."""
    for flag, kind in KIND_OF_FLAG.items():
        if getattr(record, flag) and kind not in record.messages:
            start = _start_of(record.booking_time)
            yield LegacyFlag(record.key, kind, digits_of(record.key.phone), start)


def digits_of(phone: str) -> str:
    """Write an item's phone as SENS does, however the legacy has cut it (L10)."""
    digits = re.sub(r"\D", "", phone)
    try:
        return normalise(f"+{digits}" if phone.startswith("+") else digits)
    except ValueError:
        return digits


def followed(entries: Iterable[Entry], *, since: datetime) -> list[Entry]:
    """List the counted messages whose end is still to be seen, or was seen since then."""
    return [e for e in entries if e.counted and (e.at is None or e.at >= since)]


def unfinished(entry: Entry) -> bool:
    """Tell whether SENS has taken the message and nobody knows yet what became of it."""
    return entry.message.state == State.ACCEPTED


def _start_of(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=SEOUL)
    except ValueError:
        return None
