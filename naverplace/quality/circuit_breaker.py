"""Whether a store is stopped by its breaker, as its item in table `session` remembers it; pure.

Attribute `batch` is the last plausible batch, `tripped` says since when and why nothing is sent,
`released` lets kinds of implausible batches pass for a while. What passes is usual from then on.
`served_since` is the first batch of all: what was missed before it was not ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.time_format import format_utc, parse_time
from naverplace.quality.anomaly_checks import Trip, judge
from naverplace.quality.batch_stats import Baseline, BatchFacts
from naverplace.settings.sections import BreakerSettings

BATCH, TRIPPED, RELEASED = "batch", "tripped", "released"
SERVED = "served_since"
REFRESH = timedelta(hours=3)  # an older baseline is written anew, also when nothing has changed
_LEAST, _SHARE = 3, 0.1  # a smaller change of a count is not worth a write
Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Stop:
    """Why nothing is sent for a store: in words for the engineer, and for the owner."""

    reason: str
    korean: str


@dataclass(frozen=True)
class Tripped:
    """The breaker's state of a stopped store."""

    since: datetime
    kinds: frozenset[str]
    seen: str
    run_id: str = ""

    def as_map(self) -> dict[str, Any]:
        """Write it as an attribute of the store's item."""
        return {
            "since": format_utc(self.since),
            "kinds": sorted(self.kinds),
            "seen": self.seen,
            "run_id": self.run_id,
        }


@dataclass(frozen=True)
class Release:
    """The permission to send for batches that are implausible in these ways."""

    until: datetime
    kinds: frozenset[str]
    by: str = ""
    seen: str = ""

    def as_map(self, *, now: datetime) -> dict[str, Any]:
        """Write it as an attribute of the store's item."""
        return {
            "until": format_utc(self.until),
            "kinds": sorted(self.kinds),
            "by": self.by,
            "reason": self.seen,
            "at": format_utc(now),
        }


def tripped_in(attributes: Attributes) -> Tripped | None:
    """Read why the store is stopped; None when it is not."""
    values = attributes.get(TRIPPED)
    if not isinstance(values, Mapping) or not (since := parse_time(values.get("since"))):
        return None
    kinds = frozenset(map(str, values.get("kinds") or ()))
    return Tripped(since, kinds, str(values.get("seen", "")), str(values.get("run_id", "")))


def release_in(attributes: Attributes, *, now: datetime) -> Release | None:
    """Read the store's release; None when there is none, or when its time is over."""
    values = attributes.get(RELEASED)
    if not isinstance(values, Mapping) or not (until := parse_time(values.get("until"))):
        return None
    kinds = frozenset(map(str, values.get("kinds") or ()))
    release = Release(until, kinds, str(values.get("by", "")), str(values.get("reason", "")))
    return release if now < until else None


def weigh(
    attributes: Attributes, batch: BatchFacts, *, settings: BreakerSettings, run_id: str
) -> tuple[Stop | None, dict[str, Any]]:
    """Judge a store's batch; return why nothing may be sent, and what to remember from now on."""
    last = Baseline.from_map(attributes.get(BATCH))
    tripped = tripped_in(attributes)
    release = release_in(attributes, now=batch.at)
    trips = judge(batch, last=last, settings=settings, since=tripped.since if tripped else None)
    kinds = frozenset(trip.kind for trip in trips)
    after = dict(attributes)
    if not release:
        after.pop(RELEASED, None)
    allowed = batch.store_id in settings.released or (release and kinds <= release.kinds)
    if trips and not allowed:
        if not tripped or tripped.kinds != kinds:
            since = tripped.since if tripped else batch.at
            after[TRIPPED] = Tripped(since, kinds, _seen(trips), run_id).as_map()
        return _stop(batch.store_id, trips), after
    after.pop(TRIPPED, None)
    if trips or last is None or _differs(batch, last):
        after[BATCH] = batch.as_baseline(last).as_map()
    after.setdefault(SERVED, format_utc(batch.at))
    return None, after


def served_since(attributes: Attributes) -> datetime | None:
    """Tell when this system first read a plausible batch of the store; None when it never has."""
    return parse_time(attributes.get(SERVED))


def let_pass(
    attributes: Attributes, *, by: str, now: datetime, hours: float
) -> tuple[Release | None, dict[str, Any]]:
    """Release a stopped store for what stopped it; (None, unchanged) when nothing did."""
    tripped = tripped_in(attributes)
    if not tripped:
        return None, dict(attributes)
    release = Release(now + timedelta(hours=hours), tripped.kinds, by, tripped.seen)
    return release, {**attributes, RELEASED: release.as_map(now=now)}


def _differs(batch: BatchFacts, last: Baseline) -> bool:
    """Tell whether the batch differs so much that it is worth a write."""
    pairs = (
        (batch.confirmed, last.confirmed),
        (batch.completed, last.completed),
        (batch.known, last.known),
        (batch.moved, last.moved),
    )
    far = any(abs(now - then) >= max(_LEAST, _SHARE * then) for now, then in pairs)
    return far or batch.at - last.at >= REFRESH


def _stop(store_id: str, trips: tuple[Trip, ...]) -> Stop:
    how = f"naverplace release {store_id}"
    korean = "; ".join(trip.korean for trip in trips)
    return Stop(
        f"nothing is sent, its bookings are implausible: {_seen(trips)}; if they are right: {how}",
        f"문자를 보내지 않고 멈췄습니다. {korean}. "
        f"네이버 예약 목록을 확인하고, 맞으면 담당자에게 '{how}' 실행을 요청하세요.",
    )


def _seen(trips: tuple[Trip, ...]) -> str:
    return "; ".join(trip.seen for trip in trips)
