"""One store's batch of bookings in figures, and the last plausible one, for the breaker; pure.

No phone and no name is in them: they are kept in the store's item and shown to people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, NamedTuple

from naverplace.base.time_format import format_utc, parse_time
from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.record_matching import MatchedBooking


@dataclass(frozen=True)
class Baseline:
    """What is remembered of the last plausible batch: what is usual for this store."""

    at: datetime  # when it was read
    confirmed: int = 0
    completed: int = 0
    known: int = 0  # confirmed ones with a record in table `sms`
    highest: int = 0  # the highest booking id ever seen; Naver gives them in ascending order
    ahead: tuple[int, ...] = ()  # starts of confirmed bookings still ahead, in minutes since 1970
    same_phone: int = 0  # confirmed ones of the most frequent phone

    @property
    def new(self) -> int:
        """Count the confirmed bookings that had no record."""
        return self.confirmed - self.known

    def ahead_at(self, now: datetime) -> int:
        """Count the bookings that had not begun at this moment, if none was cancelled."""
        return sum(start > _minutes(now) for start in self.ahead)

    def as_map(self) -> dict[str, Any]:
        """Write it as an attribute of the store's item."""
        values = {part.name: getattr(self, part.name) for part in fields(Baseline)}
        return {**values, "at": format_utc(self.at), "ahead": list(self.ahead)}

    @classmethod
    def from_map(cls, values: object) -> Baseline | None:
        """Read the attribute; None when there is none, or none that can be read."""
        if not isinstance(values, Mapping) or not (at := parse_time(values.get("at"))):
            return None
        counts = [part.name for part in fields(Baseline) if part.name not in ("at", "ahead")]
        try:
            ahead = tuple(int(start) for start in values.get("ahead", ()))
            return cls(at, ahead=ahead, **{name: int(values.get(name, 0)) for name in counts})
        except (TypeError, ValueError):
            return None


class NewBooking(NamedTuple):
    """A confirmed booking without a record."""

    booking_id: int
    since: datetime | None = None  # when it was confirmed, if Naver tells

    def predates(self, last: Baseline | None) -> bool:
        """Tell whether it is as old as the baseline, so that it should have a record."""
        if not last:
            return False
        # A request that the owner confirms later has an old number, but a new confirmation.
        return self.since <= last.at if self.since else self.booking_id <= last.highest


@dataclass(frozen=True, kw_only=True)
class BatchStats(Baseline):
    """One store's batch of this run."""

    store_id: str
    new_bookings: tuple[NewBooking, ...] = ()  # the confirmed ones without a record
    new_in_all_stores: int = 0  # confirmed ones of all stores, when none of them has a record

    def as_baseline(self, last: Baseline | None) -> Baseline:
        """Make it the baseline of the next runs."""
        values = {part.name: getattr(self, part.name) for part in fields(Baseline)}
        return Baseline(**{**values, "highest": max(self.highest, last.highest if last else 0)})


def count_batches(
    store_ids: Collection[str],
    bookings: Sequence[Booking],
    matches: Iterable[MatchedBooking],
    *,
    now: datetime,
) -> list[BatchStats]:
    """Count every store's batch; a store without a booking has a batch of none."""
    known = {booking.booking_num for booking, record in matches if record}
    confirmed: dict[str, dict[int, Booking]] = {store_id: {} for store_id in store_ids}
    completed: dict[str, set[int]] = {store_id: set() for store_id in store_ids}
    for booking in bookings:
        if booking.status is BookingStatus.CONFIRMED:
            confirmed[booking.store_id][booking.booking_id] = booking
        else:
            completed[booking.store_id].add(booking.booking_id)
    batches = [
        _count(store_id, batch.values(), len(completed[store_id]), known, now=now)
        for store_id, batch in confirmed.items()
    ]
    all_new = 0 if any(batch.known for batch in batches) else sum(b.new for b in batches)
    return [replace(batch, new_in_all_stores=all_new) for batch in batches]


def _count(
    store_id: str,
    confirmed: Collection[Booking],
    completed: int,
    known: Collection[str],
    *,
    now: datetime,
) -> BatchStats:
    unknown = [b for b in confirmed if b.booking_num not in known]
    new = [NewBooking(b.booking_id, b.status_known_since) for b in unknown]
    starts = sorted(_minutes(b.start) for b in confirmed)
    return BatchStats(
        store_id=store_id,
        at=now,
        confirmed=len(confirmed),
        completed=completed,
        known=len(confirmed) - len(new),
        highest=max((b.booking_id for b in confirmed), default=0),
        ahead=tuple(start for start in starts if start > _minutes(now)),
        same_phone=max(Counter(b.phone for b in confirmed).values(), default=0),
        new_bookings=tuple(new),
    )


def _minutes(moment: datetime) -> int:
    return int(moment.timestamp() // 60)
