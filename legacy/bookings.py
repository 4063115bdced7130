"""A booking as the legacy reads it from Naver's JSON (L10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from legacy.ports import Item, Raw

REVIEW_WORDS = ("네이버", "인스타", "원본")


@dataclass(frozen=True)
class Booking:
    """The fields that the legacy uses."""

    store_id: str
    booking_num: str
    name: str
    phone: str  # sliced
    start: datetime  # naive Korean time, cut to the minute
    option: bool


def read(raw: Raw) -> Booking:
    """Read one booking; raises KeyError, ValueError or TypeError for what the legacy chokes on."""
    snapshot = raw["snapshotJson"]
    utc = datetime.strptime(snapshot["startDateTime"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007
    start = (utc + timedelta(hours=9)).replace(second=0)
    store_id = str(raw["businessId"])
    return Booking(
        store_id=store_id,
        booking_num=f"{store_id}_{raw['bookingId']}",
        name=raw["name"],
        phone=sliced(raw["phone"]),
        start=start,
        option=has_review_option(raw),
    )


def sliced(phone: str) -> str:
    """Cut a phone in three, whatever its length (L10)."""
    return f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"


def has_review_option(raw: Raw) -> bool:
    """Tell whether any chosen option's name contains one of the words (L10)."""
    options = raw["snapshotJson"].get("bookingOptionJson") or []
    return any(word in option["name"] for option in options for word in REVIEW_WORDS)


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
