"""Which of Naver's rows end a whole run of the legacy (L27); pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any


def fatal_rows(rows: Iterable[object], status: str, store_id: str = "") -> Iterator[str]:
    """Name in words the rows of this status that end the legacy's run, whatever it reads (L27).

    `store_id` is the store that the rows were listed for; without it, each row's own counts. No
    phone, name or text is in the words.
    """
    for row in rows:
        if why := fatal_reason(row):
            values = row if isinstance(row, Mapping) else {}
            store, number = store_id or values.get("businessId") or "?", values.get("bookingId")
            booking = f"booking {number}" if number else "a booking without an id"
            yield f"store {store}: {booking} ({status}): {why}"


def fatal_reason(row: Any) -> str:
    """Tell why the legacy cannot read a row; '' when it can (L10, L27)."""
    for name, read in _READS.items():
        try:
            read(row)
        except KeyError as missing:
            (key,) = missing.args
            return f"has no {key}" if key == name else f"has no {key} for its {name}"
        except (ValueError, OverflowError):
            return f"{name} is not written as 2025-10-22T05:00:00Z"
        except TypeError:
            return f"{name} is null or of another kind"
    return ""


# As the legacy reads them: an error is what ends its run. A name may be null.
_READS: Mapping[str, Callable[[Any], object]] = {
    "phone": lambda row: row["phone"][:3] + "-",
    "name": itemgetter("name"),
    "bookingId": itemgetter("bookingId"),
    "businessId": itemgetter("businessId"),
    "startDateTime": lambda row: _start(row["snapshotJson"]["startDateTime"]),
    "bookingOptionJson": lambda row: [
        "" in option["name"] for option in row["snapshotJson"]["bookingOptionJson"]
    ],
}


def _start(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ") + timedelta(hours=9)  # noqa: DTZ007
