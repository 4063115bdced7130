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
from naverplace.domain.record_matching import match_records
from naverplace.domain.records import Record
from naverplace.quality.circuit_breaker import (
    Anomaly,
    Baseline,
    BatchStats,
    NewBooking,
    count_batches,
    find_anomalies,
)
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


def stats(
    bookings: Sequence[Booking],
    records: dict[RecordKey, Record] | None = None,
    *,
    now: datetime = NOW + RUN,
) -> BatchStats:
    records = known(bookings) if records is None else records
    return count_batches([STORE], bookings, match_records(bookings, records), now=now)[0]


def base(bookings: Sequence[Booking], records: dict[RecordKey, Record] | None = None) -> Baseline:
    """The batch of twenty minutes before."""
    return stats(bookings, records, now=NOW).as_baseline(None)


def anomalies_of(batch: BatchStats, last: Baseline | None = None, **settings: Any) -> list[Anomaly]:
    return list(find_anomalies(batch, last=last, settings=SETTINGS.model_copy(update=settings)))


def test_nothing_is_implausible_about_the_same_batch_once_more() -> None:
    bookings = some(58)

    assert anomalies_of(stats(bookings), base(bookings)) == []


# -- more than can be -----------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "stopped"), [(19, False), (20, True), (58, True)])
def test_all_new_is_implausible_from_twenty_on_also_in_the_first_run(
    count: int, stopped: bool
) -> None:
    anomalies = anomalies_of(stats(some(count), {}))

    assert [anomaly.kind for anomaly in anomalies] == ["more"] * stopped
    assert all(f"all {count} confirmed" in anomaly.seen for anomaly in anomalies)


def test_one_known_booking_among_many_shows_the_right_table_in_the_first_run() -> None:
    bookings = some(58)

    assert anomalies_of(stats(bookings, known(bookings[:1]))) == []


def test_small_stores_that_know_nothing_are_stopped_when_no_store_knows_anything() -> None:
    here, there = some(10), some(30, store_id=OTHER)

    both = [*here, *there]
    batches, batches_of_a_right_table = (
        count_batches([STORE, OTHER], both, match_records(both, records), now=NOW)
        for records in ({}, known(there))
    )

    assert all("nor any of the 40 of all stores" in anomalies_of(b)[0].seen for b in batches)
    assert [anomalies_of(b) for b in batches_of_a_right_table] == [[], []]


def test_five_known_bookings_that_are_all_forgotten_show_a_wrong_table() -> None:
    assert anomalies_of(stats(some(5), {}), base(some(5))) != []
    assert anomalies_of(stats(some(4), {}), base(some(4))) == []


def test_a_phone_written_otherwise_keeps_its_booking_known() -> None:
    before = some(25)
    after = [b.model_copy(update={"raw_phone": f"+82{b.phone[1:]}"}) for b in before]

    assert stats(after, known(before)).known == 25
    assert anomalies_of(stats(after, known(before)), base(before)) == []


def test_after_an_outage_more_new_bookings_are_plausible() -> None:
    old, new = some(3), some(40, first=100)
    late = stats([*old, *new], known(old), now=NOW + 10 * DAY / 24)

    assert anomalies_of(late, base(old)) == []
    # Being stopped is no outage: the store was looked at all the time.
    assert find_anomalies(late, last=base(old), settings=SETTINGS, since=NOW + RUN) != ()


def test_after_an_outage_all_may_be_new_if_they_are_younger_than_the_last_run() -> None:
    bookings = some(25, first=100, confirmed_at=NOW + DAY)

    assert anomalies_of(stats(bookings, {}, now=NOW + 5 * DAY), base(some(25))) == []
    assert anomalies_of(stats(bookings, {}, now=NOW + RUN), base(some(3))) != []
    old = some(25, first=100, confirmed_at=NOW - DAY)
    assert anomalies_of(stats(old, {}, now=NOW + 5 * DAY), base(some(25))) != []


@pytest.mark.parametrize(
    ("before", "after", "stopped"),
    [(2, 21, False), (2, 22, True), (3, 29, False), (3, 30, True), (0, 20, True), (20, 58, False)],
)
def test_ten_times_as_many_and_twenty_more_is_a_jump(
    before: int, after: int, stopped: bool
) -> None:
    bookings = some(after)

    anomalies = anomalies_of(stats(bookings), base(some(before)))

    assert bool(anomalies) is stopped
    assert all("10 times as many" in anomaly.seen for anomaly in anomalies)


def test_a_day_that_is_completed_at_once_is_no_jump() -> None:
    day = some(30, start=NOW)
    done = [completed(b.booking_id) for b in day]

    assert anomalies_of(stats(done), base(day)) == []
    assert anomalies_of(stats(done), base([])) != []


# -- fewer than can be ----------------------------------------------------------------------------


def test_none_where_ten_had_not_begun_is_implausible() -> None:
    assert [anomaly.kind for anomaly in anomalies_of(stats([]), base(some(10)))] == ["fewer"]
    assert anomalies_of(stats([]), base(some(9))) == []


