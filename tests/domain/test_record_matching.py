"""Every cell of docs/identity.md: what is sent, and what is not, when a booking changes."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naverplace.base.phone import from_legacy_sort_key, legacy_sort_key_phone
from naverplace.domain.booking import Booking, BookingStatus, Option, Told
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.record_matching import match_records, newest, same_person
from naverplace.domain.records import LedgerEntry
from tests.examples import examples
from tests.rescheduling_builders import Shop
from tests.rule_builders import ROOT, a_booking, a_record, at, shipped, stores

PHONE, OTHER = "01000000001", "01000000002"
CONFIRMATION, GUIDE = (PHONE, "confirmation"), (PHONE, "guide")
THREE, SIX = at("2025-10-22 15:00"), at("2025-10-22 18:00")
MORNING, BEFORE_THREE, BEFORE_SIX = (
    at("2025-10-22 09:00"),
    at("2025-10-22 13:20"),
    at("2025-10-22 16:10"),
)


def booked(**changes: Any) -> Booking:
    """A booking for three o'clock."""
    return a_booking(**{"start": THREE, **changes})


def phoned(raw: str, digits: str = PHONE, **changes: Any) -> Booking:
    return booked(raw_phone=raw, phone=digits, **changes)


def confirmed() -> Shop:
    """A shop where the booking has its confirmation."""
    shop = Shop(shipped())
    assert shop.run(booked(), now=MORNING) == [CONFIRMATION]
    return shop


def guided() -> Shop:
    """A shop where the booking has its confirmation and its guide for three o'clock."""
    shop = confirmed()
    assert shop.run(booked(), now=BEFORE_THREE) == [GUIDE]
    return shop


def test_moved_later_before_the_guide() -> None:
    shop = confirmed()

    assert shop.run(booked(start=SIX), now=BEFORE_THREE) == []
    assert shop.run(booked(start=SIX), now=BEFORE_SIX) == [GUIDE]
    assert shop.run(booked(start=SIX), now=BEFORE_SIX) == []
    assert "오후 6:00" in shop.sent[-1].text


def test_moved_earlier_before_the_guide() -> None:
    shop = Shop(shipped())
    shop.run(booked(start=SIX), now=MORNING)

    assert shop.run(booked(), now=BEFORE_THREE) == [GUIDE]
    assert "오후 3:00" in shop.sent[-1].text


def test_moved_later_after_the_guide() -> None:
    shop = guided()

    assert shop.run(booked(start=SIX), now=BEFORE_THREE) == []
    assert shop.run(booked(start=SIX), now=BEFORE_SIX) == [GUIDE]
    assert shop.run(booked(start=SIX), now=BEFORE_SIX) == []


def test_moved_within_the_two_hours_after_the_guide() -> None:
    shop = guided()
    half_past = booked(start=THREE + timedelta(minutes=30))

    assert shop.run(half_past, now=BEFORE_THREE + timedelta(minutes=20)) == [GUIDE]
    assert "오후 3:30" in shop.sent[-1].text


def test_moved_by_one_minute_after_the_guide() -> None:
    shop = guided()

    assert shop.run(booked(start=THREE + timedelta(minutes=1)), now=BEFORE_THREE) == [GUIDE]


def test_moved_and_back_after_the_guide() -> None:
    shop = guided()
    shop.run(booked(start=SIX), now=BEFORE_THREE)

    assert shop.run(booked(), now=BEFORE_THREE + timedelta(minutes=20)) == []
    assert shop.record(booked()).remind_sms is True


def test_moved_to_and_fro_with_a_guide_for_each_time() -> None:
    shop = guided()
    half_past = booked(start=THREE + timedelta(minutes=30))
    now = BEFORE_THREE
    for booking, expected in [
        (half_past, [GUIDE]), (booked(), []), (half_past, []), (booked(), []),
    ]:  # fmt: skip
        now += timedelta(minutes=20)
        assert shop.run(booking, now=now) == expected


def test_moved_to_another_day_and_back_before_the_guide() -> None:
    shop = confirmed()
    shop.run(booked(start=THREE + timedelta(days=1)), now=MORNING)

    assert shop.run(booked(), now=BEFORE_THREE) == [GUIDE]


def test_moved_to_a_time_already_past() -> None:
    shop = guided()

    assert shop.run(booked(start=at("2025-10-22 13:00")), now=BEFORE_THREE) == []
    assert [(e.kind, e.reason) for e in shop.expired] == [
        ("guide", "no run reached it after the booking was moved")
    ]


def test_cancelled_before_the_guide() -> None:
    shop = confirmed()

    assert shop.run(now=BEFORE_THREE) == []
    assert shop.run(now=SIX) == []
    assert shop.expired == []


def test_cancelled_after_the_guide() -> None:
    shop = guided()

    assert shop.run(now=BEFORE_THREE) == []
    assert shop.run(now=SIX) == []
    assert shop.expired == []


