"""A booking as the rules see it (L10; outside-services: Naver API fields)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from naverplace.base.phone import legacy_sort_key_phone, normalise_phone
from naverplace.domain.effects import Receiver, RecordKey
from naverplace.domain.message_kinds import FLAGS

TIME_FORMAT = "%Y-%m-%d %H:%M:%S"  # of booking_time, naive Korean time (L10)
REVIEW_WORDS = ("네이버", "인스타", "원본")  # an option with one of them earns the event (L10)
HAS_VISITOR, VISITOR_PHONE = "has_visitor", "visitor_phone"  # as rules/fields.yaml names them


class BookingStatus(StrEnum):
    """Naver's booking status codes (outside-services: Naver status codes)."""

    REQUESTED = "RC02"
    CONFIRMED = "RC03"
    CANCELLED = "RC04"
    NO_SHOW = "RC05"
    CHANGED = "RC06"
    COMPLETED = "RC08"


class Option(BaseModel):
    """One option that the customer chose."""

    model_config = ConfigDict(frozen=True)

    name: str
    count: int = 1
    price: int = 0  # won


class Told(NamedTuple):
    """What a phone got of a booking, whatever phone the booking had then."""

    kind: str
    for_start: datetime | None
    to: str  # digits


class Booking(BaseModel):
    """One booking that passed the quality gates."""

    model_config = ConfigDict(frozen=True)

    store_id: str
    booking_id: int
    status: BookingStatus
    name: str = Field(repr=False)
    phone: str = Field(repr=False)  # national digits, as SENS wants them
    raw_phone: str = Field(repr=False)  # as Naver gave it
    start: datetime  # aware, Asia/Seoul, cut to the minute
    end: datetime | None = None
    made_at: datetime | None = None  # when the customer asked for it
    confirmed_at: datetime | None = None
    completed_at: datetime | None = None
    options: tuple[Option, ...] = ()
    extra: dict[str, Any] = Field(default_factory=dict, repr=False)  # declared in fields.yaml
    read_at: datetime  # when Naver was asked: it was so then or later
    told: frozenset[Told] = Field(default=frozenset(), repr=False)  # under its other phones

    @property
    def booking_num(self) -> str:
        """The record's partition key (L10)."""
        return f"{self.store_id}_{self.booking_id}"

    @property
    def key(self) -> RecordKey:
        """The record's whole key; the phone is cut as the legacy cuts it (L10)."""
        return RecordKey(self.booking_num, legacy_sort_key_phone(self.raw_phone))

    @property
    def status_known_since(self) -> datetime | None:
        """Give the moment from which on it has its status, as far as Naver told it."""
        if self.status is BookingStatus.COMPLETED:
            return self.end
        return self.confirmed_at or self.made_at

    def phone_of(self, receiver: Receiver) -> str:
        """Give the phone of who gets a message: the booker's where no visitor can be reached."""
        visitor = visitor_phone(self.extra) if receiver == "visitor" else ""
        return visitor or self.phone

    def has_keyword(self, words: Iterable[str]) -> bool:
        """Tell whether the name of any option holds any of these words."""
        return any(word in option.name for option in self.options for word in words)

    @property
    def has_review_option(self) -> bool:
        """Tell whether the booking earns the event message (the legacy's `option`, L10)."""
        return self.has_keyword(REVIEW_WORDS)


def visitor_phone(extra: Mapping[str, Any]) -> str:
    """Give the digits of a visitor whom a text message can reach; '' when there is none."""
    said = extra.get(VISITOR_PHONE)
    if not said or extra.get(HAS_VISITOR) is False:
        return ""
    try:
        return normalise_phone(str(said))
    except ValueError:
        return ""


def new_item(booking: Booking) -> dict[str, Any]:
    """Make the booking's item of table `sms` as the legacy writes it, every flag False (L11)."""
    return {
        "booking_num": booking.booking_num,
        "phone": booking.key.phone,
        "name": booking.name,
        "booking_time": booking.start.strftime(TIME_FORMAT),
        **dict.fromkeys(FLAGS, False),
        "option_time": "",
    }