def test_a_night_in_which_all_bookings_begin_is_normal() -> None:
    evening = [a_booking(n, start=NOW + n * 20 * MINUTE) for n in range(1, 19)]

    assert anomalies_of(stats([], now=NOW + RUN), base(evening)) != []
    assert anomalies_of(stats([], now=NOW + 10 * DAY / 24), base(evening)) == []


@pytest.mark.parametrize(("left", "stopped"), [(5, True), (6, False)])
def test_a_tenth_of_what_had_not_begun_is_a_jump_down(left: int, stopped: bool) -> None:
    bookings = some(58)

    assert bool(anomalies_of(stats(bookings[:left]), base(bookings))) is stopped


def test_no_completed_booking_where_ten_were_is_implausible_but_not_after_an_outage() -> None:
    done = [completed(n) for n in range(1, 11)]

    assert anomalies_of(stats([]), base(done)) != []
    assert anomalies_of(stats([]), base(done[:9])) == []
    assert anomalies_of(stats([], now=NOW + DAY), base(done)) == []


# -- the same -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "stopped"), [(4, False), (5, True), (30, True)])
def test_one_phone_for_all_is_implausible_from_five_on_also_in_the_first_run(
    count: int, stopped: bool
) -> None:
    bookings = some(count, phone="01000009999", raw_phone="01000009999")

    anomalies = anomalies_of(stats(bookings))

    assert [anomaly.kind for anomaly in anomalies] == ["same"] * stopped
    assert "9999" not in str(anomalies)


def test_some_bookings_of_one_phone_are_normal_and_others_do_not_hide_nearly_all() -> None:
    same = some(12, phone="01000009999", raw_phone="01000009999")

    assert anomalies_of(stats([*same, *some(3, first=50)])) == []
    assert anomalies_of(stats([*same, *some(2, first=50)])) != []


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

    anomalies = anomalies_of(
        stats(here, known(bookings), now=NOW + minutes * MINUTE), base(bookings)
    )

    assert anomalies == []


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

    assert anomalies_of(stats(some(new, first=500), {}, now=NOW + minutes * MINUTE), last) != []


@given(before=st.integers(10, 80), minutes=st.integers(0, 60 * 24))
def test_none_where_many_have_not_begun_is_always_implausible(before: int, minutes: int) -> None:
    assert anomalies_of(stats([], now=NOW + minutes * MINUTE), base(some(before))) != []


@given(count=st.integers(5, 80), before=st.none() | st.integers(0, 80))
def test_one_phone_for_all_is_always_implausible(count: int, before: int | None) -> None:
    last = None if before is None else base(some(before))

    assert (
        anomalies_of(stats(some(count, phone="01000000000", raw_phone="01000000000")), last) != []
    )


@given(before=st.integers(20, 100), factor=st.integers(10, 20), up=st.booleans())
def test_a_jump_by_ten_is_always_implausible(before: int, factor: int, up: bool) -> None:
    few, many = some(-(-before // factor)), some(before)
    few = few[: before // factor]

    batch, last = (stats(many), base(few)) if up else (stats(few), base(many))

    assert (anomalies_of(batch, last) != []) is (before - len(few) >= 20 or (not up and not few))


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
    batch = stats(bookings, records)

    assert anomalies_of(replace(batch, at=NOW + 2 * RUN), batch.as_baseline(None)) == []


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

    assert stats(some(5)).as_baseline(last).highest == 104


def test_a_store_without_a_booking_has_a_batch_of_none() -> None:
    empty = count_batches([STORE, OTHER], some(3), match_records(some(3), {}), now=NOW)[1]

    assert (empty.confirmed, empty.completed, empty.new_bookings) == (0, 0, ())


def test_a_booking_in_both_lists_counts_once_in_each() -> None:
    both = [a_booking(1), a_booking(1), a_booking(1, status=BookingStatus.COMPLETED)]

    assert (stats(both).confirmed, stats(both).completed) == (1, 1)


def test_words_name_no_phone_and_no_name() -> None:
    everything = [
        *anomalies_of(stats(some(60, name="김하나"), {})),
        *anomalies_of(stats(some(60, phone="01000000001", raw_phone="01000000001"))),
        *anomalies_of(stats([]), base([*some(60), *[completed(n) for n in range(90, 120)]])),
    ]

    text = str(everything)
    assert len(everything) >= 4
    assert "김하나" not in text
    assert "0100000" not in text
    assert all(anomaly.korean and anomaly.seen for anomaly in everything)


def test_a_new_booking_of_a_first_run_predates_nothing() -> None:
    assert not NewBooking(1).predates(None)


def test_a_request_that_the_owner_confirms_later_is_new_though_its_number_is_old() -> None:
    last = base(some(20, first=1000))

    assert NewBooking(1).predates(last)
    assert NewBooking(1, NOW - MINUTE).predates(last)
    assert not NewBooking(1, NOW + MINUTE).predates(last)