def test_shown_as_cancelled() -> None:
    shop = confirmed()

    assert shop.run(booked(status=BookingStatus.CANCELLED), now=BEFORE_THREE) == []
    assert shop.run(booked(status=BookingStatus.CANCELLED), now=SIX) == []
    assert shop.expired == []


def test_cancelled_and_confirmed_again_before_the_guide() -> None:
    shop = confirmed()
    shop.run(now=MORNING)

    assert shop.run(booked(), now=BEFORE_THREE) == [GUIDE]


def test_cancelled_and_confirmed_again_after_the_guide() -> None:
    shop = guided()
    shop.run(now=BEFORE_THREE)

    assert shop.run(booked(), now=BEFORE_THREE + timedelta(minutes=40)) == []


def test_cancelled_and_booked_again_under_a_new_id() -> None:
    shop = guided()
    again = a_booking(2, start=THREE, phone=PHONE, raw_phone=PHONE)

    assert shop.run(again, now=BEFORE_THREE) == [CONFIRMATION, GUIDE]
    assert shop.run(again, now=BEFORE_THREE) == []


def test_another_phone_before_the_guide() -> None:
    shop = confirmed()
    new = phoned(OTHER, OTHER)

    assert shop.run(new, now=MORNING) == [(OTHER, "confirmation")]
    assert shop.run(new, now=BEFORE_THREE) == [(OTHER, "guide")]
    assert shop.run(new, now=SIX) == []
    assert shop.expired == []


def test_another_phone_after_the_guide() -> None:
    shop = guided()

    assert shop.run(phoned(OTHER, OTHER), now=BEFORE_THREE) == [
        (OTHER, "confirmation"),
        (OTHER, "guide"),
    ]


def test_another_phone_and_back() -> None:
    shop = guided()
    shop.run(phoned(OTHER, OTHER), now=BEFORE_THREE)

    assert shop.run(booked(), now=BEFORE_THREE + timedelta(minutes=20)) == []


def test_another_phone_and_another_time_at_once() -> None:
    shop = guided()
    new = phoned(OTHER, OTHER, start=SIX)

    assert shop.run(new, now=BEFORE_THREE) == [(OTHER, "confirmation")]
    assert shop.run(new, now=BEFORE_SIX) == [(OTHER, "guide")]


@pytest.mark.parametrize(
    "raw", ["010-0000-0001", "+82 10-0000-0001", "821000000001", " 010 00000001"]
)
def test_the_same_phone_written_otherwise(raw: str) -> None:
    shop = confirmed()
    otherwise = phoned(raw)
    assert otherwise.key != booked().key

    assert shop.run(otherwise, now=MORNING) == []
    assert shop.run(otherwise, now=BEFORE_THREE) == [GUIDE]
    assert shop.run(booked(), now=BEFORE_THREE) == []
    assert list(shop.items) == [booked().key]


def test_the_same_phone_written_otherwise_and_moved() -> None:
    shop = guided()
    otherwise = phoned("+82 10-0000-0001", start=SIX)

    assert shop.run(otherwise, now=BEFORE_THREE) == []
    assert shop.run(otherwise, now=BEFORE_SIX) == [GUIDE]
    assert shop.run(booked(start=SIX), now=BEFORE_SIX) == []


def test_another_name() -> None:
    shop = confirmed()
    renamed = booked(name="이두리")

    assert shop.run(renamed, now=MORNING) == []
    assert shop.run(renamed, now=BEFORE_THREE) == [GUIDE]
    assert shop.sent[-1].text.startswith("이두리님")


def test_completed_and_confirmed_again() -> None:
    shop = guided()
    review = (Option(name="네이버 리뷰"),)
    done = booked(status=BookingStatus.COMPLETED, options=review)

    assert shop.run(done, now=SIX) == []
    assert shop.run(booked(options=review), now=SIX) == []
    assert shop.run(done, now=at("2025-10-22 20:00")) == [(PHONE, "event")]
    assert shop.run(booked(options=review), now=at("2025-10-22 20:20")) == []
    assert shop.run(done, now=at("2025-10-22 20:40")) == []
    assert shop.run(done, now=at("2025-10-23 20:00")) == []
    assert shop.expired == []


def test_completed_before_its_start_and_confirmed_again() -> None:
    shop = confirmed()

    assert shop.run(booked(status=BookingStatus.COMPLETED), now=BEFORE_THREE) == []
    assert shop.run(booked(), now=BEFORE_THREE + timedelta(minutes=20)) == [GUIDE]


def test_asked_for_and_then_confirmed() -> None:
    shop = Shop(shipped())

    assert shop.run(booked(status=BookingStatus.REQUESTED), now=MORNING) == []
    assert shop.run(booked(), now=MORNING) == [CONFIRMATION]


