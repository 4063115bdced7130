"""Every situation that the rules know, once for each store and run: what is known of a booking x
when it starts, completed ones, broken ones, and ones that stand in both lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from sandbox.naver.bookings import PLAIN_OPTIONS, REVIEW_OPTIONS, SEOUL, Raw, a_booking
from trials.parity.fatal import READABLE, UNREADABLE
from trials.parity.lives import Life
from trials.parity.people import BLANKS, BROKEN, name_of, phone_of, respelled, sliced

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
_STARTS = ("2299-01-01T00:00:00Z", "2069-01-01T00:00:00Z", "1969-07-20T20:17:00Z")
_LATER = (  # how today's start may stand there, which the legacy alone can read (L10)
    "2125-%m-%dT%H:%M:00Z",
    "%Y-%m-%dT%-H:%M:0Z",
)
MISSING = "missing"
# Flags that are neither true nor false (L12, L13): whose they are, what is known, minutes ahead.
ODD: tuple[object, ...] = (None, "", [], {}, 1, 0, MISSING)
_NO_GUIDE, _NO_CONFIRMATION = (("r", "c", 75), ("r", "c", 120)), (("c", "", 75), ("c", "", 121))
TIMES = ("2025-10-22", "어제", "", None, "2025-10-22T14:00:00")  # no `YYYY-MM-DD HH:MM:SS` (L8)
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
        self._odd_ones()
        for known in ("new", "c", "cr"):
            self._in_both(known)
        self.raws.append(dict(self.raws[3]))  # the same booking twice in one list
        self._ordinary()
        # The last of all in the order of urgency, and still owed something: its event.
        self._shaped("cr", timedelta(0), status="RC08", option=REVIEW_OPTIONS[1])

    def _odd_ones(self) -> None:
        """Make years, phones, flags and times that only the legacy, or nobody, can read."""
        for form, minutes in product(_LATER, (75, 300)):
            at = self._at(timedelta(minutes=minutes)).astimezone(UTC)
            self._one(f"{at:{form}}")
        for nth, known in enumerate(("new", "c", "cr") * len(BLANKS)):
            phone = BLANKS[nth // 3].format(phone_of(self.first_id + 700 + nth))
            self._know(self._one(timedelta(minutes=(75, 121)[nth % 2]), phone=phone), known)
        for value in ODD:
            for flag, known, minutes in (*_NO_GUIDE, *_NO_CONFIRMATION):
                self._odd(self._shaped(known, timedelta(minutes=minutes)), _FLAGS[flag], value)
            done = self._shaped("cr", -timedelta(hours=5), status="RC08", option=REVIEW_OPTIONS[0])
            self._odd(done, "option_sms", value)
        for time in TIMES:
            self._odd(self._shaped("c", timedelta(minutes=75)), "booking_time", time)

    def die(self) -> None:
        """List rows that end the legacy's run, for every reason."""
        for nth, change in enumerate((*READABLE, *READABLE, *UNREADABLE)):
            change(self._shaped("c" if nth < len(READABLE) else FRESH, timedelta(minutes=75)))
        for change in READABLE:
            change(self._shaped("cr", -timedelta(hours=3), status="RC08", option=REVIEW_OPTIONS[0]))

    def die_of_one(self) -> None:
        """List one such row."""
        READABLE[1](self._shaped(FRESH, timedelta(minutes=75)))

    def _odd(self, raw: Raw, name: str, value: object) -> None:
        item = self.items[f"{raw['businessId']}_{raw['bookingId']}", sliced(str(raw["phone"]))]
        if value == MISSING:
            del item[name]
        else:
            item[name] = value

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
