"""Hand-back safety, decided purely: ours and the legacy take turns on one table, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naverplace.booking import BookingStatus
from naverplace.effects import RecordKey
from tests.deciding import at
from tests.handing import TWO_HOURS, Now, Shared, moved

THREE = at("2025-10-22 15:00")
MORNING, ONE_LEFT = at("2025-10-22 09:00"), at("2025-10-22 14:00")
EVENING = at("2025-10-22 20:10")
BOTH = pytest.mark.parametrize(("one", "other"), [("ours", "legacy"), ("legacy", "ours")])


def booked(number: int = 1, **changes: Any) -> Now:
    return replace(Now(number, THREE), **changes)


def done(one: Now) -> Now:
    return replace(one, status=BookingStatus.COMPLETED)


@BOTH
def test_what_one_has_sent_the_other_does_not_send_again(one: str, other: str) -> None:
    shared = Shared()

    assert shared.kinds(one, [booked()], MORNING) == ["confirmation"]
    assert shared.kinds(other, [booked()], MORNING) == []
    assert shared.kinds(other, [booked()], ONE_LEFT) == ["guide"]
    assert shared.kinds(one, [booked()], ONE_LEFT) == []
    assert shared.kinds(one, [done(booked())], EVENING) == ["event"]
    assert shared.kinds(other, [done(booked())], EVENING) == []


@BOTH
def test_a_booking_that_comes_late_gets_both_from_whoever_runs_first(one: str, other: str) -> None:
    shared = Shared()

    assert shared.kinds(one, [booked()], ONE_LEFT) == ["confirmation", "guide"]
    assert shared.kinds(other, [booked()], ONE_LEFT) == []


def test_what_sens_has_refused_us_the_legacy_sends_in_the_last_two_hours() -> None:
    shared = Shared()
    shared.run("refused", [booked()], MORNING)

    assert shared.kinds("legacy", [booked()], MORNING) == []  # L12: not before
    assert shared.kinds("legacy", [booked()], ONE_LEFT) == ["confirmation", "guide"]
    assert shared.kinds("ours", [booked()], ONE_LEFT) == []


@BOTH
def test_another_phone_is_somebody_else_for_both(one: str, other: str) -> None:
    shared = Shared()
    shared.run(one, [booked()], ONE_LEFT)

    assert shared.kinds(other, [booked(phone=2)], ONE_LEFT) == ["confirmation", "guide"]
    assert shared.kinds(one, [booked(phone=2)], ONE_LEFT) == []


def test_what_expired_with_us_the_legacy_does_not_confirm_late() -> None:
    shared = Shared()
    shared.run("refused", [booked()], ONE_LEFT)
    shared.run("ours", [booked()], THREE + timedelta(minutes=5))

    assert [mark.kind for mark in shared.shop.expired] == ["confirmation", "guide"]
    assert shared.kinds("legacy", [booked()], THREE + timedelta(minutes=10)) == []


# The differences that are allowed, each by its name


@pytest.mark.parametrize("first", ["ours", "legacy"])
def test_difference_l16_a_moved_booking_gets_its_second_guide_from_ours(first: str) -> None:
    shared, later = Shared(), moved(booked(), hours=5)
    shared.run(first, [booked()], ONE_LEFT)

    assert shared.kinds("legacy", [later], later.start - timedelta(hours=1)) == []
    again = Shared()
    again.run(first, [booked()], ONE_LEFT)
    assert again.kinds("ours", [later], ONE_LEFT) == []
    assert again.kinds("ours", [later], later.start - timedelta(hours=1)) == ["guide"]
    assert again.kinds("legacy", [later], later.start - timedelta(hours=1)) == []
    assert again.twice() == []


def test_difference_l16_another_spelling_is_another_customer_for_the_legacy_only() -> None:
    shared, otherwise = Shared(), booked(raw_phone="010-0000-0001")
    shared.run("ours", [booked()], MORNING)

    assert shared.kinds("ours", [otherwise], MORNING) == []
    assert shared.kinds("legacy", [otherwise], MORNING) == ["confirmation"]


def test_difference_l26_only_the_legacy_confirms_what_has_begun() -> None:
    shared = Shared()

    assert shared.kinds("ours", [booked()], THREE + timedelta(hours=1)) == []
    assert shared.kinds("legacy", [booked()], THREE + timedelta(hours=1)) == ["confirmation"]
    assert shared.kinds("ours", [booked()], THREE + timedelta(hours=2)) == []


def test_difference_l12_only_ours_sends_at_exactly_two_hours_and_a_confirmation_at_once() -> None:
    shared = Shared()
    shared.run("refused", [booked()], MORNING)

    assert shared.kinds("legacy", [booked()], THREE - TWO_HOURS) == []
    assert shared.kinds("ours", [booked()], MORNING) == ["confirmation"]
    assert shared.kinds("ours", [booked()], THREE - TWO_HOURS) == ["guide"]


def test_difference_l16_moved_away_and_back_the_legacy_repeats_a_guide() -> None:
    """The only message that is sent twice.

    Ours has seen the booking move on and has made the guide owed again, in the only word that the
    legacy understands: its flag is not set. Moved back before ours runs again, the booking gets its
    guide from the legacy once more.
    """
    shared, later = Shared(), moved(booked(), hours=5)
    shared.run("ours", [booked()], at("2025-10-22 13:10"))
    shared.run("ours", [later], at("2025-10-22 13:20"))

    assert shared.kinds("legacy", [booked()], at("2025-10-22 13:30")) == ["guide"]
    assert len(shared.twice()) == 1
    assert shared.kinds("ours", [booked()], at("2025-10-22 13:40")) == []


def test_moved_away_and_back_ours_repeats_no_guide_of_the_legacys() -> None:
    """Also one for a time that the record never knew, for the legacy does not write it down."""
    shared, early = Shared(), moved(booked(), minutes=-30)
    shared.run("ours", [early], MORNING)
    assert shared.kinds("legacy", [booked()], at("2025-10-22 13:20")) == ["guide"]
    shared.run("ours", [moved(booked(), hours=3)], at("2025-10-22 13:30"))

    assert shared.kinds("ours", [booked()], at("2025-10-22 13:40")) == []
    assert shared.kinds("legacy", [booked()], at("2025-10-22 13:50")) == []
    later = moved(booked(), hours=2)
    assert shared.kinds("ours", [later], at("2025-10-22 14:00")) == []
    assert shared.kinds("ours", [later], at("2025-10-22 15:10")) == ["guide"]


# The law: any order of runs, over bookings that change between them

STATUSES = [BookingStatus.CONFIRMED] * 8 + [BookingStatus.COMPLETED, BookingStatus.CANCELLED]
MOVES = [0, 30, 150, 180, -60, 24 * 60]  # minutes from three o'clock
STEP = st.tuples(
    st.sampled_from(["ours", "ours", "legacy", "legacy", "refused"]),
    st.sampled_from([0, 10, 10, 20, 30, 60, 100]),  # minutes until this run
    st.sampled_from([None, None, None, *MOVES]),  # where the start lies now; None: as before
    st.sampled_from([None] * 9 + [1, 2]),  # the phone
    st.sampled_from(STATUSES),
    st.sampled_from([True] * 9 + [False]),  # whether Naver lists it
)
# The same with nothing but moves, a few minutes apart: where starts and flags may be confused.
MOVING = st.tuples(
    st.sampled_from(["ours", "legacy"]),
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


@settings(deadline=None, max_examples=400)
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
        if side != "legacy" and one.listed:
            seen.note(shared, one)


@settings(deadline=None, max_examples=400)
@given(STEPS, BEGIN)
def test_law_what_both_owe_is_sent_by_one_of_them(steps: Sequence[Step], begin: datetime) -> None:
    shared, known = Shared(), set[RecordKey]()
    for side, now, one in histories(steps, begin):
        shared.run(side, [one], now)
        if not one.listed or side == "refused":
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


@settings(deadline=None, max_examples=300)
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
