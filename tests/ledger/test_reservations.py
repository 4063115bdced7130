"""What is reserved beside a legacy that reads all stores, as values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from naverplace.base.clock import SEOUL
from naverplace.domain.booking import Booking, BookingStatus, new_item
from naverplace.domain.effects import CreateRecord, Effect, MoveRecord, Notify, SetFlag
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.record_matching import MatchedBooking
from naverplace.domain.records import LedgerEntry, Record
from naverplace.ledger.reservations import (
    flags_to_reserve,
    kept_from_legacy,
    may_be_deleted,
    plan_reservations,
    reserved_values,
    sortable_timestamp,
)
from tests.rule_builders import NOW, a_booking, a_record, completed

LEAD = timedelta(minutes=30)
SECOND = timedelta(seconds=1)
REVIEW = completed().options
BOTH = ("confirm_sms", "remind_sms")
ALL = (*BOTH, "option_sms")
ANCIENT = "1970-01-01T00:00:00.000000Z"


def reserved(booking: Booking, record: Record | None, now: datetime = NOW) -> tuple[str, ...]:
    return flags_to_reserve(booking, record, now=now, lead=LEAD)


@pytest.mark.parametrize(
    ("ahead", "flags"),
    [(LEAD - SECOND, ()), (LEAD, ()), (LEAD + SECOND, BOTH), (timedelta(hours=-1), ())],
)
@pytest.mark.parametrize("recorded", [False, True])
def test_what_starts_within_the_lead_is_the_legacys(
    ahead: timedelta, flags: tuple[str, ...], recorded: bool
) -> None:
    booking = a_booking(start=NOW + ahead)

    assert reserved(booking, a_record(booking) if recorded else None) == flags


@pytest.mark.parametrize("status", list(BookingStatus))
@pytest.mark.parametrize("recorded", [False, True])
def test_a_confirmed_booking_is_reserved_whole_and_a_completed_ones_record_for_the_event(
    status: BookingStatus, recorded: bool
) -> None:
    booking = a_booking(status=status, options=REVIEW)
    expected: dict[tuple[BookingStatus, bool], tuple[str, ...]] = {
        (BookingStatus.CONFIRMED, False): ALL,
        (BookingStatus.CONFIRMED, True): ALL,
        (BookingStatus.COMPLETED, True): ("option_sms",),
    }

    found = reserved(booking, a_record(booking) if recorded else None)

    assert found == expected.get((status, recorded), ())


@pytest.mark.parametrize("status", [BookingStatus.CONFIRMED, BookingStatus.COMPLETED])
def test_no_event_is_reserved_for_a_booking_that_does_not_earn_it(status: BookingStatus) -> None:
    booking = a_booking(status=status)

    assert "option_sms" not in reserved(booking, a_record(booking))


@pytest.mark.parametrize(("hour", "may"), [(0, True), (19, True), (20, False), (21, True)])
def test_an_event_is_not_reserved_on_a_record_in_the_hour_in_which_the_legacy_sends_it(
    hour: int, may: bool
) -> None:
    now = datetime(2025, 10, 22, hour, 30, tzinfo=SEOUL).astimezone(UTC)
    booking, new = completed(), a_booking(2, options=REVIEW)

    assert reserved(booking, a_record(booking), now) == (("option_sms",) if may else ())
    assert reserved(new, None, now) == ALL  # the legacy knows no record of it yet


def test_what_is_set_or_reserved_already_is_not_reserved_again() -> None:
    booking = a_booking(options=REVIEW)

    assert reserved(booking, a_record(booking, confirm_sms=True)) == ("remind_sms", "option_sms")
    assert reserved(booking, a_record(booking, reserved={"remind_sms": ANCIENT})) == (
        "confirm_sms",
        "option_sms",
    )
    assert reserved(booking, a_record(booking, **dict.fromkeys(ALL, True))) == ()


def planned(
    booking: Booking, record: Record | None, *owed: Effect
) -> list[tuple[str, Mapping[str, Any]]]:
    found = plan_reservations([MatchedBooking(booking, record)], owed, now=NOW, lead=LEAD)
    return [(reserve.key.phone, reserve.item) for reserve in found]


def test_a_new_records_item_is_the_one_owed_else_as_the_legacy_writes_it() -> None:
    booking = a_booking()
    item = {**new_item(booking), "name": "더 긴 이름"}
    others = (
        SetFlag(booking.key, "r", "confirm_sms", value=True),
        CreateRecord(booking.key, "r", {}),
    )
    notice = Notify(booking.key, "r", "k", "telegram", booking.store_id, "words", {"name": "no"})

    assert planned(booking, None, CreateRecord(booking.key, "r", item)) == [
        (booking.key.phone, item)
    ]
    assert planned(booking, None, *others, notice) == [(booking.key.phone, new_item(booking))]


def test_a_record_is_reserved_under_its_own_key_and_made_by_nobody() -> None:
    booking = a_booking()
    record = Record(booking.key._replace(phone="010-0000-0002"))

    assert planned(booking, record, CreateRecord(record.key, "r", new_item(booking))) == [
        ("010-0000-0002", {})
    ]


def test_what_needs_no_reservation_is_not_listed() -> None:
    booking = a_booking(start=NOW)

    assert planned(booking, None) == []


def test_a_reserved_flag_is_the_number_one_with_a_moment_that_sorts_as_text() -> None:
    assert reserved_values(["confirm_sms"], NOW) == {
        "confirm_sms": 1,
        "naverplace_reserved_confirm_sms": "2025-10-22T05:02:15.000000Z",
    }
    assert sortable_timestamp(NOW) < sortable_timestamp(NOW + timedelta.resolution)


@pytest.mark.parametrize(
    ("sets", "was_set", "after"),
    [
        ({"remind_sms": False}, False, {}),
        (
            {"remind_sms": False},
            True,
            {"remind_sms": 1, "naverplace_reserved_remind_sms": ANCIENT},
        ),
        ({"remind_sms": True}, False, {"remind_sms": True}),
        ({"remind_sms": True}, True, {"remind_sms": True}),
        ({}, True, {}),
        ({}, False, {}),
    ],
)
def test_a_move_never_shows_the_legacy_an_unset_flag(
    sets: dict[str, Any], was_set: bool, after: dict[str, Any]
) -> None:
    time = {"booking_time": "2025-10-23 14:00:00"}
    move = MoveRecord(a_booking().key, "", sets={**time, **sets}, flags={"remind_sms": was_set})

    assert kept_from_legacy(move).sets == {**time, **after}


def deletable(now: datetime = NOW, **changes: Any) -> bool:
    parts = {"booking_time": "2025-10-22 14:02:16", "reserved": dict.fromkeys(BOTH, ANCIENT)}
    record = a_record(a_booking(), **{**parts, **changes})
    return may_be_deleted(record, now=now.astimezone(UTC))


def test_a_reserved_record_of_a_booking_ahead_that_nobody_was_sent_anything_of_may_go() -> None:
    assert deletable()
    assert deletable(messages={"confirmation": LedgerEntry("owed")})


@pytest.mark.parametrize(
    "changes",
    [
        {"reserved": {}},
        {"reserved": {"remind_sms": ANCIENT}},
        {"remind_sms": True},
        {"option_sms": True},
        {"remind_sms": True, "option_sms": True},
        {"booking_time": "2025-10-22 14:02:15"},
        {"booking_time": "2025-10-22 14:02:14"},
        {"booking_time": "", "reserved": {}},
        {"booking_time": "2025-10-22 14:02:14", "messages": {"guide": LedgerEntry("accepted")}},
        {"reserved": {}, "messages": {"guide": LedgerEntry("accepted")}},
    ],
)
def test_every_other_record_stays(changes: dict[str, Any]) -> None:
    assert not deletable(**changes)


@pytest.mark.parametrize("state", [state for state in MessageStatus if state != "owed"])
def test_a_record_with_a_message_that_is_more_than_owed_stays(state: MessageStatus) -> None:
    assert not deletable(messages={"guide": LedgerEntry(state)})
    assert not deletable(messages={"guide": LedgerEntry(state), "event": LedgerEntry("owed")})
