"""Hand-back safety, decided purely: ours and the legacy take turns on one table, in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from naverplace.domain.booking import BookingStatus
from tests.handback_world import TWO_HOURS, Now, Shared, moved
from tests.rule_builders import at

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
