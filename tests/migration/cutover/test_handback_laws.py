"""Hand-back safety as laws: random orders of runs, over bookings that change between them.

The legacy dies in some of its runs, and comes back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from naverplace.domain.booking import BookingStatus
from naverplace.domain.effects import RecordKey
from tests.examples import examples
from tests.handback_world import TWO_HOURS, Now, Shared
from tests.rule_builders import at

THREE = at("2025-10-22 15:00")
MORNING, ONE_LEFT = at("2025-10-22 09:00"), at("2025-10-22 14:00")
EVENING = at("2025-10-22 20:10")


def booked(number: int = 1, **changes: Any) -> Now:
    return replace(Now(number, THREE), **changes)


STATUSES = [BookingStatus.CONFIRMED] * 8 + [BookingStatus.COMPLETED, BookingStatus.CANCELLED]
MOVES = [0, 30, 150, 180, -60, 24 * 60]  # minutes from three o'clock
STEP = st.tuples(
    st.sampled_from(["ours", "ours", "legacy", "legacy", "refused", "dead"]),
    st.sampled_from([0, 10, 10, 20, 30, 60, 100]),  # minutes until this run
    st.sampled_from([None, None, None, *MOVES]),  # where the start lies now; None: as before
    st.sampled_from([None] * 9 + [1, 2]),  # the phone
    st.sampled_from(STATUSES),
    st.sampled_from([True] * 9 + [False]),  # whether Naver lists it
)
# The same with nothing but moves, a few minutes apart: where starts and flags may be confused.
MOVING = st.tuples(
    st.sampled_from(["ours", "legacy", "dead"]),
    st.just(10),
    st.sampled_from([-30, 0, 180, 24 * 60]),
    st.none(),
    st.just(BookingStatus.CONFIRMED),
    st.just(True),
)
STEPS = st.lists(STEP, min_size=2, max_size=16) | st.lists(MOVING, min_size=4, max_size=9)
BEGIN = st.sampled_from(
    [MORNING, at("2025-10-22 12:30"), at("2025-10-22 13:30"), at("2025-10-22 18:30")]
)
Step = tuple[str, int, int | None, int | None, BookingStatus, bool]


def histories(steps: Sequence[Step], now: datetime) -> Iterator[tuple[str, datetime, Now]]:
    """Give for each run its side, its moment, and the booking as it is then."""
    one = booked()
    for side, wait, minutes, phone, status, listed in steps:
        now += timedelta(minutes=wait)
        start = one.start if minutes is None else THREE + timedelta(minutes=minutes)
        one = replace(one, start=start, phone=phone or one.phone, status=status, listed=listed)
        yield side, now, one


@dataclass
class Seen:
    """What the law must know of the past: where ours saw the booking since each guide."""

    elsewhere: set[tuple[RecordKey, datetime]] = field(default_factory=set)

    def note(self, shared: Shared, one: Now) -> None:
        self.elsewhere |= {
            (got.key, got.start)
            for got in shared.got
            if got.kind == "guide" and got.key == one.ours.key and got.start != one.start
        }


@settings(deadline=None, max_examples=examples(4000))
@given(STEPS, BEGIN)
def test_law_no_order_of_runs_sends_twice_but_for_the_one_known_way(
    steps: Sequence[Step], begin: datetime
) -> None:
    shared, seen = Shared(), Seen()
    for side, now, one in histories(steps, begin):
        new = shared.run(side, [one], now)
        for got in new:
            known = side == "legacy" and (got.key, got.start) in seen.elsewhere
            assert (got.kind == "guide" and known) or shared.count(got) == 1
        if side in ("ours", "refused") and one.listed:
            seen.note(shared, one)


@settings(deadline=None, max_examples=examples(4000))
@given(STEPS, BEGIN)
def test_law_what_both_owe_is_sent_by_one_of_them(steps: Sequence[Step], begin: datetime) -> None:
    shared, known = Shared(), set[RecordKey]()
    for side, now, one in histories(steps, begin):
        shared.run(side, [one], now)
        if not one.listed or side in ("refused", "dead"):
            continue
        ahead, window = one.start - now, timedelta() < one.start - now < TWO_HOURS
        if one.status is BookingStatus.CONFIRMED:
            # A confirmation that SENS refused us, the legacy sends in the last two hours (L12).
            if window or (ahead > timedelta() and side == "ours"):
                assert shared.times(one, "confirmation") == 1
            if window:
                assert shared.times(one, "guide") >= 1
            by_legacy = any(
                (g.by, g.key, g.kind) == ("legacy", one.ours.key, "guide") for g in shared.got
            )
            if window and side == "ours" and not by_legacy:
                assert shared.times(one, "guide", start=one.start) == 1
            known |= {one.ours.key} & set(shared.shop.items)  # ours makes none for what has begun
        elif one.status is BookingStatus.COMPLETED and now.hour == 20 and one.ours.key in known:
            assert shared.times(one, "event") == 1


@settings(deadline=None, max_examples=examples(3000))
@given(STEPS, BEGIN)
def test_law_nobody_is_forgotten_when_two_bookings_take_turns(
    steps: Sequence[Step], begin: datetime
) -> None:
    """A second booking of the same phone, which nothing happens to, gets each message once."""
    shared, still = Shared(), Now(2, at("2025-10-22 16:20"))
    for side, now, one in histories(steps, begin):
        shared.run(side, [one, replace(still, phone=one.phone)], now)
    mine = [got for got in shared.got if got.key.booking_num.endswith("_2")]

    assert max(Counter((got.key, got.kind) for got in mine).values(), default=1) == 1
