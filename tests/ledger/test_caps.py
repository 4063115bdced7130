"""The caps of a store: what it may send follows from what is usual, and no run goes beyond it."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from naverplace.base.clock import SEOUL
from naverplace.ledger.caps import (
    Attributes,
    Count,
    SentMessages,
    StoreCap,
    begin_sending,
    cap_of,
    end_sending,
    left_of_all,
    release_cap,
    sent_messages,
)
from naverplace.ledger.store_state import StoreState, as_item, read_state
from naverplace.settings.sections import CapSettings

NOON = datetime(2026, 10, 22, 12, 0, tzinfo=SEOUL)
SETTINGS = CapSettings(factor=3, floor=10)


def a_run(state: Attributes, wanted: int, now: datetime = NOON) -> Attributes:
    """Send as much as the cap allows, as a run does."""
    begun = begin_sending(state, wanted, SETTINGS, now)
    sent = sent_messages(begun).reserved
    return end_sending(begun, now, sent=sent, held=wanted - sent)


def days_with(*counts: int) -> Attributes:
    state: Attributes = {}
    for at, count in enumerate(counts):
        state = end_sending(state, NOON - timedelta(days=len(counts) - at), sent=count, held=0)
    return state


def test_a_store_without_a_past_may_send_up_to_the_floor() -> None:
    assert cap_of({}, SETTINGS, NOON) == (10, 10, 0, False)


def test_a_busy_day_may_have_three_times_what_is_usual() -> None:
    assert cap_of(days_with(20, 22, 18), SETTINGS, NOON).day == 60


def test_one_wild_day_makes_no_other_usual() -> None:
    assert cap_of(days_with(20, 20, 900, 20), SETTINGS, NOON).day == 60


def test_a_weekend_that_is_busier_than_the_week_is_usual() -> None:
    week = [100, 100, 100, 100, 180, 300, 280]

    assert cap_of(days_with(*week, *week), SETTINGS, NOON).day == 3 * 280


def test_all_stores_together_may_have_a_holiday_that_is_twice_a_usual_weekend() -> None:
    week = [40, 40, 40, 40, 70, 100, 100]
    caps = [cap_of(days_with(*week, *week), SETTINGS, NOON)] * 8

    assert left_of_all([cap._replace(run=cap.day) for cap in caps]) == 8 * 200


def test_only_the_last_fortnight_counts() -> None:
    state = days_with(*[500] * 14, *[4] * 14)

    assert len(sent_messages(state).days) == 14
    assert cap_of(state, SETTINGS, NOON).day == 12


@given(st.lists(st.integers(0, 40), max_size=12))
def test_whatever_runs_want_no_day_has_more_than_its_cap(wanted: list[int]) -> None:
    state = days_with(5, 6, 4)
    for count in wanted:
        state = a_run(state, count)
        state = read_state("1051707", as_item(StoreState("1051707", extra=state))).extra

    assert cap_of(state, SETTINGS, NOON).today == min(sum(wanted), 15)


def test_what_a_dead_run_had_reserved_counts_as_sent() -> None:
    died = begin_sending({}, 7, SETTINGS, NOON)

    after = a_run(died, 7)

    assert cap_of(after, SETTINGS, NOON).today == 10
    assert sent_messages(after).reached == Count(14, 7)


def test_a_release_lets_pass_what_was_held_back_and_three_times_as_much_for_a_while() -> None:
    stopped = a_run({}, 25)

    seen, released = release_cap(stopped, now=NOON, hours=24)

    assert seen == Count(25, 25)
    assert cap_of(released, SETTINGS, NOON).left == 65
    assert cap_of(released, SETTINGS, NOON + timedelta(hours=25)).day == 30
    assert sent_messages(a_run(released, 15)).reached is None
    assert release_cap(released, now=NOON, hours=24) == (None, released)


def test_a_new_day_begins_with_nothing_sent() -> None:
    assert cap_of(a_run({}, 25), SETTINGS, NOON + timedelta(days=1)).today == 0


def test_all_stores_together_may_send_two_thirds_of_what_they_may_one_by_one() -> None:
    caps = [cap_of(days_with(40), SETTINGS, NOON), *[cap_of(days_with(), SETTINGS, NOON)] * 6]

    assert left_of_all(caps) == 120  # one busy store alone is not stopped by the others
    assert left_of_all(caps[1:]) == 40
    assert left_of_all([]) == 0


def test_all_stores_together_have_less_left_by_what_they_have_sent_today() -> None:
    def sent(count: int) -> list[StoreCap]:
        return [StoreCap(run=10, day=10, today=count)] * 3

    assert [left_of_all(sent(count)) for count in (0, 6, 7)] == [20, 2, 0]
    assert left_of_all(sent(0)[:2]) == 14  # two thirds of 20, rounded up


def test_what_a_run_holds_back_for_itself_counts_as_sent_until_it_ends() -> None:
    begun = begin_sending({}, 7, SETTINGS, NOON)

    assert cap_of(begun, SETTINGS, NOON) == (10, 10, 7, False)


def test_a_run_may_have_three_times_a_usual_run_and_a_day_three_times_a_usual_day() -> None:
    state = end_sending(days_with(20), NOON - timedelta(days=1), sent=4, held=0)

    assert cap_of(state, SETTINGS, NOON) == (60, 72, 0, False)


def test_of_six_days_the_two_busiest_are_not_called_usual() -> None:
    assert cap_of(days_with(60, 50, 40, 30, 20, 10), SETTINGS, NOON).day == 3 * 40


def test_a_store_without_a_past_has_the_floor_however_low_it_is() -> None:
    assert cap_of({}, CapSettings(factor=3, floor=1), NOON) == (1, 1, 0, False)


def test_what_a_clock_that_was_ahead_has_counted_is_not_usual() -> None:
    ahead = end_sending({}, NOON + timedelta(days=1), sent=500, held=0)

    assert cap_of(ahead, SETTINGS, NOON).day == 10


def test_a_release_ends_at_its_moment() -> None:
    _, released = release_cap(a_run({}, 25), now=NOON, hours=24)
    end = NOON + timedelta(hours=24)

    assert cap_of(released, SETTINGS, end - timedelta(microseconds=1)).released
    assert not cap_of(released, SETTINGS, end).released


def test_a_store_that_has_sent_more_than_its_cap_has_nothing_left() -> None:
    assert StoreCap(run=10, day=10, today=14).left == 0
    assert not StoreCap(run=10, day=10, today=14).released


def test_a_run_that_sends_nothing_writes_nothing() -> None:
    assert end_sending({}, NOON, sent=0, held=0) == begin_sending({}, 0, SETTINGS, NOON) == {}
    assert Count() == (0, 0)


def test_a_release_is_written_with_its_end_or_not_at_all() -> None:
    assert SentMessages(released=Count(1, 1)).as_map() == {"days": {}}
    assert SentMessages(released_until=NOON).as_map() == {"days": {}}


def test_an_attribute_that_cannot_be_read_counts_as_nothing() -> None:
    for broken in ("?", {"days": {"2026-10-22": "?"}}, {"reached": 3}, {}):
        state = {"sent": broken}
        assert cap_of(state, SETTINGS, NOON) == (10, 10, 0, False)
