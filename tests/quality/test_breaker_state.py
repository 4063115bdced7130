"""What is usual for a store is kept in its item: seldom written, compared, released by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.domain.booking import Booking
from naverplace.domain.effects import RecordKey
from naverplace.domain.record_matching import match_records
from naverplace.domain.records import Record
from naverplace.ledger.store_lock import StoreStateTable
from naverplace.quality.breaker_state import check_batches, release_store
from naverplace.quality.circuit_breaker import Halt, release_in, tripped_in
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.rule_builders import NOW, STORE, a_booking, a_record

MANY = [a_booking(n) for n in range(1, 26)]
HOUR = timedelta(hours=1)


@pytest.fixture
def table(settings: Settings) -> StoreStateTable:
    return StoreStateTable(StateTable(open_dynamodb(settings.aws), settings.aws.session_table))


def all_known(bookings: Iterable[Booking]) -> dict[RecordKey, Record]:
    return {b.key: a_record(b, booking_time=f"{b.start:%Y-%m-%d %H:%M}:00") for b in bookings}


class Runs:
    """Runs that check one store's batch."""

    def __init__(self, table: StoreStateTable, settings: Settings) -> None:
        self.table, self.settings = table, settings

    def __call__(
        self,
        bookings: list[Booking],
        records: dict[RecordKey, Record],
        *,
        now: datetime = NOW,
        keep: bool = True,
    ) -> Halt | None:
        result = check_batches(
            [STORE],
            bookings,
            match_records(bookings, records),
            table=self.table,
            settings=self.settings.breaker,
            now=now,
            run_id="run",
            keep=keep,
        )
        return result.halts.get(STORE)

    @property
    def version(self) -> int:
        """How often the store's item was written."""
        return self.table.read([STORE])[STORE].version


@pytest.fixture
def check(table: StoreStateTable, settings: Settings) -> Runs:
    return Runs(table, settings)


def spread(bookings: Iterable[Booking], now: datetime = NOW) -> list[Booking]:
    """Let them start one after the other, days ahead."""
    return [
        replace_start(b, now + timedelta(days=2, minutes=30 * nth))
        for nth, b in enumerate(bookings)
    ]


def replace_start(booking: Booking, start: datetime) -> Booking:
    return booking.model_copy(update={"start": start.replace(second=0)})


def test_a_repeated_run_writes_nothing_until_what_is_usual_is_old(
    check: Runs,
) -> None:
    bookings = spread(MANY)
    records = all_known(bookings)

    assert check(bookings, records) is None
    assert check.version == 1
    assert check(bookings, records, now=NOW + HOUR / 12) is None
    assert check(bookings[1:], records, now=NOW + HOUR / 6) is None
    assert check.version == 1
    assert check(bookings, records, now=NOW + 2.9 * HOUR) is None
    assert check.version == 1
    assert check(bookings, records, now=NOW + 3 * HOUR) is None
    assert check.version == 2


def test_a_stop_is_written_once_and_ends_when_the_batch_is_right_again(check: Runs) -> None:
    bookings = spread(MANY)
    records = all_known(bookings)
    check(bookings, records)

    first = check([], records, now=NOW + HOUR / 3)
    second = check([], records, now=NOW + 2 * HOUR / 3)

    assert first is not None
    assert first == second
    assert f"naverplace release {STORE}" in first.reason
    assert "25" in first.korean
    assert check.version == 2
    assert check(bookings, records, now=NOW + HOUR) is None
    assert tripped_in(check.table.read([STORE])[STORE].extra) is None


def test_a_release_lets_the_batch_pass_and_makes_it_usual(check: Runs) -> None:
    bookings = spread(MANY)
    assert check(bookings, {}) is not None

    given = release_store(check.table, STORE, by="김하나", now=NOW, hours=2)

    assert given is not None
    assert (given.until, given.by) == (NOW + 2 * HOUR, "김하나")
    assert check(bookings, {}, now=NOW + HOUR / 3) is None
    # Its delivery failed, and the release is over: what was let through once is usual.
    assert check(bookings, {}, now=NOW + 3 * HOUR) is None
    assert release_in(check.table.read([STORE])[STORE].extra, now=NOW + 3 * HOUR) is None


