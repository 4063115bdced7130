"""What a decision asks for, as values; only the delivery step carries them out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, NamedTuple, get_args

Channel = Literal["telegram", "slack"]  # the owner's; docs/how-to-add.md
CHANNELS: tuple[Channel, ...] = get_args(Channel)
Receiver = Literal["booker", "visitor"]  # of a booking's text message
FALLBACK: Channel = "telegram"  # is told when notifications.yaml itself is wrong


def store_of_booking(booking_num: str) -> str:
    """Name the store of a booking's number, which begins with it (L10)."""
    return booking_num.partition("_")[0]


class RecordKey(NamedTuple):
    """The key of a booking's item in table `sms` (L10: the phone as the legacy slices it)."""

    booking_num: str  # "{businessId}_{bookingId}"
    phone: str  # "010-0000-0000"

    @property
    def store_id(self) -> str:
        """Give Naver's id of the booking's store."""
        return store_of_booking(self.booking_num)


@dataclass(frozen=True)
class CreateRecord:
    """Create the booking's item if there is none, every flag False."""

    key: RecordKey
    rule: str
    item: Mapping[str, Any] = field(repr=False)  # the whole item as the legacy would write it


@dataclass(frozen=True)
class MoveRecord:
    """Bring an item to the booking's new start by one update, on what it was seen to hold.

    Nothing is to be written when `waits` says why, or when the item is not as seen any more: the
    next run decides anew.
    """

    key: RecordKey
    old_time: str  # booking_time that must still stand in the item, naive Korean time
    rule: str = ""
    sets: Mapping[str, Any] = field(default_factory=dict)  # plain values, booking_time included
    removes: tuple[str, ...] = ()
    seen: Mapping[str, tuple[str, str] | None] = field(
        default_factory=dict
    )  # a message's attribute: its token and state; None: the item must not have it
    flags: Mapping[str, bool] = field(default_factory=dict)  # as seen; False: absent or not True
    waits: str = ""  # why the move cannot be made yet: a message of the old time is unsettled


@dataclass(frozen=True)
class Reserve:
    """Keep a legacy that runs beside us from sending for a booking (docs/switch.md)."""

    key: RecordKey
    flags: tuple[str, ...]
    item: Mapping[str, Any] = field(default_factory=dict, repr=False)  # empty: it has a record
    rule: str = ""


@dataclass(frozen=True)
class MarkExpired:
    """Note in the ledger that a message was owed, is owed no more, and was never accepted."""

    key: RecordKey
    rule: str
    kind: str
    store_id: str
    due: datetime | None
    expires: datetime | None
    reason: str  # in words; no phone, no name
    flag: str | None = None  # when it is set after all, nothing is to be noted
    for_start: datetime | None = None
    seen: tuple[str, str] | None = None  # token and state of its ledger; None: it had none
    item: Mapping[str, Any] = field(default_factory=dict, repr=False)  # created first if missing


@dataclass(frozen=True)
class SendSms:
    """Send one text message, once for this key and kind."""

    key: RecordKey
    rule: str
    kind: str  # confirmation | guide | event | any word a rule names with `once`
    store_id: str
    template: str
    sender: str  # digits
    to: str = field(repr=False)  # digits
    subject: str = field(repr=False)
    text: str = field(repr=False)  # may hold a door code
    message_type: str = "LMS"  # SMS | LMS
    content_type: str = "COMM"  # COMM | AD
    flag: str | None = None  # the legacy's flag that flips with the acceptance
    due: datetime | None = None
    expires: datetime | None = None  # not sent at or after this moment
    for_start: datetime | None = None  # the start it is for: a moved booking is owed another one
    start: datetime | None = None  # of the booking as it was read
    read_at: datetime | None = None  # when Naver told us of the booking
    access: bool = False  # the text opens a door: the booking must have been read just now
    in_doubt: str = "wait"  # wait | resend: the risk preferred when SENS's log stays unreadable
    receiver: Receiver = "booker"  # as the rule says; a visitor's message has the booking's key
    item: Mapping[str, Any] = field(default_factory=dict, repr=False)  # created first if missing


@dataclass(frozen=True)
class SetFlag:
    """Set one flag of an existing item."""

    key: RecordKey
    rule: str
    flag: str
    value: bool


@dataclass(frozen=True)
class Notify:
    """Tell the owner on a channel about one booking, once for this key and kind.

    Notices of one rule and channel go out as one message a run, one line each.
    """

    key: RecordKey
    rule: str
    kind: str
    channel: Channel
    store_id: str
    text: str = field(repr=False)
    item: Mapping[str, Any] = field(default_factory=dict, repr=False)


Effect = CreateRecord | MoveRecord | SendSms | SetFlag | Notify | MarkExpired | Reserve
