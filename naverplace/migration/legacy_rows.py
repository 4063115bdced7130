"""Which of Naver's rows and answers end a whole run of the legacy (L27, L28); pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

_REQUIRED = ("phone", "name", "bookingId", "businessId", "snapshotJson")  # name may be null
_START = "%Y-%m-%dT%H:%M:%SZ"
_TO_SEOUL = timedelta(hours=9)


@dataclass(frozen=True)
class FatalRow:
    """One listed row that ends the legacy's run; holds no phone, name or text."""

    store_id: str
    booking_id: str  # '' when the row has none
    status: str  # RC03 | RC08
    why: str

    @property
    def words(self) -> str:
        """Say which row it is, and what is wrong with it."""
        booking = f"booking {self.booking_id}" if self.booking_id else "a booking without an id"
        return f"store {self.store_id or '?'}: {booking} ({self.status}): {self.why}"


def fatal_rows(rows: Iterable[object], status: str, store_id: str = "") -> Iterator[FatalRow]:
    """List the rows of this status that end the legacy's run, whatever store it reads (L27).

    `store_id` is the store that the rows were listed for; without it, each row's own counts.
    """
    for row in rows:
        if why := fatal_reason(row):
            values = row if isinstance(row, Mapping) else {}
            store = store_id or str(values.get("businessId") or "")
            yield FatalRow(store, str(values.get("bookingId") or ""), status, why)


def fatal_reason(row: object) -> str:
    """Tell why the legacy cannot read a row; '' when it can (L10, L27)."""
    if not isinstance(row, Mapping):
        return "is no JSON object"
    for name in _REQUIRED:
        if name not in row:
            return f"has no {name}"
    if not isinstance(row["phone"], str):
        return _no_text("phone", row["phone"])
    snapshot = row["snapshotJson"]
    if not isinstance(snapshot, Mapping):
        return "snapshotJson is no JSON object"
    return _start_reason(snapshot) or _option_reason(snapshot)


def fatal_page_reason(answer: object) -> str:
    """Tell why the answer to a list's page ends the run; '' when its rows are read (L28)."""
    if isinstance(answer, list) or answer in ({}, ""):
        return ""  # the legacy loops over whatever it gets, here over nothing
    kind = "an object, as of an error" if isinstance(answer, Mapping) else "something else"
    return f"a page is {kind}, and no list of bookings"


def _start_reason(snapshot: Mapping[str, object]) -> str:
    if "startDateTime" not in snapshot:
        return "has no snapshotJson.startDateTime"
    start = snapshot["startDateTime"]
    if not isinstance(start, str):
        return _no_text("startDateTime", start)
    try:
        _ = datetime.strptime(start, _START) + _TO_SEOUL  # noqa: DTZ007
    except (ValueError, OverflowError):
        return "startDateTime is not written as 2025-10-22T05:00:00Z"
    return ""


def _option_reason(snapshot: Mapping[str, object]) -> str:
    if "bookingOptionJson" not in snapshot:
        return "has no snapshotJson.bookingOptionJson"
    options = snapshot["bookingOptionJson"]
    if options is None:
        return "bookingOptionJson is null"
    if not isinstance(options, list):
        return "" if options in ({}, "") else "bookingOptionJson is no list"
    for option in options:
        if not isinstance(option, Mapping) or "name" not in option:
            return "has an option without a name"
        if not isinstance(option["name"], str | list | Mapping):  # in these it can look for words
            return _no_text("an option's name", option["name"])
    return ""


def _no_text(name: str, value: object) -> str:
    return f"{name} is null" if value is None else f"{name} is no text"
