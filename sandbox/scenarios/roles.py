"""The parts that a booking can play in a scenario: when it starts, and what its record says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sandbox.naver.bookings import PLAIN_OPTIONS, REVIEW_OPTIONS, SEOUL, Raw

Options = Sequence[tuple[str, int]]


class Flags(NamedTuple):
    """The legacy's three flags of a record."""

    confirm_sms: bool
    remind_sms: bool
    option_sms: bool


KNOWN = Flags(True, False, False)
REMINDED = Flags(True, True, False)
EVENT_SENT = Flags(True, True, True)


@dataclass(frozen=True)
class Role:
    """One part: `day_and_minute` gives days from today and the minute of the day, or of `soon`."""

    status: str
    day_and_minute: Callable[[int], tuple[int, int]]
    flags: Flags | None
    soon: bool = False  # minutes count from 30 minutes after now
    review: bool | None = None  # with a review option, without, or by turns
    settled: Flags | None = None

    def start(self, now: datetime, nth: int, *, in_days: int | None = None) -> datetime:
        """Tell the start of the nth booking of this part, in Asia/Seoul."""
        now = now.astimezone(SEOUL)
        days, minutes = self.day_and_minute(nth)
        if self.soon:
            first = now.replace(second=0, microsecond=0) + timedelta(minutes=30)
            first += timedelta(minutes=-first.minute % 10)  # up to the next slot
        else:
            first = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return first + timedelta(days=days if in_days is None else in_days, minutes=minutes)

    def made(self, now: datetime, start: datetime, nth: int) -> datetime:
        """Tell when it was booked: minutes ago when nobody knows it yet, else days before."""
        if self.flags is None and start > now:
            return now - timedelta(minutes=4 + nth % 9, seconds=nth * 7 % 60)
        return min(start, now) - timedelta(days=1 + nth % 6, minutes=nth * 13 % 600)

    def options(self, nth: int) -> Options:
        """List the chosen options of the nth booking of this part, with their counts."""
        review = nth % 3 == 0 if self.review is None else self.review
        chosen = [(REVIEW_OPTIONS[nth % 3], 1)] if review else []
        if nth % 2:
            chosen.append((PLAIN_OPTIONS[nth % 3], 1 + nth % 3))
        return chosen

    def flags_when(self, *, settled: bool) -> Flags | None:
        """Tell its record's flags; None when there is no record."""
        return (self.settled or REMINDED) if settled else self.flags


def _in_the_hour(nth: int) -> tuple[int, int]:
    return 0, 10 * (nth % 7)  # 38 to 98 minutes after 14:02:15, clear of both edges


def _this_morning(nth: int) -> tuple[int, int]:
    return 0, 10 * 60 + 10 * (nth % 20)


def _ahead(nth: int) -> tuple[int, int]:
    # Up to eleven weeks: confirmed bookings have no date limit (L8).
    return 1 + nth * 7 % 76, 10 * 60 + 30 * (nth % 20)


def _tonight(nth: int) -> tuple[int, int]:
    return 0, 20 * 60 + 40 + 10 * (nth % 6)


def _used(nth: int) -> tuple[int, int]:
    return -(nth * 5 % 27), 10 * 60 + 30 * (nth % 4)


ROLES: dict[str, Role] = {
    "new_soon": Role("RC03", _in_the_hour, None, soon=True),
    "new_later": Role("RC03", _ahead, None),
    "guide_owed": Role("RC03", _in_the_hour, KNOWN, soon=True),
    "tonight": Role("RC03", _tonight, KNOWN),
    "reminded_soon": Role("RC03", _in_the_hour, REMINDED, soon=True),
    "reminded_morning": Role("RC03", _this_morning, REMINDED),
    "ahead": Role("RC03", _ahead, KNOWN),
    # The legacy would confirm it although it is over (L26).
    "past_unknown": Role("RC03", lambda _: (-1, 15 * 60), None),
    "cancelled": Role("RC04", _in_the_hour, KNOWN, soon=True),
    "event_owed": Role("RC08", _used, REMINDED, review=True),
    "event_sent": Role("RC08", _used, EVENT_SENT, review=True),
    "event_unknown": Role("RC08", _used, None, review=True),
    "completed_plain": Role("RC08", _used, REMINDED, review=False),
}
CONFIRMED = ("ahead", "ahead", "reminded_soon", "ahead", "reminded_morning")  # fills a store up
EXTRA = ("cancelled",)  # on top of the totals

SURNAMES = "강고구김나남노도류마문민박배서송신안양오"
GIVEN = ("나무", "바다", "구름", "하늘", "모래", "언덕", "노을", "바람", "은하", "이슬", "소나기")


def a_name(nth: int) -> str:
    """Invent the nth customer's name."""
    return SURNAMES[nth * 7 % len(SURNAMES)] + GIVEN[nth * 5 % len(GIVEN)]


def a_phone(nth: int) -> str:
    """Invent the nth customer's phone, as Naver gives it: digits, no hyphens."""
    return f"010{nth:08d}"


def record_of(raw: Raw, flags: Flags, *, start: datetime) -> dict[str, Any]:
    """Write the booking's item of table `sms` as the legacy does (L10, L11)."""
    phone = str(raw.get("phone", ""))
    return {
        "booking_num": f"{raw['businessId']}_{raw['bookingId']}",
        "phone": f"{phone[:3]}-{phone[3:7]}-{phone[7:]}",
        "name": raw["name"],
        "booking_time": f"{start.astimezone(SEOUL):%Y-%m-%d %H:%M}:00",
        **flags._asdict(),
        "option_time": "",
    }
