"""Whether a store is stopped by its breaker, as its item in table `session` remembers it; pure.

Attribute `batch` is the last plausible batch, `tripped` says since when and why nothing is sent,
`released` lets kinds of implausible batches pass for a while. What passes is usual from then on.
`served_since` is the first batch of all: what was missed before it was not ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeVar

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter, ValidationError

from naverplace.base.clock import format_utc, parse_time
from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.record_matching import MatchedBooking
from naverplace.settings.sections import BreakerSettings

T = TypeVar("T")
Moment = Annotated[datetime, BeforeValidator(parse_time), PlainSerializer(format_utc)]
Kinds = Annotated[frozenset[str], PlainSerializer(sorted)]
_adapter: Any = cache(TypeAdapter)  # making one takes 2 ms


def _read(kind: type[T], attribute: object) -> T | None:
    """Read an attribute of a store's item; None when there is none, or none that can be read."""
    read: T | None = None
    with suppress(ValidationError):
        read = _adapter(kind).validate_python(attribute)
    return read


def _write(state: object) -> Any:
    return _adapter(type(state)).dump_python(state, mode="json")


@dataclass(frozen=True)
class Baseline:
    """What is remembered of the last plausible batch: what is usual for this store."""

    at: Moment  # when it was read
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
        return dict(_write(self))

    @classmethod
    def from_map(cls, values: object) -> Baseline | None:
        """Read the attribute; None when there is none, or none that can be read."""
        return _read(Baseline, values)


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


_MIN_FORGOTTEN = 5  # so many known bookings that have no record now show a wrong table
_JUMP_LEAST = 20  # a count that differs by fewer bookings is no jump
_SAME_PHONE_SHARE = 0.8
_OUTAGE = timedelta(hours=6)  # an older baseline shows that no run has worked since
_NEW_PER_HOUR = 10  # so many more are plausible for each hour of an outage


@dataclass(frozen=True)
class Anomaly:
    """One thing about a batch that cannot be; a release is for one kind of them."""

    kind: str  # more | fewer | same
    seen: str  # what was seen, and what is usual, for the engineer on duty
    korean: str  # the same for the owner


def find_anomalies(
    batch: BatchStats,
    *,
    last: Baseline | None,
    settings: BreakerSettings,
    since: datetime | None = None,
) -> tuple[Anomaly, ...]:
    """Name everything implausible about a batch; nothing when it may be sent for.

    `since` says when the store was stopped: being stopped for long makes nothing more plausible.
    """
    age = (since or batch.at) - last.at if last else timedelta()
    outage = age if age >= _OUTAGE else timedelta()
    anomalies = [*_all_new(batch, last, settings, outage), *_one_phone(batch, last, settings)]
    if last:
        anomalies += _ten_times_as_many(batch, last, settings, outage)
        anomalies += _none_left(batch, last, settings, outage)
    return tuple(anomalies)


def _all_new(
    batch: BatchStats, last: Baseline | None, settings: BreakerSettings, outage: timedelta
) -> Iterator[Anomaly]:
    """Find a table sms that knows none of them: a wrong one, emptied, or keyed otherwise."""
    old = sum(booking.predates(last) for booking in batch.new_bookings)
    usual = bool(last and not last.known and last.new >= min(settings.min_new, batch.new))
    in_all_stores = batch.new_in_all_stores >= 2 * settings.min_new
    many = (batch.new >= settings.min_new or in_all_stores) and not (outage and not old)
    forgotten = bool(last and last.known >= _MIN_FORGOTTEN <= old)
    if batch.known or not batch.new or usual or not (many or forgotten):
        return
    others = f", nor any of the {batch.new_in_all_stores} of all stores" if in_all_stores else ""
    usually = f"; at {_minute(last)} it knew {last.known} of {last.confirmed}" if last else ""
    yield Anomaly(
        "more",
        f"all {batch.new} confirmed bookings are new, table sms knows none of them{others}"
        f"{usually}; usual are 1 to 3 new ones; "
        "is NAVERPLACE_AWS__SMS_TABLE the right table, and whole?",
        f"확정 예약 {batch.new}건이 모두 새 예약으로 보입니다 (평소 1~3건)",
    )


def _ten_times_as_many(
    batch: BatchStats, last: Baseline, settings: BreakerSettings, outage: timedelta
) -> Iterator[Anomaly]:
    # Completed bookings were confirmed ones before, so those that vanished there explain them.
    lists = (
        ("confirmed", "확정", batch.confirmed, last.confirmed, 0),
        ("completed", "이용완료", batch.completed, last.completed, last.confirmed),
    )
    least = max(_JUMP_LEAST, outage / timedelta(hours=1) * _NEW_PER_HOUR)
    for name, korean, now, before, explained in lists:
        jump = now >= settings.jump_factor * max(before, 1)
        if jump and now - before - explained >= least:
            yield Anomaly(
                "more",
                f"{now} {name} bookings, at {_minute(last)} it was {before}: "
                f"{settings.jump_factor:g} times as many or more",
                f"{korean} 예약이 {now}건으로 갑자기 늘었습니다 ({_minute(last)} {before}건)",
            )


