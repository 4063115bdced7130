"""Laws that hold for the shipped rules, whatever the bookings, the records and the moment."""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime, timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from naverplace import engine
from naverplace.booking import Booking, BookingStatus, Option
from naverplace.effects import CreateRecord, Decisions, Effect, RecordKey, SendSms
from naverplace.records import Record
from tests.deciding import DOOR_CODE, NOW, a_booking, a_record, shipped, stores

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
    return engine.decide(bookings, records, shipped(), now=now)


def messages(decisions: Decisions) -> list[SendSms]:
    return [effect for effect in decisions.effects if isinstance(effect, SendSms)]


@given(cases())
def test_no_booking_is_owed_two_messages_of_one_kind(case: Case) -> None:
    counted = Counter((message.key, message.kind) for message in messages(decided(case)))

    assert set(counted.values()) <= {1}


@given(cases(), st.randoms(use_true_random=False))
def test_the_order_of_the_bookings_makes_no_difference(case: Case, random: Random) -> None:
    bookings, records, now = case
    shuffled = sorted(bookings, key=lambda _: random.random())

    assert decided((shuffled, records, now)) == decided(case)


@given(cases())
def test_past_the_start_there_is_no_confirmation_and_no_guide(case: Case) -> None:
    starts = {booking.booking_num: booking.start for booking in engine.newest(case[0])}

    for message in messages(decided(case)):
        if message.kind != "event":
            assert case[2] < starts[message.key.booking_num]
            assert message.expires == starts[message.key.booking_num]


@given(cases())
def test_there_is_one_verdict_for_every_booking_and_rule(case: Case) -> None:
    decisions = decided(case)

    pairs = Counter((verdict.booking_num, verdict.rule) for verdict in decisions.verdicts)
    assert set(pairs.values()) <= {1}
    assert len(pairs) == len({b.booking_num for b in case[0]}) * len(shipped().enabled_names)
    assert decisions.errors == ()


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
def test_nothing_that_is_shown_holds_a_phone_a_name_or_a_code(case: Case) -> None:
    decisions = decided(case)

    verdicts = repr((decisions.verdicts, decisions.errors))
    effects = repr(decisions.effects)
    assert DOOR_CODE not in effects
    for booking in case[0]:
        assert booking.name not in verdicts + effects
        assert booking.phone not in verdicts + effects
        assert booking.key.phone not in verdicts  # effects show it: it is their key


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


def test_ten_thousand_bookings_are_decided_in_a_few_seconds() -> None:
    bookings = [
        a_booking(n, start=NOW.replace(second=0) + timedelta(minutes=n % 20_000 - 100))
        for n in range(10_000)
    ]
    records = {b.key: a_record(b, confirm_sms=True, remind_sms=True) for b in bookings[::2]}

    began = time.perf_counter()
    decisions = engine.decide(bookings, records, shipped(), now=NOW)

    assert time.perf_counter() - began < 20  # about 2 s on an idle core
    assert len(decisions.verdicts) == 40_000
