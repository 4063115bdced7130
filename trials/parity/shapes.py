"""Every situation that the rules know, once for each store and run: what is known of a booking x
when it starts, completed ones, broken ones, and ones that stand in both lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sandbox.naver.bookings import PLAIN_OPTIONS, REVIEW_OPTIONS, SEOUL, Raw, a_booking
from trials.parity.lives import Life
from trials.parity.people import BROKEN, name_of, phone_of, respelled, sliced

Item = dict[str, Any]
WHEN = tuple(timedelta(minutes=m) for m in (2 * 24 * 60, 121, 120, 75, 1, 0, -90))
KNOWN = (
    "",
    "c",
    "co",
    "cro",
    "cr",
    "cr moved",
    "c moved",
    "cr other",
    "c other",
    "cr spelled",
    "c spelled",
)
FRESH = "new"
DONE = ("new", "c", "cr", "cro", "cr other", "cr spelled", "cro spelled")
_STARTS = ("2025-13-41T25:00:00Z", "2299-01-01T00:00:00Z", "next Friday", None)
_FLAGS = {"c": "confirm_sms", "r": "remind_sms", "o": "option_sms"}


@dataclass
class Shaping:
    """One store's bookings of one run while they are made."""

    store_id: str
    now: datetime
    first_id: int
    raws: list[Raw] = field(default_factory=list)
    items: dict[tuple[str, str], Item] = field(default_factory=dict)
    lives: list[Life] = field(default_factory=list)

    def shape(self) -> None:
        """Make all of them."""
        for known in (FRESH, *KNOWN):
            for ahead in WHEN:
                self._shaped(known, ahead)
        for known in DONE:
            for place, option in enumerate((*REVIEW_OPTIONS, PLAIN_OPTIONS[0])):
                self._shaped(known, timedelta(hours=-4 - place), status="RC08", option=option)
        for known in ("new", "c", "cr"):  # the owner has completed it before it began
            self._shaped(known, timedelta(minutes=75), status="RC08", option=REVIEW_OPTIONS[1])
        for nth, known in enumerate(("new", "c", "cr", "cr spelled", "c other") * 2):
            ahead = timedelta(minutes=(75, 121)[nth % 2])
            self._know(
                self._one(ahead, phone=respelled(phone_of(self.first_id + 900 + nth), nth)), known
            )
        for phone in BROKEN:
            self._one(timedelta(minutes=70), phone=phone)
        for start in _STARTS:
            self._one(start)
        for known in ("new", "c", "cr"):
            self._in_both(known)
        self.raws.append(dict(self.raws[3]))  # the same booking twice in one list
        self._ordinary()
        # The last of all in the order of urgency, and still owed something: its event.
        self._shaped("cr", timedelta(0), status="RC08", option=REVIEW_OPTIONS[1])

    def listed(self, status: str) -> list[Raw]:
        """List the bookings of one status."""
        return [raw for raw in self.raws if raw["bookingStatusCode"] == status]

    def _shaped(
        self, known: str, ahead: timedelta, *, status: str = "RC03", option: str = PLAIN_OPTIONS[1]
    ) -> Raw:
        raw = self._one(ahead, status=status, option=option)
        self._know(raw, known)
        return raw

    def _one(
        self,
        start: timedelta | str | None,
        *,
        status: str = "RC03",
        option: str = PLAIN_OPTIONS[1],
        phone: str | None = "",
    ) -> Raw:
        nth = self.first_id + len(self.raws)
        at = self._at(start) if isinstance(start, timedelta) else start
        raw = a_booking(
            self.store_id,
            nth,
            at,
            status=status,
            name=name_of(nth),
            phone=phone_of(nth) if phone == "" else phone,
            options=((option, 1 + nth % 2),),
        )
        self.raws.append(raw)
        return raw

    def _at(self, ahead: timedelta) -> datetime:
        """Give a start to the minute; only runs on the minute see exactly two hours."""
        return (self.now + ahead).astimezone(SEOUL).replace(second=0)

    def _know(self, raw: Raw, known: str) -> None:
        """Put the item that a past has left: its flags, and what has changed since."""
        if known == FRESH:
            return
        flags, _, change = known.partition(" ")
        start = datetime.fromisoformat(raw["snapshotJson"]["startDateTime"]).astimezone(SEOUL)
        nth, phone = int(raw["bookingId"]), str(raw["phone"])
        digits = "".join(sign for sign in phone if sign.isdigit())
        if change == "moved":
            start += timedelta(days=1 if nth % 2 else -1)
        elif change == "other":
            phone = phone_of(nth + 50_000_000)
        elif change == "spelled":
            phone = respelled("0" + digits.removeprefix("82").removeprefix("0"), nth + 1)
        number = f"{raw['businessId']}_{nth}"
        self.items[number, sliced(phone)] = {
            "booking_num": number,
            "phone": sliced(phone),
            "name": raw["name"],
            "booking_time": f"{start:%Y-%m-%d %H:%M}:00",
            **{flag: sign in flags for sign, flag in _FLAGS.items()},
            "option_time": "",
        }

    def _in_both(self, known: str) -> None:
        """Show a booking in both lists: it completed between the two readings."""
        raw = self._one(timedelta(minutes=-61), option=REVIEW_OPTIONS[0])
        self._know(raw, known)
        self.raws.append({**raw, "bookingStatusCode": "RC08"})

    def _ordinary(self) -> None:
        """Make bookings that the legacy has served on former runs."""
        for place, (ahead, age) in enumerate(_days()):
            status = "RC08" if ahead < timedelta() else "RC03"
            option = REVIEW_OPTIONS[place % 3] if place % 4 == 0 else PLAIN_OPTIONS[place % 3]
            raw = self._one(ahead, status=status, option=option)
            self.lives.append(Life(raw, self._at(ahead), self.now - age))


def _days() -> Iterator[tuple[timedelta, timedelta]]:
    """Give starts and ages of ordinary bookings: some were made since the last run."""
    for hours in (-70, -50, -30, -27, -25, -9, -7, -5, -3, 1, 1.5, 1.9, 3, 5, 8, 20, 30, 50, 170):
        yield timedelta(hours=hours), timedelta(hours=80)
    for minutes in (30, 100, 119, 200, 3000):
        yield timedelta(minutes=minutes), timedelta(minutes=7)
