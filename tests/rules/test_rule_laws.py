"""Laws that hold for the shipped rules, whatever the bookings, the records and the moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from naverplace.domain.booking import Booking, BookingStatus, Option
from naverplace.domain.effects import CreateRecord, Effect, RecordKey, SendSms
from naverplace.domain.record_matching import newest
from naverplace.domain.records import Record
from naverplace.domain.results import Decisions
from naverplace.rules import engine
from tests.rule_builders import NOW, a_booking, a_record, shipped, stores

STORES = sorted(stores())
STATUSES = [*[BookingStatus.CONFIRMED] * 3, *[BookingStatus.COMPLETED] * 3, BookingStatus.CANCELLED]
RARELY = st.sampled_from([False, False, False, True])
REVIEW = Option(name="무료 인화지 (네이버 포토리뷰 약속 시)")
Case = tuple[list[Booking], dict[RecordKey, Record], datetime]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Bookings around a moment, some of them twice, some with a record."""
    now = NOW.replace(
        hour=draw(st.sampled_from([20, 20, 20, 20, 20, 0, 14, 19, 21, 23])),
        minute=draw(st.sampled_from([0, 2, 49, 50])),
    )
    bookings, records = [], {}
    for number in draw(st.lists(st.integers(1, 6), min_size=3, max_size=12)):
        booking = a_booking(
            number,
            store_id=STORES[number % len(STORES)],
            status=draw(st.sampled_from(STATUSES)),
            start=now.replace(second=0)
            + timedelta(minutes=draw(st.integers(-300, 300) | st.sampled_from([0, 1, 120, 121]))),
            options=draw(st.sampled_from([(REVIEW,), (REVIEW,), (), (Option(name="기본"),)])),
            read_at=NOW + timedelta(seconds=draw(st.integers(0, 3))),
        )
        bookings.append(booking)
        if draw(st.sampled_from([True, True, True, False])):
            flags = {f: draw(RARELY) for f in ("confirm_sms", "remind_sms", "option_sms")}
            records[booking.key] = a_record(booking, **flags)
    return bookings, records, now


def decided(case: Case) -> Decisions:
    bookings, records, now = case
    return engine.match_and_decide(bookings, records, shipped(), now=now)


def messages(decisions: Decisions) -> list[SendSms]:
    return [effect for effect in decisions.effects if isinstance(effect, SendSms)]


@given(cases())
def test_past_the_start_there_is_no_confirmation_and_no_guide(case: Case) -> None:
    starts = {booking.booking_num: booking.start for booking in newest(case[0])}

    for message in messages(decided(case)):
        if message.kind != "event":
            assert case[2] < starts[message.key.booking_num]
            assert message.expires == starts[message.key.booking_num]


@given(cases())
def test_a_flag_that_is_set_means_no_such_message(case: Case) -> None:
    for message in messages(decided(case)):
        record = case[1].get(message.key)
        assert message.flag
        assert record is None or getattr(record, message.flag) is False


@given(cases())
def test_a_record_comes_first_and_is_made_for_unknown_bookings_only(case: Case) -> None:
    seen: dict[RecordKey, list[Effect]] = {}
    for effect in decided(case).effects:
        seen.setdefault(effect.key, []).append(effect)

    for key, effects in seen.items():
        made = [isinstance(effect, CreateRecord) for effect in effects]
        assert made == [key not in case[1], *[False] * (len(effects) - 1)]


@given(cases())
@settings(max_examples=30)
def test_when_the_flags_are_set_as_the_messages_say_nothing_is_owed_again(case: Case) -> None:
    bookings, records, now = case
    by_key = {booking.key: booking for booking in bookings}
    after = dict(records)
    for effect in decided(case).effects:
        record = after.get(effect.key) or a_record(by_key[effect.key])
        flags = {f: getattr(record, f) for f in ("confirm_sms", "remind_sms", "option_sms")}
        if isinstance(effect, SendSms) and effect.flag:
            flags[effect.flag] = True
        after[effect.key] = a_record(by_key[effect.key], **flags)

    assert messages(decided((bookings, after, now))) == []
