"""The anomalies by which a store's batch is implausible, so that nothing is sent for it; pure.

A batch is compared with the last plausible one. What was released once is usual from then on.
Without a last one, only what is implausible by itself counts: all new, all of one phone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from naverplace.quality.batch_stats import Baseline, BatchStats
from naverplace.settings.sections import BreakerSettings

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
