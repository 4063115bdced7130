"""What table `sms` knows about a booking, as values: the legacy's flags and our ledger.

The flags are top-level booleans as the legacy reads them. The ledger entry of a message of kind k
is a top-level Map `message_<k>`, which the legacy ignores; its states: message_status.py. A flag
that is the number 1 is reserved: set for the legacy, not for us (ledger/reservations.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any

from naverplace.base.clock import SEOUL, format_utc, parse_time
from naverplace.base.errors import CannotDecide
from naverplace.base.translation import gettext as _
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_kinds import FLAGS
from naverplace.domain.message_status import MessageStatus

PREFIX = "message_"
RESERVED = 1
MOVED_FROM = "_at_"  # then the earlier start, in the kind of a moved booking's message
BY_LEGACY = "legacy"  # token of an entry that notes what the legacy has sent
KEEPER = "naverplace-keeper"  # stands for a phone in an item that is no customer's (L8)
SINCE = "naverplace_reserved_"  # with the flag's name: since when it is reserved
_TIMES = ("claimed_at", "settled_at", "due", "expires", "for_start", "ended_at")
_UNSAID = (("epoch", 0), ("access", False))
_NUMBERS = {"attempt": 1, "refusals": 0, "epoch": 0}  # of an entry, with what a missing one is


@dataclass(frozen=True)
class LedgerEntry:
    """One message's ledger entry; `state` may be a word of a newer version."""

    state: str
    attempt: int = 1  # claims so far, this one included
    refusals: int = 0  # how often the provider refused this very content
    token: str = ""  # names one claim, so that its owner recognises it
    execution_id: str = ""  # of the run that wrote it; a retry under the same run id has another
    epoch: int = 0  # of the lease under which it was claimed
    content_hash: str = ""
    claimed_at: datetime | None = None
    settled_at: datetime | None = None  # when it left `claimed`
    due: datetime | None = None
    expires: datetime | None = None
    for_start: datetime | None = None  # of a message that belongs to one start of the booking
    request_id: str = ""
    message_id: str = ""
    provider_status: str = ""
    reason: str = ""
    access: bool = False  # its text opens a door
    ended_at: datetime | None = None  # when it was delivered or failed, by SENS's clock
    followed_by: str = ""  # the run that wrote down its end, and tells it
    to: str = field(default="", repr=False)  # a visitor's digits; '': the phone of the item's key

    @property
    def may_be_claimed(self) -> bool:
        """Tell whether nothing of it can be under way or with the provider."""
        return self.state in (MessageStatus.OWED, MessageStatus.REFUSED)

    @property
    def is_in_doubt(self) -> bool:
        """Tell whether only the provider's own log can say if it was taken."""
        return self.state in (MessageStatus.CLAIMED, MessageStatus.IN_DOUBT)

    def as_map(self) -> dict[str, Any]:
        """Write it as the item's Map: times in UTC, empty parts left out."""
        values: dict[str, Any] = {}
        for name, value in vars(self).items():
            if isinstance(value, datetime):
                values[name] = format_utc(value)
            elif value not in ("", None) and (name, value) not in _UNSAID:
                values[name] = value
        return values

    @classmethod
    def from_map(cls, values: Mapping[str, Any]) -> LedgerEntry:
        """Read an item's Map; unreadable parts become empty, for `state` alone decides."""
        parts: dict[str, Any] = {name: parse_time(values.get(name)) for name in _TIMES}
        parts |= {name: _number(values.get(name), least) for name, least in _NUMBERS.items()}
        parts["access"] = values.get("access") is True
        texts = [part.name for part in fields(cls) if part.name not in parts]
        return cls(**parts | {name: str(values.get(name, "")) for name in texts})


@dataclass(frozen=True)
class Record:
    """One item of table `sms`."""

    key: RecordKey = field(repr=False)
    name: str = field(default="", repr=False)
    booking_time: str = ""  # "YYYY-MM-DD HH:MM:SS", naive Korean time
    confirm_sms: bool = False
    remind_sms: bool = False
    option_sms: bool = False
    messages: Mapping[str, LedgerEntry] = field(default_factory=dict)  # by kind
    reserved: Mapping[str, str] = field(default_factory=dict)  # flags, with since when
    unreadable: frozenset[str] = frozenset()  # flags that are neither set nor unset
    item: Mapping[str, Any] = field(
        default_factory=dict, repr=False, compare=False
    )  # as it stands in the table; {} for a record made here

    def check_readable(self, flag: str) -> None:
        """Raise CannotDecide when a flag is neither true nor false: nobody knows what went out."""
        if flag in self.unreadable:
            kind = type(self.item.get(flag)).__name__
            raise CannotDecide(
                _("{flag} in table sms is a {kind}: set it to true, or to false").format(
                    flag=flag, kind=kind
                )
            )

    @property
    def start(self) -> datetime | None:
        """Tell the booking's start; None when `booking_time` is no time."""
        return parse_time(self.booking_time, SEOUL)


def read_record(item: Mapping[str, Any]) -> Record:
    """Read a record from an item (L11; outside-services: DynamoDB legacy tables)."""
    ledgers = {
        name.removeprefix(PREFIX): LedgerEntry.from_map(value)
        for name, value in item.items()
        if name.startswith(PREFIX) and isinstance(value, Mapping)
    }
    return Record(
        key=RecordKey(str(item["booking_num"]), str(item["phone"])),
        name=str(item.get("name") or ""),
        booking_time=str(item.get("booking_time") or ""),
        confirm_sms=item.get("confirm_sms") is True,
        remind_sms=item.get("remind_sms") is True,
        option_sms=item.get("option_sms") is True,
        messages=ledgers,
        reserved={
            flag: str(item.get(reserved_since(flag)) or "")
            for flag in FLAGS
            if item.get(flag) is not True and item.get(flag) == RESERVED
        },
        unreadable=frozenset(flag for flag in FLAGS if not _is_readable(item.get(flag))),
        item=item,
    )


def _is_readable(value: object) -> bool:
    """Tell whether a flag says yes or no; the legacy writes nothing else, empty counts as no."""
    return isinstance(value, bool) or not value or value == RESERVED


def attribute(kind: str) -> str:
    """Name the item's attribute that holds the ledger of this kind of message."""
    return PREFIX + kind


def reserved_since(flag: str) -> str:
    """Name the item's attribute that says since when this flag is reserved."""
    return SINCE + flag


def notice_kind(channel: str, kind: str) -> str:
    """Name a notice's ledger, so that one rule may tell the owner on two channels."""
    return f"{channel}_{kind}"


def _number(value: object, missing: int) -> int:
    return int(value) if isinstance(value, int | Decimal) else missing