def test_a_release_that_is_over_lets_nothing_pass(check: Runs) -> None:
    bookings = spread(MANY)
    check(bookings, {})
    release_store(check.table, STORE, by="", now=NOW, hours=1)

    assert check(bookings, {}, now=NOW + 2 * HOUR) is not None


def test_a_release_is_for_what_was_seen_and_for_nothing_else(check: Runs) -> None:
    bookings = spread(MANY)
    check(bookings, {})
    release_store(check.table, STORE, by="", now=NOW, hours=24)
    one_phone = [b.model_copy(update={"phone": "01000000001"}) for b in bookings]

    stop = check(one_phone, {}, now=NOW + HOUR / 3)

    assert stop is not None
    assert "one and the same phone" in stop.reason


def test_what_was_released_is_usual_also_when_no_count_has_changed(check: Runs) -> None:
    bookings = spread(MANY)
    records = all_known(bookings)
    check(bookings, records)
    one_phone = [b.model_copy(update={"phone": "01000000001"}) for b in bookings]
    assert check(one_phone, records, now=NOW + HOUR) is not None
    release_store(check.table, STORE, by="", now=NOW + HOUR, hours=1)

    assert check(one_phone, records, now=NOW + HOUR + HOUR / 3) is None
    assert check(one_phone, records, now=NOW + 3 * HOUR) is None


def test_a_stop_for_a_further_reason_began_with_the_first_one(check: Runs) -> None:
    bookings = spread(MANY)
    check(bookings[:2], all_known(bookings[:2]))
    check(bookings, all_known(bookings), now=NOW + HOUR)
    one_phone = [b.model_copy(update={"phone": "01000000001"}) for b in bookings]
    check(one_phone, all_known(bookings), now=NOW + 2 * HOUR)

    stopped = tripped_in(check.table.read([STORE])[STORE].extra)

    assert stopped is not None
    assert (stopped.since, stopped.kinds) == (NOW + HOUR, frozenset({"more", "same"}))


def test_what_is_not_stopped_cannot_be_released(check: Runs) -> None:
    bookings = spread(MANY)
    check(bookings, all_known(bookings))

    assert release_store(check.table, STORE, by="", now=NOW, hours=24) is None
    assert check.version == 1


def test_a_stop_does_not_become_plausible_by_waiting(check: Runs) -> None:
    bookings = spread(MANY)
    check(bookings[:2], all_known(bookings[:2]))

    for hours in (1, 7, 24):
        assert check(bookings, all_known(bookings[:2]), now=NOW + hours * HOUR) is not None


def test_a_store_of_the_setting_is_never_stopped(check: Runs) -> None:
    released = check.settings.breaker.model_copy(update={"released": (STORE,)})
    check.settings = check.settings.model_copy(update={"breaker": released})

    assert check(spread(MANY), {}) is None


def test_a_dry_run_judges_and_writes_nothing(check: Runs) -> None:
    assert check(spread(MANY), {}, keep=False) is not None
    assert check.version == 0


def test_what_cannot_be_written_costs_no_message(check: Runs, world: Sandbox) -> None:
    bookings = spread(MANY)
    world.world.faults.append(Fault("aws", match="PutItem", kind="status:400", times=None))

    assert check(bookings, all_known(bookings)) is None


def test_other_attributes_of_the_item_stay(check: Runs) -> None:
    check.table.change(STORE, lambda item: replace(item, extra={"owner": "us"}))

    check(spread(MANY), {})
    release_store(check.table, STORE, by="", now=NOW, hours=1)

    assert check.table.read([STORE])[STORE].extra["owner"] == "us"


def test_neither_phone_nor_name_is_kept(check: Runs, world: Sandbox) -> None:
    check(spread(MANY), {})

    kept = str([item for item in world.session_items() if STORE in str(item["id"])])
    assert "tripped" in kept
    assert not any(b.phone in kept or b.raw_phone in kept or b.name in kept for b in MANY)
