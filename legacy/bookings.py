"""A booking as the legacy reads it from Naver's JSON (L10, L27, L28)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from legacy.death import ending
from legacy.ports import Item, Raw

REVIEW_WORDS = ("네이버", "인스타", "원본")
TWO_DIGITS = "%y-%m-%d %H:%M"


@dataclass(frozen=True)
class Booking:
    """The fields that the legacy uses."""

    store_id: str
    booking_num: str
    name: Any  # a text, or whatever Naver sent
    phone: str  # sliced
    start: datetime  # naive Korean time, cut to the minute
    option: bool


def read_all(rows: Any, store_id: str = "") -> list[Booking]:
    """Read the rows of an answer; raises Ended for the first that cannot be read (L27).

    What is no list ends it too (L28): of an object the keys are read, so an empty one has no rows.
    """
    cause = "L27" if isinstance(rows, list) else "L28"
    with ending(cause, store_id):
        rows = iter(rows)
    bookings: list[Booking] = []
    for row in rows:
        with ending(cause, store_id, _told_number(row)):
            bookings.append(read(row))
    return bookings


def _told_number(row: Any) -> str:
    if not isinstance(row, Mapping):
        return ""
    return f"{row.get('businessId', '?')}_{row.get('bookingId', '?')}"


def read(raw: Raw) -> Booking:
    """Read one booking; raises whatever Python does for what the legacy chokes on (L27)."""
    snapshot, store_id = raw["snapshotJson"], str(raw["businessId"])
    return Booking(
        store_id=store_id,
        booking_num=f"{store_id}_{raw['bookingId']}",
        name=raw["name"],
        phone=sliced(raw["phone"]),
        start=start_of(snapshot["startDateTime"]),
        option=has_review_option(snapshot["bookingOptionJson"]),
    )


def start_of(text: str) -> datetime:
    """Move a start to Korean time, without seconds; its year goes through two digits (L10)."""
    utc = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007
    local = (utc + timedelta(hours=9)).strftime(TWO_DIGITS)
    return datetime.strptime(local, TWO_DIGITS)  # noqa: DTZ007


def sliced(phone: str) -> str:
    """Cut a phone in three, whatever its length (L10)."""
    return phone[:3] + "-" + phone[3:7] + "-" + phone[7:]


def has_review_option(options: Any) -> bool:
    """Tell whether any option's name contains one of the words; all are read to the end (L10)."""
    return True in [word in option["name"] for option in options for word in REVIEW_WORDS]


def new_item(booking: Booking, *, remind: bool) -> Item:
    """Make the item that the legacy puts for a booking it does not know (L11)."""
    return {
        "booking_num": booking.booking_num,
        "phone": booking.phone,
        "name": booking.name,
        "booking_time": booking.start.strftime("%Y-%m-%d %H:%M:%S"),
        "confirm_sms": True,
        "remind_sms": remind,
        "option_sms": False,
        "option_time": "",
    }