def test_two_bookings_of_one_phone() -> None:
    shop = Shop(shipped())
    second = a_booking(2, start=SIX, phone=PHONE, raw_phone=PHONE)

    assert shop.run(booked(), second, now=MORNING) == [CONFIRMATION] * 2
    assert shop.run(booked(), second, now=BEFORE_THREE) == [GUIDE]
    assert shop.run(booked(), second, now=BEFORE_SIX) == [GUIDE]
    assert len({sent.text for sent in shop.sent}) == 4


def test_two_bookings_of_one_phone_at_one_start() -> None:
    shop = Shop(shipped())
    second = a_booking(2, start=THREE, phone=PHONE, raw_phone=PHONE)

    assert shop.run(booked(), second, now=BEFORE_THREE) == [CONFIRMATION, GUIDE] * 2
    assert shop.run(booked(), second, now=BEFORE_THREE) == []
    guides = {sent.text for sent in shop.sent if sent.kind == "guide"}
    assert len(guides) == 1


def test_one_booking_id_in_two_stores() -> None:
    shop = Shop(shipped())
    elsewhere = booked(store_id="951291")

    assert shop.run(booked(), elsewhere, now=BEFORE_THREE) == [CONFIRMATION, GUIDE] * 2
    assert {key.booking_num for key in shop.items} == {"1051707_1", "951291_1"}


def test_a_store_whose_id_begins_like_another_ones() -> None:
    shorter = a_booking(23, store_id="1")
    longer = RecordKey("12_3", shorter.key.phone)

    assert not same_person(longer, shorter)


def test_every_cell_of_the_page_has_its_test() -> None:
    page = (ROOT / "docs/identity.md").read_text("utf-8")
    cells = {
        name
        for name in globals()
        if name.startswith("test_") and "every_cell" not in name and "law" not in name
    }

    assert {name for name in cells if f"`{name}`" not in page} == set()


# Whose record it is


@pytest.mark.parametrize("raw", [PHONE, "010-0000-0001", "+82 10-0000-0001", "05020000001"])
def test_the_legacys_hyphens_can_be_taken_out_again(raw: str) -> None:
    assert from_legacy_sort_key(legacy_sort_key_phone(raw)) == raw


def test_the_record_under_the_bookings_own_key_is_believed_first() -> None:
    booking = booked()
    key = RecordKey(booking.booking_num, legacy_sort_key_phone("010-0000-0001"))
    spelled = a_record(booking, key=key, confirm_sms=True, remind_sms=True)

    both = {key: spelled, booking.key: a_record(booking)}

    assert match_records([booking], both) == [(booking, both[booking.key])]
    assert match_records([booking], {key: spelled}) == [(booking, spelled)]


def test_of_two_other_spellings_the_one_with_more_sent_is_believed() -> None:
    booking = booked()
    keys = [
        RecordKey(booking.booking_num, legacy_sort_key_phone(raw))
        for raw in ("010-0000-0001", "+821000000001")
    ]
    full, bare = a_record(booking, key=keys[0], confirm_sms=True), a_record(booking, key=keys[1])

    assert match_records([booking], {k.key: k for k in (full, bare)}) == [(booking, full)]


@pytest.mark.parametrize(
    "sent",
    [
        {"confirm_sms": True},
        {"remind_sms": True},
        {"confirm_sms": True, "remind_sms": True},
        {"remind_sms": True, "option_sms": True},
        {"messages": {"guide": LedgerEntry(MessageStatus.OWED)}},
    ],
)
def test_every_flag_and_message_counts_as_sent_when_two_spellings_are_compared(sent: Any) -> None:
    booking = booked()
    spellings = ("010-0000-0001", "+821000000001")
    lesser, greater = sorted(
        RecordKey(booking.booking_num, legacy_sort_key_phone(raw)) for raw in spellings
    )
    full, bare = a_record(booking, key=lesser, **sent), a_record(booking, key=greater)

    assert match_records([booking], {k.key: k for k in (full, bare)}) == [(booking, full)]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_readings_the_settled_one_counts_else_the_later_one(order: int) -> None:
    early, late = booked(read_at=MORNING), booked(read_at=BEFORE_THREE)
    over = booked(read_at=MORNING, status=BookingStatus.COMPLETED)

    assert newest([early, late][::order]) == [late]
    assert newest([over, late][::order]) == [over]