def _none_left(
    batch: BatchStats, last: Baseline, settings: BreakerSettings, outage: timedelta
) -> Iterator[Anomaly]:
    """Find bookings gone that have not begun yet: nobody cancels that many at once."""
    due, still_there = last.ahead_at(batch.at), len(batch.ahead)
    none = not batch.confirmed and due >= settings.min_gone
    jump = still_there * settings.jump_factor <= due and due - still_there >= _JUMP_LEAST
    if none or jump:
        yield Anomaly(
            "fewer",
            f"{batch.confirmed} confirmed bookings; at {_minute(last)} there were "
            f"{last.confirmed}, {due} of which have not begun yet",
            f"확정 예약이 {batch.confirmed}건뿐입니다 ({_minute(last)} {last.confirmed}건, "
            f"그중 {due}건은 아직 시작 전)",
        )
    if not batch.completed and last.completed >= settings.min_gone and not outage:
        yield Anomaly(
            "fewer",
            f"no completed booking at all; at {_minute(last)} there were {last.completed}",
            f"이용완료 예약이 0건입니다 ({_minute(last)} {last.completed}건)",
        )


def _one_phone(
    batch: BatchStats, last: Baseline | None, settings: BreakerSettings
) -> Iterator[Anomaly]:
    def nearly_all(stats: Baseline) -> bool:
        enough = stats.confirmed >= settings.min_same_phones
        return enough and stats.same_phone > _SAME_PHONE_SHARE * stats.confirmed

    if nearly_all(batch) and not (last and nearly_all(last)):
        yield Anomaly(
            "same",
            f"{batch.same_phone} of {batch.confirmed} confirmed bookings have one and the same "
            "phone; usual are 1 or 2",
            f"확정 예약 {batch.confirmed}건 중 {batch.same_phone}건의 전화번호가 같습니다",
        )


def _minute(last: Baseline) -> str:
    return f"{last.at:%m/%d %H:%M}"


BATCH, TRIPPED, RELEASED = "batch", "tripped", "released"
SERVED = "served_since"
REFRESH = timedelta(hours=3)  # an older baseline than _OUTAGE shows that no run has worked since
_LEAST, _SHARE = 3, 0.1  # a smaller change of a count is not worth a write
Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Halt:
    """Why nothing is sent for a store: in words for the engineer, and for the owner."""

    reason: str
    korean: str


@dataclass(frozen=True)
class Tripped:
    """The breaker's state of a stopped store."""

    since: Moment
    kinds: Kinds = frozenset()
    seen: str = ""
    run_id: str = ""  # of the run that stopped it


@dataclass(frozen=True)
class Release:
    """The permission to send for batches that are implausible in these ways."""

    until: Moment
    kinds: Kinds = frozenset()
    by: str = ""
    reason: str = ""  # what was seen when the store was stopped
    at: Moment | None = None


def tripped_in(attributes: Attributes) -> Tripped | None:
    """Read why the store is stopped; None when it is not."""
    return _read(Tripped, attributes.get(TRIPPED))


def release_in(attributes: Attributes, *, now: datetime) -> Release | None:
    """Read the store's release; None when there is none, or when its time is over."""
    given = _read(Release, attributes.get(RELEASED))
    return given if given and now < given.until else None


def served_since(attributes: Attributes) -> datetime | None:
    """Tell when this system first read a plausible batch of the store; None when it never has."""
    return parse_time(attributes.get(SERVED))


def evaluate(
    attributes: Attributes, batch: BatchStats, *, settings: BreakerSettings, run_id: str
) -> tuple[Halt | None, dict[str, Any]]:
    """Evaluate a store's batch; return why nothing may be sent, and what to remember."""
    last = Baseline.from_map(attributes.get(BATCH))
    tripped = tripped_in(attributes)
    since = tripped.since if tripped else None
    anomalies = find_anomalies(batch, last=last, settings=settings, since=since)
    kinds = frozenset(anomaly.kind for anomaly in anomalies)
    seen = "; ".join(anomaly.seen for anomaly in anomalies)
    after = dict(attributes)
    released = release_in(attributes, now=batch.at)
    if not released:
        after.pop(RELEASED, None)
    allowed = batch.store_id in settings.released or (released and kinds <= released.kinds)
    if anomalies and not allowed:
        if not tripped or tripped.kinds != kinds:
            after[TRIPPED] = _write(Tripped(since or batch.at, kinds, seen, run_id))
        return _halt(batch.store_id, anomalies, seen), after
    after.pop(TRIPPED, None)
    if anomalies or last is None or _differs(batch, last):
        after[BATCH] = batch.as_baseline(last).as_map()
    after.setdefault(SERVED, format_utc(batch.at))
    return None, after


def grant_release(
    attributes: Attributes, *, by: str, now: datetime, hours: float
) -> tuple[Release | None, dict[str, Any]]:
    """Release a stopped store for what stopped it; (None, unchanged) when nothing did."""
    tripped = tripped_in(attributes)
    if not tripped:
        return None, dict(attributes)
    until = now + timedelta(hours=hours)
    given = Release(until, tripped.kinds, by, tripped.seen, at=now)
    return given, {**attributes, RELEASED: _write(given)}


def _differs(batch: BatchStats, last: Baseline) -> bool:
    pairs = (
        (batch.confirmed, last.confirmed),
        (batch.completed, last.completed),
        (batch.known, last.known),
    )
    far = any(abs(now - before) >= max(_LEAST, _SHARE * before) for now, before in pairs)
    return far or batch.at - last.at >= REFRESH


def _halt(store_id: str, anomalies: tuple[Anomaly, ...], seen: str) -> Halt:
    command = f"naverplace release {store_id}"
    korean = "; ".join(anomaly.korean for anomaly in anomalies)
    return Halt(
        f"nothing is sent, its bookings are implausible: {seen}; if they are right: {command}",
        f"문자를 보내지 않고 멈췄습니다. {korean}. "
        f"네이버 예약 목록을 확인하고, 맞으면 담당자에게 '{command}' 실행을 요청하세요.",
    )
