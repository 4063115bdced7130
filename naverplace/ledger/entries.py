"""What the ledger counts as sent, as values to be compared with SENS's own log."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from naverplace.base.clock import SEOUL
from naverplace.base.phone import normalise_phone
from naverplace.domain.effects import CHANNELS, RecordKey
from naverplace.domain.message_kinds import KIND_OF_FLAG
from naverplace.domain.message_status import WITH_PROVIDER
from naverplace.domain.records import LedgerEntry, Record

# Ledgers of lines to the owner: SENS knows nothing of them.
NOTICES = tuple(f"{channel}_" for channel in CHANNELS)
MOVED_FROM = "_at_"  # then the earlier start, of the message of a booking that was moved
LEGACY = "legacy"  # token of an entry that no claim of ours has made


@dataclass(frozen=True)
class LedgerMessage:
    """One message as the ledger knows it."""

    key: RecordKey = field(repr=False)
    kind: str
    message: LedgerEntry
    to: str = field(repr=False)  # digits

    @property
    def counted_as_sent(self) -> bool:
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


def entries_of(record: Record) -> Iterator[LedgerMessage]:
    """List the text messages in a record's ledger, those of a moved booking's earlier start too."""
    to = digits_of(record.key.phone)
    for kind, message in record.messages.items():
        if not (_is_notice(kind, message) or _by_legacy(message)):
            yield LedgerMessage(record.key, kind, message, to)


def flags_of(record: Record) -> Iterator[LegacyFlag]:
    """List the messages that only the legacy can have sent."""
    to = digits_of(record.key.phone)
    for flag, kind in KIND_OF_FLAG.items():
        ours = record.messages.get(kind)
        if getattr(record, flag) and (ours is None or ours.state not in WITH_PROVIDER):
            yield LegacyFlag(record.key, kind, to, _start_of(record.booking_time))
    for kind, message in record.messages.items():
        if _by_legacy(message):
            kind, _, start = kind.partition(MOVED_FROM)
            yield LegacyFlag(record.key, kind, to, _start_of(start or record.booking_time))


def _is_notice(kind: str, message: LedgerEntry) -> bool:
    """Tell whether a ledger is that of a line to the owner, which has neither content nor id."""
    return kind.startswith(NOTICES) and not (message.content_hash or message.request_id)


def _by_legacy(message: LedgerEntry) -> bool:
    """Tell whether a move noted here what the legacy had sent for the earlier start."""
    noted = not (message.content_hash or message.request_id)
    return noted and message.token == LEGACY and message.state in WITH_PROVIDER


def digits_of(phone: str) -> str:
    """Write an item's phone as SENS does, however the legacy has cut it (L10)."""
    digits = re.sub(r"\D", "", phone)
    try:
        return normalise_phone(f"+{digits}" if phone.startswith("+") else digits)
    except ValueError:
        return digits


def _start_of(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text).replace(tzinfo=SEOUL)
    except ValueError:
        return None
