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
from naverplace.quality.anomaly_checks import Anomaly, find_anomalies
from naverplace.quality.batch_stats import Baseline, BatchStats
from naverplace.settings.sections import BreakerSettings

BATCH, TRIPPED, RELEASED = "batch", "tripped", "released"
SERVED = "served_since"
REFRESH = timedelta(hours=3)  # an older baseline is written anew, also when nothing has changed
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

    since: datetime
    kinds: frozenset[str]
    seen: str

    def as_map(self, *, run_id: str) -> dict[str, Any]:
        """Write it as an attribute of the store's item."""
        since, kinds = format_utc(self.since), sorted(self.kinds)
        return {"since": since, "kinds": kinds, "seen": self.seen, "run_id": run_id}


@dataclass(frozen=True)
class Release:
    """The permission to send for batches that are implausible in these ways."""

    until: datetime
    kinds: frozenset[str]
    by: str
    seen: str

    def as_map(self, *, now: datetime) -> dict[str, Any]:
        """Write it as an attribute of the store's item."""
        until, kinds = format_utc(self.until), sorted(self.kinds)
        by = {"by": self.by, "reason": self.seen, "at": format_utc(now)}
        return {"until": until, "kinds": kinds, **by}


def tripped_in(attributes: Attributes) -> Tripped | None:
    """Read why the store is stopped; None when it is not."""
    values = attributes.get(TRIPPED)
    if not isinstance(values, Mapping) or not (since := parse_time(values.get("since"))):
        return None
    return Tripped(since, _kinds(values), str(values.get("seen", "")))


def release_in(attributes: Attributes, *, now: datetime) -> Release | None:
    """Read the store's release; None when there is none, or when its time is over."""
    values = attributes.get(RELEASED)
    if not isinstance(values, Mapping) or not (until := parse_time(values.get("until"))):
        return None
    by, seen = str(values.get("by", "")), str(values.get("reason", ""))
    return Release(until, _kinds(values), by, seen) if now < until else None


def _kinds(values: Attributes) -> frozenset[str]:
    return frozenset(map(str, values.get("kinds") or ()))


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
            after[TRIPPED] = Tripped(since or batch.at, kinds, seen).as_map(run_id=run_id)
        return _halt(batch.store_id, anomalies, seen), after
    after.pop(TRIPPED, None)
    if anomalies or last is None or _differs(batch, last):
        after[BATCH] = batch.as_baseline(last).as_map()
    after.setdefault(SERVED, format_utc(batch.at))
    return None, after


def release(
    attributes: Attributes, *, by: str, now: datetime, hours: float
) -> tuple[Release | None, dict[str, Any]]:
    """Release a stopped store for what stopped it; (None, unchanged) when nothing did."""
    tripped = tripped_in(attributes)
    if not tripped:
        return None, dict(attributes)
    given = Release(now + timedelta(hours=hours), tripped.kinds, by, tripped.seen)
    return given, {**attributes, RELEASED: given.as_map(now=now)}


def _differs(batch: BatchStats, last: Baseline) -> bool:
    """Tell whether the batch differs so much that it is worth a write."""
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