@pytest.mark.parametrize(
    ("entry", "went_out"),
    [
        (LedgerEntry(MessageStatus.ACCEPTED, for_start=THREE), [("guide", THREE, OTHER)]),
        (LedgerEntry(MessageStatus.IN_DOUBT, for_start=THREE), [("guide", THREE, OTHER)]),
        (LedgerEntry(MessageStatus.ACCEPTED, to="01000000003"), [("guide", None, "01000000003")]),
        (LedgerEntry(MessageStatus.REFUSED, for_start=THREE), []),
    ],
)
def test_a_booking_knows_what_went_out_under_another_phone_of_it(
    entry: LedgerEntry, went_out: list[tuple[Any, ...]]
) -> None:
    booking = phoned("010-0000-0001")
    spelled = a_record(booked(), messages={"confirmation": LedgerEntry(MessageStatus.ACCEPTED)})
    others = a_record(phoned(OTHER, OTHER), messages={"guide": entry})

    [matched] = match_records([booking], {spelled.key: spelled, others.key: others})

    assert matched.record == spelled
    assert matched.booking.told == frozenset(Told(*words) for words in went_out)


@pytest.mark.parametrize("number", [1, 3])
def test_another_booking_of_the_phone_is_not_this_one(number: int) -> None:
    other = a_booking(number, phone=PHONE, raw_phone=PHONE)

    assert not same_person(other.key, a_booking(2, phone=PHONE, raw_phone=PHONE))


@pytest.mark.parametrize("phone", ["--", "010-0000-0002", "02--", "전화-없음-"])
def test_a_key_with_another_number_or_none_is_somebody_else(phone: str) -> None:
    booking = booked()

    assert not same_person(RecordKey(booking.booking_num, phone), booking)


# The law

SPELLINGS = [
    (PHONE, PHONE), (PHONE, "010-0000-0001"), (PHONE, "+82 10-0000-0001"), (OTHER, OTHER),
]  # fmt: skip
START = at("2025-10-22 15:00")
CHANGES = st.lists(
    st.tuples(
        st.integers(0, 90),  # minutes until the next run
        st.sampled_from([0, 0, 0, 1, 30, 180, -60, -180, 24 * 60]),  # where the start lies
        st.sampled_from(SPELLINGS[:1] * 4 + SPELLINGS),
        st.sampled_from(
            [BookingStatus.CONFIRMED] * 5
            + [BookingStatus.COMPLETED, BookingStatus.CANCELLED, BookingStatus.REQUESTED]
        ),
        st.sampled_from(["김하나", "이두리"]),
        st.booleans(),  # whether it is in Naver's lists at all
    ),
    min_size=2,
    max_size=14,
)


@settings(deadline=None, max_examples=examples(3000))
@given(CHANGES, st.sampled_from(["2025-10-22 12:30", "2025-10-22 09:00", "2025-10-22 19:00"]))
def test_law_no_phone_gets_a_kind_twice_for_one_start(
    changes: list[tuple[int, int, tuple[str, str], BookingStatus, str, bool]], begin: str
) -> None:
    shop, now = Shop(shipped()), at(begin)
    for wait, moved, (digits, raw), status, name, listed in changes:
        now += timedelta(minutes=wait)
        booking = booked(
            start=START + timedelta(minutes=moved),
            phone=digits,
            raw_phone=raw,
            status=status,
            name=name,
            options=(Option(name="네이버 리뷰"),),
        )
        shop.run(*[booking] * listed, now=now)
        assert shop.run(*[booking] * listed, now=now) == []

    got = Counter((sent.phone, sent.kind, sent.for_start) for sent in shop.sent)
    assert set(got.values()) <= {1}
    assert all((kind == "guide") == (start is not None) for _, kind, start in got)
    lost = Counter((e.key, e.kind, e.for_start) for e in shop.expired)
    assert all(count == 1 for (_, _, start), count in lost.items() if start)


@settings(deadline=None, max_examples=examples(3000))
@given(CHANGES)
def test_law_a_listed_booking_has_its_guide_or_it_is_named(
    changes: list[tuple[int, int, tuple[str, str], BookingStatus, str, bool]],
) -> None:
    shop, now = Shop(shipped()), at("2025-10-22 12:30")
    # Once its store has been served; what began before that is nobody's loss.
    shop.run(a_booking(9, start=START + timedelta(days=9)), now=START - timedelta(days=1))
    booking = booked()
    shop.run(booking, now=now)
    for wait, moved, (digits, raw), _, _, _ in changes:
        now += timedelta(minutes=wait)
        booking = booked(start=START + timedelta(minutes=moved), phone=digits, raw_phone=raw)
        shop.run(booking, now=now)
    after = booking.start + timedelta(minutes=1)
    if now < after:
        shop.run(booking, now=after)

    got = {(sent.phone, sent.for_start) for sent in shop.sent if sent.kind == "guide"}
    named = {e.for_start for e in shop.expired if e.kind == "guide"}
    assert (booking.phone, booking.start) in got or booking.start in named


def test_every_store_has_records_of_its_own() -> None:
    shop = Shop(shipped())
    bookings = [booked(store_id=store) for store in stores()]

    shop.run(*bookings, now=MORNING)

    assert len(shop.items) == len(stores())
