"""One store's batch of bookings in figures, and the last plausible one, for the breaker; pure.

No phone and no name is in them: they are kept in the store's item and shown to people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from naverplace.base.clock import SEOUL
from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.effects import RecordKey
from naverplace.domain.record_matching import match_records
from naverplace.domain.records import Record


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
    same_start: int = 0  # confirmed ones of the most frequent start
    moved: int = 0  # known ones that start at another time than their record says
    shared: int = 0  # confirmed ones without record that stand in another store's list too

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
        return {**values, "at": self.at.astimezone(UTC).isoformat(), "ahead": list(self.ahead)}

    @classmethod
    def from_map(cls, values: object) -> Baseline | None:
        """Read the attribute; None when there is none, or none that can be read."""
        if not isinstance(values, Mapping):
            return None
        counts = [part.name for part in fields(Baseline) if part.name not in ("at", "ahead")]
        try:
            return cls(
                at=datetime.fromisoformat(str(values["at"])).astimezone(SEOUL),
                ahead=tuple(int(start) for start in values.get("ahead", ())),
                **{name: int(values.get(name, 0)) for name in counts},
            )
        except (KeyError, TypeError, ValueError):
            return None


class Newcomer(NamedTuple):
    """A confirmed booking without a record."""

    booking_id: int
    since: datetime | None = None  # when it was confirmed, if Naver tells

    def was_there(self, last: Baseline | None) -> bool:
        """Tell whether it is as old as the baseline, so that it should have a record."""
        if not last:
            return False
        # A request that the owner confirms later has an old number, but a new confirmation.
        return self.since <= last.at if self.since else self.booking_id <= last.highest


@dataclass(frozen=True, kw_only=True)
class BatchFacts(Baseline):
    """One store's batch of this run."""

    store_id: str
    newcomers: tuple[Newcomer, ...] = ()  # the confirmed ones without a record
    strangers: int = 0  # confirmed ones of all stores, when none of them has a record

    def as_baseline(self, last: Baseline | None) -> Baseline:
        """Make it the baseline of the next runs."""
        values = {part.name: getattr(self, part.name) for part in fields(Baseline)}
        return Baseline(**{**values, "highest": max(self.highest, last.highest if last else 0)})


def facts_of(
    store_ids: Collection[str],
    bookings: Sequence[Booking],
    records: Mapping[RecordKey, Record],
    *,
    now: datetime,
) -> list[BatchFacts]:
    """Count every store's batch; a store without a booking has a batch of none."""
    own = match_records(bookings, records)
    confirmed: dict[str, dict[int, Booking]] = {store_id: {} for store_id in store_ids}
    completed: dict[str, set[int]] = {store_id: set() for store_id in store_ids}
    for booking in bookings:
        if booking.status is BookingStatus.CONFIRMED:
            confirmed[booking.store_id][booking.booking_id] = booking
        else:
            completed[booking.store_id].add(booking.booking_id)
    lists = Counter(booking_id for batch in confirmed.values() for booking_id in batch)
    twice = {booking_id for booking_id, count in lists.items() if count > 1}
    batches = [
        _facts(store_id, batch.values(), len(completed[store_id]), own, twice=twice, now=now)
        for store_id, batch in confirmed.items()
    ]
    strangers = 0 if any(batch.known for batch in batches) else sum(b.new for b in batches)
    return [replace(batch, strangers=strangers) for batch in batches]


def _facts(
    store_id: str,
    confirmed: Collection[Booking],
    completed: int,
    own: Mapping[RecordKey, Record],
    *,
    twice: set[int],
    now: datetime,
) -> BatchFacts:
    new = [Newcomer(b.booking_id, b.status_known_since) for b in confirmed if b.key not in own]
    starts = [_minutes(b.start) for b in confirmed]
    return BatchFacts(
        store_id=store_id,
        at=now,
        confirmed=len(confirmed),
        completed=completed,
        known=len(confirmed) - len(new),
        highest=max((b.booking_id for b in confirmed), default=0),
        ahead=tuple(sorted(start for start in starts if start > _minutes(now))),
        same_phone=_most(b.phone for b in confirmed),
        same_start=_most(starts),
        moved=sum(_moved(b, own.get(b.key)) for b in confirmed),
        shared=sum(newcomer.booking_id in twice for newcomer in new),
        newcomers=tuple(new),
    )


def _most(values: Iterable[object]) -> int:
    return max(Counter(values).values(), default=0)


def _moved(booking: Booking, record: Record | None) -> bool:
    """Tell whether the record names another start; one that names none says nothing."""
    shown = booking.start.strftime("%Y-%m-%d %H:%M")
    return bool(record and record.booking_time and record.booking_time[:16] != shown)


def _minutes(moment: datetime) -> int:
    return int(moment.timestamp() // 60)
