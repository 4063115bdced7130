"""The breaker of a store: which batches are implausible, so that nothing is sent for them; pure.

A batch is compared with the last plausible one. What was let through once is usual from then on.
Without a last one, only what is implausible by itself counts: all new, all of one phone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from naverplace.quality.batch_stats import Baseline, BatchFacts
from naverplace.settings.sections import BreakerSettings

_MINUTE_OF_DAY = "%m/%d %H:%M"


@dataclass(frozen=True)
class Trip:
    """One thing about a batch that cannot be; a release is for one kind of them."""

    kind: str  # more | fewer | same | moved
    seen: str  # what was seen, and what is usual, for the engineer on duty
    korean: str  # the same for the owner


def judge(
    batch: BatchFacts,
    *,
    last: Baseline | None,
    settings: BreakerSettings,
    since: datetime | None = None,
) -> tuple[Trip, ...]:
    """Name everything implausible about a batch; nothing when it may be sent for.

    `since` says when the store was stopped: being stopped for long makes nothing more plausible.
    """
    case = _Case(batch, last, settings, _outage(since or batch.at, last, settings))
    return tuple(trip for check in _CHECKS for trip in check(case))


@dataclass(frozen=True)
class _Case:
    batch: BatchFacts
    last: Baseline | None
    settings: BreakerSettings
    outage: float  # hours in which nobody looked, so that much may have happened

    @property
    def grown(self) -> float:
        return self.outage * self.settings.new_per_hour

    @property
    def before(self) -> str:
        return f"at {self.last.at:{_MINUTE_OF_DAY}}" if self.last else ""

    @property
    def korean_before(self) -> str:
        return f"{self.last.at:{_MINUTE_OF_DAY}}" if self.last else ""


def _outage(until: datetime, last: Baseline | None, settings: BreakerSettings) -> float:
    """Tell the hours of an outage: a baseline that old shows that no run has worked since."""
    hours = (until - last.at) / timedelta(hours=1) if last else 0.0
    return hours if hours >= settings.outage_hours else 0.0


def _all_new(case: _Case) -> Iterator[Trip]:
    """Stop when table sms knows none of them: is it the wrong one, emptied, or keyed otherwise?"""
    batch, last, settings = case.batch, case.last, case.settings
    old = sum(newcomer.was_there(last) for newcomer in batch.newcomers)
    usual = bool(last and not last.known and last.new >= min(settings.min_new, batch.new))
    enough = batch.new >= settings.min_new or batch.strangers >= settings.min_strangers
    many = enough and not (case.outage and not old)
    forgotten = bool(last and last.known >= settings.min_forgotten <= old)
    if batch.known or not batch.new or usual or not (many or forgotten):
        return
    usually = f"; {case.before} it knew {last.known} of {last.confirmed}" if last else ""
    all_stores = batch.strangers >= settings.min_strangers
    others = f", nor any of the {batch.strangers} of all stores" if all_stores else ""
    yield Trip(
        "more",
        f"all {batch.new} confirmed bookings are new, table sms knows none of them{others}"
        f"{usually}; usual are 1 to 3 new ones; "
        "is NAVERPLACE_AWS__SMS_TABLE the right table, and whole?",
        f"확정 예약 {batch.new}건이 모두 새 예약으로 보입니다 (평소 1~3건)",
    )


def _some_new(case: _Case) -> Iterator[Trip]:
    """Stop when more are new than customers can book, or when known ones have lost their record."""
    batch, last, settings = case.batch, case.last, case.settings
    if not last or not batch.known:
        return
    old = sum(newcomer.was_there(last) for newcomer in batch.newcomers)
    forgotten = old - last.new
    if forgotten > settings.max_forgotten:
        yield Trip(
            "more",
            f"{forgotten} bookings that were there before have no record in table sms any more "
            f"({batch.known} have one); was it restored from a backup?",
            f"기존 예약 {forgotten}건의 기록이 사라졌습니다 (평소 0건)",
        )
    new = batch.new - old
    limit = settings.max_new + case.grown
    if new > limit:
        yield Trip(
            "more",
            f"{new} bookings are new since {last.at:{_MINUTE_OF_DAY}}; usual are 1 to 3, "
            f"and at most {limit:.0f} are let through",
            f"새 예약이 한 번에 {new}건 들어왔습니다 (평소 1~3건)",
        )


def _jump_up(case: _Case) -> Iterator[Trip]:
    batch, last, settings = case.batch, case.last, case.settings
    if not last:
        return
    # Completed bookings were confirmed ones before, so those that vanished there explain them.
    both = (
        ("confirmed", "확정", batch.confirmed, last.confirmed, 0),
        ("completed", "이용완료", batch.completed, last.completed, last.confirmed),
    )
    for word, korean, now, then, explained in both:
        more = now - then - explained
        least = max(settings.jump_least, case.grown)
        if now >= settings.jump_factor * max(then, 1) and more >= least:
            yield Trip(
                "more",
                f"{now} {word} bookings, {case.before} it was {then}: "
                f"{settings.jump_factor:g} times as many or more",
                f"{korean} 예약이 {now}건으로 갑자기 늘었습니다 ({case.korean_before} {then}건)",
            )


def _fewer(case: _Case) -> Iterator[Trip]:
    """Stop when bookings that have not begun yet are gone: nobody cancels that many at once."""
    batch, last, settings = case.batch, case.last, case.settings
    if not last:
        return
    due, left = last.ahead_at(batch.at), len(batch.ahead)
    none = not batch.confirmed and due >= settings.min_gone
    jump = left * settings.jump_factor <= due and due - left >= settings.jump_least
    if none or jump:
        yield Trip(
            "fewer",
            f"{batch.confirmed} confirmed bookings; {case.before} there were {last.confirmed}, "
            f"{due} of which have not begun yet",
            f"확정 예약이 {batch.confirmed}건뿐입니다 ({case.korean_before} {last.confirmed}건, "
            f"그중 {due}건은 아직 시작 전)",
        )
    if not batch.completed and last.completed >= settings.min_gone and not case.outage:
        yield Trip(
            "fewer",
            f"no completed booking at all; {case.before} there were {last.completed}",
            f"이용완료 예약이 0건입니다 ({case.korean_before} {last.completed}건)",
        )


def _same(case: _Case) -> Iterator[Trip]:
    batch, last, share = case.batch, case.last, case.settings.same_share

    def too_many(equal: int, of: int, least: int) -> bool:
        return of >= least and equal > share * of

    least = case.settings.min_same_phones
    usual = last and too_many(last.same_phone, last.confirmed, least)
    if too_many(batch.same_phone, batch.confirmed, least) and not usual:
        yield Trip(
            "same",
            f"{batch.same_phone} of {batch.confirmed} confirmed bookings have one and the same "
            "phone; usual are 1 or 2",
            f"확정 예약 {batch.confirmed}건 중 {batch.same_phone}건의 전화번호가 같습니다",
        )
    least = case.settings.min_same_starts
    usual = last is None or too_many(last.same_start, last.confirmed, least)
    if too_many(batch.same_start, batch.confirmed, least) and not usual:
        yield Trip(
            "same",
            f"{batch.same_start} of {batch.confirmed} confirmed bookings start at the same time",
            f"확정 예약 {batch.confirmed}건 중 {batch.same_start}건의 이용 시각이 같습니다",
        )


def _shared(case: _Case) -> Iterator[Trip]:
    """Stop when another store's list came as this one's; the store that knows them goes on."""
    batch, last = case.batch, case.last
    if not last or batch.shared - last.shared < case.settings.min_shared:
        return
    if batch.shared * 2 > batch.confirmed:
        yield Trip(
            "same",
            f"{batch.shared} of {batch.confirmed} confirmed bookings are new here and stand in "
            "another store's list too; usual are 0",
            f"확정 예약 {batch.confirmed}건 중 {batch.shared}건이 다른 매장의 예약입니다",
        )


def _moved(case: _Case) -> Iterator[Trip]:
    """Stop when most known bookings start at another time: then it is Naver's clock, or ours."""
    batch, last = case.batch, case.last
    if not last or batch.moved - last.moved < case.settings.min_moved:
        return
    if batch.moved * 2 > batch.known:
        yield Trip(
            "moved",
            f"{batch.moved} of {batch.known} known bookings start at another time than their "
            f"record says, {case.before} it was {last.moved}; has a time zone changed?",
            f"예약 {batch.known}건 중 {batch.moved}건의 이용 시각이 한꺼번에 바뀌었습니다",
        )


_CHECKS: tuple[Callable[[_Case], Iterator[Trip]], ...] = (
    _all_new,
    _some_new,
    _jump_up,
    _fewer,
    _same,
    _shared,
    _moved,
)
