"""What will be sent in the next hours, as it is kept until it is known what was sent.

Holds no phone, name or text: a message is its booking and kind. Of every booking that was listed
there is a mark of all that rules look at, so that one that has changed since is known as such.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from naverplace.base.clock import format_utc, parse_time
from naverplace.domain.booking import Booking
from naverplace.domain.effects import store_of_booking

FORECAST = "naverplace-forecast-"  # then the store, as id of its item in table `session`
MADE = "naverplace-forecasts"  # when each store's was made, one attribute a store
MOST = 4000  # of each list: an item of DynamoDB holds 400 KB


class MessageName(NamedTuple):
    """Names a message: a booking gets one of a kind."""

    booking_num: str
    kind: str

    @property
    def store_id(self) -> str:
        """Name the store of its booking."""
        return store_of_booking(self.booking_num)


@dataclass(frozen=True)
class Forecast:
    """What a store was thought to send from `at` until `until`."""

    store_id: str
    at: datetime
    until: datetime
    rulebook: str  # id of the version that it was made with
    messages: Mapping[MessageName, datetime]  # when each is due
    marks: Mapping[str, str] = field(repr=False)  # of each booking that was listed, by its number

    def as_item(self) -> dict[str, Any]:
        """Write it as the item of its store; what is due first is kept."""
        rows = sorted(self.messages.items(), key=lambda row: row[1])[:MOST]
        return {
            "id": FORECAST + self.store_id,
            "at": format_utc(self.at),
            "until": format_utc(self.until),
            "rulebook": self.rulebook,
            "messages": [[*name, format_utc(due)] for name, due in rows],
            "marks": dict(list(self.marks.items())[:MOST]),
        }


def read_forecast(store_id: str, item: Mapping[str, Any]) -> Forecast | None:
    """Read a store's item; None when it is none."""
    at, until = parse_time(item.get("at")), parse_time(item.get("until"))
    if at is None or until is None:
        return None
    rows = ((*map(str, row),) for row in item.get("messages") or ())
    return Forecast(
        store_id,
        at,
        until,
        str(item.get("rulebook") or ""),
        {MessageName(n, kind): due for n, kind, text in rows if (due := parse_time(text))},
        {str(n): str(mark) for n, mark in (item.get("marks") or {}).items()},
    )


def mark_of(booking: Booking) -> str:
    """Mark a booking by all that rules look at but its status, which changes by itself.

    One that is completed before its start, by a slip, will be something else again.
    """
    early = booking.completed_at is not None and booking.completed_at < booking.start
    names = sorted(booking.extra)
    seen = (booking.start, booking.end, booking.phone, booking.options, names, early)
    values = [str(booking.extra[name]) for name in names]
    return hashlib.sha256(repr((seen, values)).encode()).hexdigest()[:8]


def marks_of(bookings: Iterable[Booking]) -> dict[str, str]:
    """Mark bookings by number, the last to start first: what is long over changes no more."""
    latest = sorted(bookings, key=lambda booking: booking.start, reverse=True)
    return {booking.booking_num: mark_of(booking) for booking in latest}
