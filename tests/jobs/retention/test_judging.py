"""What may be forgotten, as laws: whatever the record, the listing and the moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from naverplace.base.clock import SEOUL
from naverplace.domain.effects import RecordKey
from naverplace.domain.records import KEEPER, LedgerEntry, Record
from naverplace.jobs.retention.policy import (
    Listed,
    RetentionDecision,
    last_happened,
    retention_decision,
)

NOW = datetime(2025, 10, 21, 14, tzinfo=SEOUL)
BEFORE = NOW - timedelta(days=365)
STORE = "1051707"


def record(
    *, booking_time: str = "2024-01-02 10:00:00", phone: str = "010-0000-0001", store: str = STORE
) -> Record:
    return Record(RecordKey(f"{store}_7", phone), booking_time=booking_time, confirm_sms=True)


def listed(*numbers: str, legacy: set[str] | None = None, closed: set[str] | None = None) -> Listed:
    read = {STORE: set(numbers)}
    return Listed(read, known={STORE}, legacy=legacy or set(), closed=closed or set())


def test_an_old_booking_that_naver_does_not_list_is_forgotten() -> None:
    assert (
        retention_decision(record(), listed("1051707_8"), before=BEFORE) is RetentionDecision.FORGET
    )


def test_a_booking_that_naver_still_lists_stays_however_old_it_is() -> None:
    # A legacy that is handed the store back would confirm it again (L26).
    assert (
        retention_decision(record(), listed("1051707_7"), before=BEFORE) is RetentionDecision.LISTED
    )


def test_without_an_answer_of_naver_nothing_of_that_store_is_forgotten() -> None:
    assert (
        retention_decision(record(), Listed({}, known={STORE}), before=BEFORE)
        is RetentionDecision.UNREAD
    )


def test_a_store_of_the_legacy_is_left_to_it() -> None:
    assert (
        retention_decision(record(), listed(legacy={STORE}), before=BEFORE)
        is RetentionDecision.LEGACY
    )


def test_a_store_that_nobody_knows_is_named_until_somebody_says_that_it_is_closed() -> None:
    old = record(store="999")

    assert retention_decision(old, listed(), before=BEFORE) is RetentionDecision.UNKNOWN
    assert (
        retention_decision(old, listed(closed={"999"}), before=BEFORE) is RetentionDecision.FORGET
    )


def test_an_item_without_any_time_is_named_and_not_forgotten() -> None:
    assert (
        retention_decision(record(booking_time="soon"), listed(), before=BEFORE)
        is RetentionDecision.UNDATED
    )


def test_the_keeper_is_no_customer() -> None:
    assert (
        retention_decision(record(phone=KEEPER), listed(), before=BEFORE)
        is RetentionDecision.RECENT
    )


moments = st.timedeltas(timedelta(days=-1000), timedelta(days=400)).map(lambda gap: NOW + gap)


@given(start=moments, claimed=moments, settled=st.none() | moments, numbers=st.booleans())
def test_nothing_younger_than_the_limit_is_ever_forgotten(
    start: datetime, claimed: datetime, settled: datetime | None, numbers: bool
) -> None:
    entry = LedgerEntry(state="accepted", claimed_at=claimed, settled_at=settled)
    key = RecordKey(f"{STORE}_7", "010-0000-0001")
    made = Record(key, booking_time=f"{start:%Y-%m-%d %H:%M:%S}", messages={"guide": entry})

    what = retention_decision(made, listed(*(["1051707_7"] if numbers else [])), before=BEFORE)

    youngest = max(m for m in (start.replace(microsecond=0), claimed, settled) if m)
    assert last_happened(made) == youngest
    assert (what is RetentionDecision.RECENT) == (youngest >= BEFORE)
    assert (what is RetentionDecision.FORGET) == (youngest < BEFORE and not numbers)
