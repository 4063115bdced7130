"""The whole table `sms`, once a day: what is counted as sent, and what became of it.

A scan costs by what the table holds, so no projection would save anything, and none can name
`message_*`: each item is cut down here. Never part of the run every 20 minutes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import Attr

from naverplace.aws.dynamodb import from_wire
from naverplace.aws.table import Table, all_of
from naverplace.base.clock import SEOUL, parse_time
from naverplace.base.phone import normalise_phone
from naverplace.domain.effects import CHANNELS, RecordKey
from naverplace.domain.message_kinds import FLAGS, KIND_OF_FLAG, KINDS
from naverplace.domain.message_status import WITH_PROVIDER
from naverplace.domain.records import (
    BY_LEGACY,
    MOVED_FROM,
    PREFIX,
    SINCE,
    LedgerEntry,
    Record,
    attribute,
    read_record,
)
from naverplace.ledger.records_table import EXISTS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


# Ledgers of lines to the owner: SENS knows nothing of them.
NOTICES = tuple(f"{channel}_" for channel in CHANNELS)


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
            yield LedgerMessage(record.key, kind, message, message.to or to)


def flags_of(record: Record) -> Iterator[LegacyFlag]:
    """List the messages that only the legacy can have sent."""
    to = digits_of(record.key.phone)
    for flag, kind in KIND_OF_FLAG.items():
        ours = record.messages.get(kind)
        if getattr(record, flag) and (ours is None or ours.state not in WITH_PROVIDER):
            yield LegacyFlag(record.key, kind, to, record.start)
    for kind, message in record.messages.items():
        if _by_legacy(message):
            kind, _, start = kind.partition(MOVED_FROM)
            at = parse_time(start, SEOUL) if start else record.start
            yield LegacyFlag(record.key, kind, to, at)


def _is_notice(kind: str, message: LedgerEntry) -> bool:
    """Tell whether a ledger is that of a line to the owner, which has neither content nor id."""
    return kind.startswith(NOTICES) and not (message.content_hash or message.request_id)


def _by_legacy(message: LedgerEntry) -> bool:
    """Tell whether a move noted here what the legacy had sent for the earlier start."""
    noted = not (message.content_hash or message.request_id)
    return noted and message.token == BY_LEGACY and message.state in WITH_PROVIDER


def digits_of(phone: str) -> str:
    """Write an item's phone as SENS does, however the legacy has cut it (L10)."""
    digits = re.sub(r"\D", "", phone)
    try:
        return normalise_phone(f"+{digits}" if phone.startswith("+") else digits)
    except ValueError:
        return digits


TRIES = 3  # of one page, on top of boto3's own
KEPT = ("booking_num", "phone", "booking_time", *FLAGS)


class LedgerScan:
    """Table `sms`, read as a whole.

    An item is deleted for its age only: who does that needs a role of its own, since the sender's
    may delete nothing (docs/aws.md).
    """

    def __init__(
        self, client: DynamoDBClient, name: str = "sms", *, page: int | None = None, wait: float = 1
    ) -> None:
        self.table = Table(client, name)
        self._page = page  # items of one answer; None: as many as fit
        self._wait = wait  # seconds before a page is asked for again; doubles

    def scan(self) -> Iterator[Record]:
        """Read every record, without names, as of some moment after the call.

        Others may write meanwhile. A page that fails is asked for again by itself; raises Transient
        when it stays unreadable, Permanent.
        """
        limit: dict[str, Any] = {"Limit": self._page} if self._page else {}
        for item in self.table.scan(attempts=TRIES, wait=self._wait, ConsistentRead=True, **limit):
            kept = {n: v for n, v in item.items() if n in KEPT or n.startswith((PREFIX, SINCE))}
            yield read_record(from_wire(kept))

    def delete(self, record: Record) -> bool:
        """Delete a record's item; False, with nothing done, when somebody has changed it since."""
        seen = {n: v for n, v in record.item.items() if n not in ("booking_num", "phone", "name")}
        conditions = [EXISTS, *(Attr(name).eq(value) for name, value in seen.items())]
        unseen = {attribute(kind) for kind in KINDS} - seen.keys()
        conditions += [Attr(name).not_exists() for name in unseen]
        old = self.table.delete(record.key._asdict(), condition=all_of(conditions))
        return not old  # {}: our own first try, whose answer was lost, or another's
