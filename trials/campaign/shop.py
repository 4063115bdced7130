"""The small shop of the campaign, and what its customers are owed; nothing of the library is used.

What is owed is written down by hand, from the words of the rules: a confirmation for every new
booking, a guide in the two hours before the start, an event between 20 and 21 o'clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox

SEOUL = ZoneInfo("Asia/Seoul")
STORES = ("1051707", "951291")
AFTERNOON = datetime(2025, 10, 22, 14, 2, 15, tzinfo=SEOUL)
EVENING = datetime(2025, 10, 22, 20, 3, 0, tzinfo=SEOUL)
MOMENTS = (AFTERNOON, EVENING)
REVIEW = (("원본 파일 전체 받기", 1),)
FLAGS = {"confirmation": "confirm_sms", "guide": "remind_sms", "event": "option_sms"}
SUBJECTS = {"[예약확정]": "confirmation", "[이용안내]": "guide", "[리뷰 이벤트]": "event"}
WORDS = {"confirmation": "예약확정", "guide": "안내", "event": "이벤트"}  # the owner's
TWO_HOURS = timedelta(hours=2)


@dataclass(frozen=True)
class Customer:
    """One booking with the flags that its record has before the first run; None: no record."""

    number: int
    store: str
    start: datetime
    status: str = "RC03"
    flags: tuple[str, ...] | None = None
    options: tuple[tuple[str, int], ...] = ()
    cancelled_at: datetime | None = None

    @property
    def phone(self) -> str:
        """The number, as SENS is given it."""
        return f"0100000{self.number:04}"

    @property
    def hyphened(self) -> str:
        """The number, as the record has it."""
        return f"010-0000-{self.number:04}"

    @property
    def booking_num(self) -> str:
        """The record's number."""
        return f"{self.store}_{910_000_000 + self.number}"

    def raw(self) -> dict[str, Any]:
        """Give the booking as Naver has it."""
        return a_booking(
            self.store,
            910_000_000 + self.number,
            self.start,
            status=self.status,
            name="나무늘보",
            phone=self.phone,
            options=self.options,
        )

    def item(self) -> dict[str, Any] | None:
        """Give the record as the legacy left it."""
        if self.flags is None:
            return None
        return {
            "booking_num": self.booking_num,
            "phone": self.hyphened,
            "name": "나무늘보",
            "booking_time": f"{self.start:%Y-%m-%d %H:%M:%S}",
            **{flag: flag in self.flags for flag in FLAGS.values()},
            "option_time": "",
        }

    def owed(self, now: datetime) -> Iterator[str]:
        """Name the messages that this moment owes, by the words of the rules."""
        known = self.flags or ()
        if self.cancelled_at and now >= self.cancelled_at:
            return
        if self.status == "RC03" and now < self.start:
            if "confirm_sms" not in known:
                yield "confirmation"
            if "remind_sms" not in known and self.start - TWO_HOURS <= now:
                yield "guide"
        review = any("원본" in name for name, _ in self.options)
        evening = self.status == "RC08" and now.hour == 20 and self.flags is not None
        if evening and review and "option_sms" not in known:
            yield "event"


def customers(now: datetime) -> tuple[Customer, ...]:
    """List the campaign's customers, each of another kind."""
    a, b = STORES
    hours = timedelta(hours=1)
    confirmed = ("confirm_sms",)
    common = (
        Customer(1, a, now + 5 * hours),  # new
        Customer(2, a, now + 1.5 * hours),  # new, and soon
        Customer(3, a, now + 1.2 * hours, flags=confirmed),  # owed its guide
        Customer(4, b, now + timedelta(minutes=25), flags=confirmed),  # and very soon
        Customer(10, a, now + timedelta(minutes=15), flags=confirmed),  # only this run can
        Customer(5, b, now + 1 * hours, flags=("confirm_sms", "remind_sms")),  # owed nothing
        Customer(6, b, now + 26 * hours),  # new, tomorrow
    )
    if now.hour < 20:
        return common
    early = now - 3 * hours
    everything = ("confirm_sms", "remind_sms")
    return (
        *common[1:5],
        Customer(7, a, early, status="RC08", flags=everything, options=REVIEW),
        Customer(8, b, early, status="RC08", flags=everything, options=REVIEW),
        Customer(9, b, early, status="RC08", flags=everything),  # no review promised
    )


def readings() -> Iterator[tuple[datetime, dict[str, list[dict[str, Any]]]]]:
    """Give what Naver lists of every store at each moment."""
    for now in MOMENTS:
        people = customers(now)
        yield now, {store: [p.raw() for p in people if p.store == store] for store in STORES}


def open_shop(sandbox: Sandbox, people: tuple[Customer, ...], now: datetime) -> None:
    """Put the customers into the sandbox, with the owner's session alive."""
    sandbox.reset("empty", now=now)
    sandbox.log_in()
    for person in people:
        put(sandbox, person)
        if item := person.item():
            sandbox.put_sms_item(item)
    sandbox.world.requests.clear()


def put(sandbox: Sandbox, person: Customer) -> None:
    """Make the booking at Naver what the customer's is now."""
    with sandbox.world.lock:
        bookings = sandbox.world.stores.setdefault(person.store, [])
        mine = 910_000_000 + person.number
        bookings[:] = [raw for raw in bookings if raw["bookingId"] != mine]
        bookings.append(person.raw())


def cancel(sandbox: Sandbox, person: Customer) -> Customer:
    """Cancel a booking at Naver now."""
    gone = replace(person, status="RC04", cancelled_at=sandbox.world.now())
    put(sandbox, gone)
    return replace(person, cancelled_at=gone.cancelled_at)


def kind_of(message: Mapping[str, Any]) -> str:
    """Tell the kind of a text message by its subject."""
    return next((k for start, k in SUBJECTS.items() if message["subject"].startswith(start)), "?")
