"""Which messages the watchdog calls late, decided from the ledger alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, Record
from naverplace.jobs.watchdog.late_messages import (
    WatchdogCheck,
    find_late_messages,
    watchdog_message,
)
from naverplace.ledger.store_state import StoreState
from naverplace.quality.circuit_breaker import BATCH, Baseline
from tests.rule_builders import STORE, a_booking, a_record, at, shipped, stores

START = at("2025-10-22 15:00")
DUE = START - timedelta(hours=2)
GRACE = timedelta(minutes=10)


def known(number: int = 1, **changes: object) -> Record:
    """The record of a booking at three o'clock that has its confirmation and no guide."""
    booking = a_booking(number, start=START)
    values = {"booking_time": "2025-10-22 15:00:00", "confirm_sms": True, **changes}
    return a_record(booking, **values)


def looked(
    records: Iterable[Record],
    now: datetime,
    *,
    batch: datetime | None = None,
    listed: tuple[datetime, ...] = (START,),
) -> WatchdogCheck:
    ahead = tuple(int(start.timestamp() // 60) for start in listed)
    last = Baseline(batch or now - timedelta(minutes=15), ahead=ahead)
    item = StoreState(STORE, extra={BATCH: last.as_map()})
    others = {s: replace(item, store_id=s) for s in stores()}
    silence = timedelta(minutes=45)
    return find_late_messages(records, {**others}, shipped(), now=now, grace=GRACE, silence=silence)


def test_a_guide_that_no_run_has_begun_is_late_ten_minutes_after_it_was_due() -> None:
    assert looked([known()], DUE + GRACE - timedelta(seconds=1)).fine

    seen = looked([known()], DUE + GRACE + timedelta(seconds=1))

    (late,) = seen.overdue
    assert (late.booking_num, late.kind, late.why) == (f"{STORE}_1", "guide", "no run has begun it")
    assert (late.due, late.expires) == (DUE, START)


@pytest.mark.parametrize(
    "state",
    [MessageStatus.IN_DOUBT, MessageStatus.REFUSED, MessageStatus.OWED, MessageStatus.CLAIMED],
)
def test_what_the_ledger_holds_open_is_late_with_its_state_and_reason(state: MessageStatus) -> None:
    entry = LedgerEntry(state, attempt=2, due=DUE, expires=START, reason="no answer")

    seen = looked([known(messages={"guide": entry})], DUE + timedelta(minutes=30))

    assert [late.why for late in seen.overdue] == [f"{state} after attempt 2: no answer"]


@pytest.mark.parametrize(
    "state",
    [MessageStatus.ACCEPTED, MessageStatus.DELIVERED, MessageStatus.FAILED, MessageStatus.EXPIRED],
)
def test_what_is_with_the_provider_or_over_is_not_late(state: MessageStatus) -> None:
    entry = LedgerEntry(state, due=DUE, expires=START)
    record = known(remind_sms=True, messages={"guide": entry})

    assert looked([record], DUE + timedelta(hours=1)).fine


def test_a_booking_that_the_last_batch_does_not_list_is_cancelled_and_not_late() -> None:
    assert looked([known()], DUE + timedelta(hours=1), listed=()).fine


def test_after_its_start_nothing_is_late_any_more_it_has_expired() -> None:
    entry = LedgerEntry(MessageStatus.REFUSED, due=DUE, expires=START)

    assert looked([known(messages={"guide": entry})], START).fine


def test_a_confirmation_is_late_when_no_run_can_be_at_it_any_more() -> None:
    record, now = known(confirm_sms=False, remind_sms=True), DUE + timedelta(minutes=30)

    assert looked([record], now, batch=now - timedelta(minutes=5)).fine
    assert [late.kind for late in looked([record], now).overdue] == ["confirmation"]


def test_a_store_that_no_run_reads_any_more_is_named() -> None:
    seen = looked([], START, batch=START - timedelta(minutes=46))

    assert set(seen.silent) == set(stores())
    assert not seen.fine


def test_a_store_that_was_never_read_is_named() -> None:
    silence = timedelta(minutes=45)
    items = {STORE: StoreState(STORE)}

    seen = find_late_messages([], items, shipped(), now=START, grace=GRACE, silence=silence)

    assert seen.silent == {STORE: None}
    assert "화성점: 한 번도 예약을 읽지 못했습니다" in watchdog_message(seen, stores())


def test_the_owner_reads_bookings_and_no_phone() -> None:
    seen = looked([known(n) for n in range(1, 20)], DUE + timedelta(minutes=30))

    text = watchdog_message(seen, stores())

    assert "보냈어야 할 문자 19건이 아직 나가지 않았습니다" in text
    assert "- 화성점 예약 1 안내 (13:00부터)" in text
    assert "… 외 4건" in text
    assert "010" not in text


def test_records_of_foreign_stores_odd_starts_and_odd_phones_are_passed_over() -> None:
    odd = [
        replace(known(), booking_time="soon"),
        replace(known(), key=known().key._replace(booking_num="99_1")),
        replace(known(), key=known().key._replace(phone="02--")),
    ]

    assert looked(odd, DUE + timedelta(hours=1)).fine
