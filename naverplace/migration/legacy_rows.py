"""Which of Naver's rows end a whole run of the legacy (L27); pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any


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
