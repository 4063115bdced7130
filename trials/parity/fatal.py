"""Rows that the legacy cannot read, each for one reason (L27); some tell all that we need."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sandbox.naver.bookings import Raw

Change = Callable[[Raw], object]


def _start(text: object) -> Change:
    return lambda raw: raw["snapshotJson"].update(startDateTime=text)


def _in_milliseconds(raw: Raw) -> None:
    start = datetime.fromisoformat(raw["snapshotJson"]["startDateTime"])
    raw["snapshotJson"]["startDateTime"] = f"{start:%Y-%m-%dT%H:%M:%S}.000Z"


# Here these bookings get what they are owed.
READABLE: tuple[Change, ...] = (
    _in_milliseconds,
    lambda raw: raw.pop("name"),
    lambda raw: raw["snapshotJson"].pop("bookingOptionJson"),
    lambda raw: raw["snapshotJson"].update(bookingOptionJson=None),
    lambda raw: raw["snapshotJson"]["bookingOptionJson"][0].update(name=None),
    lambda raw: raw["snapshotJson"]["bookingOptionJson"].append({"price": 0, "bookingCount": 1}),
)
# These are quarantined.
UNREADABLE: tuple[Change, ...] = (
    lambda raw: raw.pop("phone"),
    lambda raw: raw.update(phone=None),
    lambda raw: raw.pop("bookingId"),
    lambda raw: raw.pop("businessId"),
    lambda raw: raw.pop("snapshotJson"),
    lambda raw: raw["snapshotJson"].pop("startDateTime"),
    _start(None),
    _start("2025-13-41T25:00:00Z"),
    _start("next Friday"),
    _start("9999-12-31T23:00:00Z"),
)
