"""Which batches are implausible: each check at its edge, and laws about all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.effects import RecordKey
from naverplace.domain.records import Record
from naverplace.quality.anomaly_checks import Trip, judge
from naverplace.quality.batch_stats import Baseline, BatchFacts, Newcomer, facts_of
from naverplace.settings.sections import BreakerSettings
from tests.rule_builders import NOW, STORE, a_booking, a_record, completed

SETTINGS = BreakerSettings()
OTHER = "951291"
MINUTE = timedelta(minutes=1)
RUN, DAY = 20 * MINUTE, timedelta(days=1)


def some(count: int, *, first: int = 1, **changes: Any) -> list[Booking]:
    """Bookings days ahead, each with its own phone and start."""
    return [
        a_booking(n, **{"start": NOW + 2 * DAY + n * 10 * MINUTE, **changes})
        for n in range(first, first + count)
    ]


def known(bookings: Iterable[Booking], **changes: Any) -> dict[RecordKey, Record]:
    return {
        b.key: a_record(b, booking_time=f"{b.start:%Y-%m-%d %H:%M}:00", **changes) for b in bookings
    }


def facts(
    bookings: Sequence[Booking],
    records: dict[RecordKey, Record] | None = None,
    *,
    now: datetime = NOW + RUN,
) -> BatchFacts:
    return facts_of([STORE], bookings, known(bookings) if records is None else records, now=now)[0]


def base(bookings: Sequence[Booking], records: dict[RecordKey, Record] | None = None) -> Baseline:
    """The batch of twenty minutes before."""
    return facts(bookings, records, now=NOW).as_baseline(None)


def tripped(batch: BatchFacts, last: Baseline | None = None, **settings: Any) -> list[Trip]:
    return list(judge(batch, last=last, settings=SETTINGS.model_copy(update=settings)))


def test_nothing_is_implausible_about_the_same_batch_once_more() -> None:
    bookings = some(58)

    assert tripped(facts(bookings), base(bookings)) == []


# -- more than can be -----------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "stopped"), [(19, False), (20, True), (58, True)])
def test_all_new_is_implausible_from_twenty_on_also_in_the_first_run(
    count: int, stopped: bool
) -> None:
    trips = tripped(facts(some(count), {}))

    assert [trip.kind for trip in trips] == ["more"] * stopped
    assert all(f"all {count} confirmed" in trip.seen for trip in trips)


def test_one_known_booking_among_many_shows_the_right_table_in_the_first_run() -> None:
    bookings = some(58)

    assert tripped(facts(bookings, known(bookings[:1]))) == []


def test_small_stores_that_know_nothing_are_stopped_when_no_store_knows_anything() -> None:
    here, there = some(10), some(30, store_id=OTHER)

    batches = facts_of([STORE, OTHER], [*here, *there], {}, now=NOW)
    batches_of_a_right_table = facts_of([STORE, OTHER], [*here, *there], known(there), now=NOW)

    assert all("nor any of the 40 of all stores" in tripped(b)[0].seen for b in batches)
    assert [tripped(b) for b in batches_of_a_right_table] == [[], []]


def test_five_known_bookings_that_are_all_forgotten_show_a_wrong_table() -> None:
    assert tripped(facts(some(5), {}), base(some(5))) != []
    assert tripped(facts(some(4), {}), base(some(4))) == []


def test_a_phone_written_otherwise_keeps_its_booking_known() -> None:
    before = some(25)
    after = [b.model_copy(update={"raw_phone": f"+82{b.phone[1:]}"}) for b in before]

    assert facts(after, known(before)).known == 25
    assert tripped(facts(after, known(before)), base(before)) == []


@pytest.mark.parametrize(("gone", "stopped"), [(20, False), (21, True)])
def test_records_that_vanished_show_a_table_restored_from_a_backup(
    gone: int, stopped: bool
) -> None:
    bookings = some(58)

    trips = tripped(facts(bookings, known(bookings[gone:])), base(bookings))

    assert bool(trips) is stopped
    assert all(f"{gone} bookings that were there before" in trip.seen for trip in trips)


def test_bookings_without_record_that_were_accepted_before_are_no_loss() -> None:
    bookings = some(58)
    records = known(bookings[:20])

    assert tripped(facts(bookings, records), base(bookings, records)) == []


@pytest.mark.parametrize(("count", "stopped"), [(30, False), (31, True)])
def test_a_burst_of_new_bookings_is_plausible_up_to_a_limit(count: int, stopped: bool) -> None:
    old, new = some(58), some(count, first=100)

    trips = tripped(facts([*old, *new], known(old)), base(old))

    assert bool(trips) is stopped
    assert all(f"{count} bookings are new" in trip.seen for trip in trips)


def test_after_an_outage_more_new_bookings_are_plausible() -> None:
    old, new = some(58), some(120, first=100)
    late = facts([*old, *new], known(old), now=NOW + 10 * DAY / 24)

    assert tripped(late, base(old)) == []
    # Being stopped is no outage: the store was looked at all the time.
    assert judge(late, last=base(old), settings=SETTINGS, since=NOW + RUN) != ()


def test_after_an_outage_all_may_be_new_if_they_are_younger_than_the_last_run() -> None:
    bookings = some(25, first=100, confirmed_at=NOW + DAY)

    assert tripped(facts(bookings, {}, now=NOW + 5 * DAY), base(some(25))) == []
    assert tripped(facts(bookings, {}, now=NOW + RUN), base(some(3))) != []
    old = some(25, first=100, confirmed_at=NOW - DAY)
    assert tripped(facts(old, {}, now=NOW + 5 * DAY), base(some(25))) != []


def test_requests_that_the_owner_confirms_later_are_new_though_their_numbers_are_old() -> None:
    old = some(20, first=1000)
    requests = some(25, first=1, confirmed_at=NOW + MINUTE)

    assert tripped(facts([*old, *requests], known(old)), base(old)) == []


@pytest.mark.parametrize(
    ("before", "after", "stopped"),
    [(2, 21, False), (2, 22, True), (3, 29, False), (3, 30, True), (0, 20, True), (20, 58, False)],
)
def test_ten_times_as_many_and_twenty_more_is_a_jump(
    before: int, after: int, stopped: bool
) -> None:
    bookings = some(after)

    trips = tripped(facts(bookings), base(some(before)))

    assert bool(trips) is stopped
    assert all("10 times as many" in trip.seen for trip in trips)


def test_a_day_that_is_completed_at_once_is_no_jump() -> None:
    day = some(30, start=NOW)
    done = [completed(b.booking_id) for b in day]

    assert tripped(facts(done), base(day)) == []
    assert tripped(facts(done), base([])) != []


# -- fewer than can be ----------------------------------------------------------------------------


def test_none_where_ten_had_not_begun_is_implausible() -> None:
    assert [trip.kind for trip in tripped(facts([]), base(some(10)))] == ["fewer"]
    assert tripped(facts([]), base(some(9))) == []


def test_a_night_in_which_all_bookings_begin_is_normal() -> None:
    evening = [a_booking(n, start=NOW + n * 20 * MINUTE) for n in range(1, 19)]

    assert tripped(facts([], now=NOW + RUN), base(evening)) != []
    assert tripped(facts([], now=NOW + 10 * DAY / 24), base(evening)) == []


@pytest.mark.parametrize(("left", "stopped"), [(5, True), (6, False)])
def test_a_tenth_of_what_had_not_begun_is_a_jump_down(left: int, stopped: bool) -> None:
    bookings = some(58)

    assert bool(tripped(facts(bookings[:left]), base(bookings))) is stopped


def test_no_completed_booking_where_ten_were_is_implausible_but_not_after_an_outage() -> None:
    done = [completed(n) for n in range(1, 11)]

    assert tripped(facts([]), base(done)) != []
    assert tripped(facts([]), base(done[:9])) == []
    assert tripped(facts([], now=NOW + DAY), base(done)) == []


# -- the same, shared, moved ----------------------------------------------------------------------


@pytest.mark.parametrize(("count", "stopped"), [(4, False), (5, True), (30, True)])
def test_one_phone_for_all_is_implausible_from_five_on_also_in_the_first_run(
    count: int, stopped: bool
) -> None:
    bookings = some(count, phone="01000009999", raw_phone="01000009999")

    trips = tripped(facts(bookings))

    assert [trip.kind for trip in trips] == ["same"] * stopped
    assert "9999" not in str(trips)


def test_some_bookings_of_one_phone_are_normal_and_others_do_not_hide_nearly_all() -> None:
    same = some(12, phone="01000009999", raw_phone="01000009999")

    assert tripped(facts([*same, *some(3, first=50)])) == []
    assert tripped(facts([*same, *some(2, first=50)])) != []


def test_one_start_for_all_is_implausible_after_the_first_run() -> None:
    before, at_once = some(10), some(10, start=NOW + DAY)

    assert tripped(facts(at_once, known(at_once)), base(before)) != []
    assert tripped(facts(at_once[:9], known(at_once)), base(before[:9])) == []
    assert tripped(facts(at_once)) == []


def test_another_stores_list_stops_the_store_that_does_not_know_it() -> None:
    mine, theirs = some(12), some(12, first=100, store_id=OTHER)
    as_mine = [b.model_copy(update={"store_id": STORE}) for b in theirs]
    records = known([*mine, *theirs])

    wrong, right = facts_of([STORE, OTHER], [*as_mine, *theirs], records, now=NOW + RUN)

    assert "another store's list" in str(tripped(wrong, base(mine)))
    assert tripped(right, facts_of([OTHER], theirs, records, now=NOW)[0].as_baseline(None)) == []


def test_one_booking_in_two_stores_is_their_own_matter() -> None:
    mine = some(12)
    twin = mine[0].model_copy(update={"store_id": OTHER})

    batches = facts_of([STORE, OTHER], [*mine, twin], known(mine[1:]), now=NOW + RUN)

    assert [tripped(batch, base(mine)) for batch in batches] == [[], []]


@pytest.mark.parametrize(("moved", "stopped"), [(4, False), (15, False), (16, True), (30, True)])
def test_most_bookings_at_another_start_show_a_wrong_clock(moved: int, stopped: bool) -> None:
    before = some(30)
    nine_hours = [b.model_copy(update={"start": b.start - 9 * 60 * MINUTE}) for b in before[:moved]]

    trips = tripped(facts([*nine_hours, *before[moved:]], known(before)), base(before))

    assert [trip.kind for trip in trips] == ["moved"] * stopped


def test_records_that_always_named_another_start_are_usual() -> None:
    before = some(30)
    records = known([b.model_copy(update={"start": b.start - 9 * 60 * MINUTE}) for b in before])

    assert facts(before, records).moved == 30
    assert tripped(facts(before, records), base(before, records)) == []
    unnamed = {b.key: a_record(b) for b in before}
    assert facts(before, unnamed).moved == 0


# -- laws -----------------------------------------------------------------------------------------


@given(
    before=st.integers(0, 80),
    gone=st.integers(0, 9),
    new=st.integers(0, 15),
    minutes=st.integers(1, 180),
)
def test_a_batch_near_its_baseline_is_never_implausible(
    before: int, gone: int, new: int, minutes: int
) -> None:
    bookings = some(before)
    here = [*bookings[gone:], *some(new, first=1000)]

    trips = tripped(
        facts(here, known(bookings), now=NOW + minutes * MINUTE), base(bookings), max_new=15
    )

    assert trips == []


@given(
    before=st.integers(0, 80),
    new=st.integers(20, 80),
    minutes=st.integers(1, 359),
    first=st.booleans(),
)
def test_twenty_new_ones_and_none_known_are_always_implausible(
    before: int, new: int, minutes: int, first: bool
) -> None:
    last = None if first else base(some(before))

    assert tripped(facts(some(new, first=500), {}, now=NOW + minutes * MINUTE), last) != []


@given(before=st.integers(10, 80), minutes=st.integers(0, 60 * 24))
def test_none_where_many_have_not_begun_is_always_implausible(before: int, minutes: int) -> None:
    assert tripped(facts([], now=NOW + minutes * MINUTE), base(some(before))) != []


@given(count=st.integers(5, 80), before=st.none() | st.integers(0, 80))
def test_one_phone_for_all_is_always_implausible(count: int, before: int | None) -> None:
    last = None if before is None else base(some(before))

    assert tripped(facts(some(count, phone="01000000000", raw_phone="01000000000")), last) != []


@given(before=st.integers(20, 100), factor=st.integers(10, 20), up=st.booleans())
def test_a_jump_by_ten_is_always_implausible(before: int, factor: int, up: bool) -> None:
    few, many = some(-(-before // factor)), some(before)
    few = few[: before // factor]

    batch, last = (facts(many), base(few)) if up else (facts(few), base(many))

    assert (tripped(batch, last) != []) is (before - len(few) >= 20 or (not up and not few))


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.booleans(), st.integers(-600, 60_000), st.integers(1, 9))
    )
)
def test_what_was_let_through_once_is_usual_from_then_on(
    drawn: list[tuple[int, bool, int, int]],
) -> None:
    bookings = [
        a_booking(
            n, start=NOW + offset * MINUTE, phone=f"0100000000{p}", raw_phone=f"0100000000{p}"
        )
        for n, _, offset, p in {one[0]: one for one in drawn}.values()
    ]
    records = known(b for b in bookings if b.booking_id % 3)
    batch = facts(bookings, records)

    assert tripped(replace(batch, at=NOW + 2 * RUN), batch.as_baseline(None)) == []


# -- the baseline as it is kept -------------------------------------------------------------------


@given(count=st.integers(0, 30), others=st.integers(0, 30))
def test_a_baseline_survives_the_table(count: int, others: int) -> None:
    last = base(some(count), known(some(others)))

    assert Baseline.from_map(last.as_map()) == last


@pytest.mark.parametrize("broken", [None, "x", {}, {"at": "yesterday"}, {"at": None, "ahead": 3}])
def test_a_baseline_that_cannot_be_read_is_none(broken: object) -> None:
    assert Baseline.from_map(broken) is None


def test_the_highest_number_is_remembered_when_its_booking_is_gone() -> None:
    last = base(some(5, first=100))

    assert facts(some(5)).as_baseline(last).highest == 104


def test_a_store_without_a_booking_has_a_batch_of_none() -> None:
    empty = facts_of([STORE, OTHER], some(3), {}, now=NOW)[1]

    assert (empty.confirmed, empty.completed, empty.newcomers) == (0, 0, ())


def test_a_booking_in_both_lists_counts_once_in_each() -> None:
    both = [a_booking(1), a_booking(1), a_booking(1, status=BookingStatus.COMPLETED)]

    assert (facts(both).confirmed, facts(both).completed) == (1, 1)


def test_words_name_no_phone_and_no_name() -> None:
    everything = [
        *tripped(facts(some(60, name="김하나"), {})),
        *tripped(facts(some(60, phone="01000000001", raw_phone="01000000001"))),
        *tripped(facts([]), base([*some(60), *[completed(n) for n in range(90, 120)]])),
    ]

    text = str(everything)
    assert len(everything) >= 4
    assert "김하나" not in text
    assert "0100000" not in text
    assert all(trip.korean and trip.seen for trip in everything)


def test_a_newcomer_of_a_first_run_was_not_there() -> None:
    assert not Newcomer(1).was_there(None)
