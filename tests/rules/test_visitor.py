"""`to: visitor`: who gets the message of a booking with a visitor: docs/identity.md."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from naverplace.domain.booking import Booking
from naverplace.domain.message_status import MessageStatus
from naverplace.rules.rulebook import Rulebook
from tests.examples import examples
from tests.rescheduling_builders import Shop
from tests.rule_builders import a_booking, a_rule, a_rulebook, at, problems, switched_on

RULES = """\
- rule: confirmation
  when: [{booking_status: RC03}, starts_in_future]
  then: [create_db_record, send_sms: confirmation]
- rule: guide
  when: [{booking_status: RC03}, {time_before_booking: 2}, {flag_not_set: remind_sms}]
  then: [create_db_record, send_sms: {template: guide, to: visitor}]
"""
TEXTS = """\
templates:
  confirmation: {text: "{{ booking.start }} confirmed"}
  guide: {text: "{{ booking.start }} {{ booking.name }}"}
"""
BOOKER, NEW_BOOKER, VISITOR, OTHER = (f"010000000{number:02}" for number in range(1, 5))
THREE, SIX = at("2025-10-22 15:00"), at("2025-10-22 18:00")
BEFORE_THREE, BEFORE_SIX = at("2025-10-22 13:20"), at("2025-10-22 16:10")
CONFIRMATION, GUIDE = (BOOKER, "confirmation"), (VISITOR, "guide")


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(book_in(tmp_path))


def book_in(folder: Path) -> Rulebook:
    return a_rulebook(folder, RULES, templates=TEXTS, fields=switched_on())


def booked(visitor: str | None = VISITOR, phone: str = BOOKER, **changes: Any) -> Booking:
    extra = {"has_visitor": visitor is not None, "visitor_phone": visitor}
    said: dict[str, Any] = {"start": THREE, "phone": phone, "raw_phone": phone, "extra": extra}
    return a_booking(**{**said, **changes})


def test_the_visitor_gets_the_guide_in_place_of_the_booker(shop: Shop) -> None:
    assert shop.run(booked(), now=BEFORE_THREE) == [CONFIRMATION, GUIDE]
    assert shop.run(booked(), now=BEFORE_THREE) == []
    assert shop.record(booked()).remind_sms is True
    assert list(shop.items) == [booked().key]


@pytest.mark.parametrize("visitor", [None, "", "010-****-0003", "02-123-4567", "none"])
def test_without_a_visitor_who_can_be_reached_the_booker_gets_it(
    visitor: str | None, shop: Shop
) -> None:
    assert shop.run(booked(visitor), now=BEFORE_THREE) == [CONFIRMATION, (BOOKER, "guide")]


def test_a_visitors_phone_counts_for_nothing_when_naver_says_that_there_is_none(shop: Shop) -> None:
    extra = {"has_visitor": False, "visitor_phone": VISITOR}

    assert shop.run(booked(extra=extra), now=BEFORE_THREE) == [CONFIRMATION, (BOOKER, "guide")]


@pytest.mark.parametrize("written", [BOOKER, "010-0000-0001", "+82 10-0000-0001"])
def test_a_visitor_with_the_bookers_phone_gets_one_guide(written: str, shop: Shop) -> None:
    assert shop.run(booked(written), now=BEFORE_THREE) == [CONFIRMATION, (BOOKER, "guide")]
    assert shop.run(booked(None), now=BEFORE_THREE) == []
    assert shop.run(booked(VISITOR), now=BEFORE_THREE) == []


def test_another_visitor_before_the_guide_gets_it(shop: Shop) -> None:
    shop.run(booked(), now=at("2025-10-22 09:00"))

    assert shop.run(booked(OTHER), now=BEFORE_THREE) == [(OTHER, "guide")]


@pytest.mark.parametrize("visitor", [OTHER, None, BOOKER])
def test_another_visitor_or_none_after_the_guide_gets_nothing(
    visitor: str | None, shop: Shop
) -> None:
    shop.run(booked(), now=BEFORE_THREE)

    assert shop.run(booked(visitor), now=BEFORE_THREE) == []


def test_a_visitor_who_is_named_after_the_guide_gets_nothing(shop: Shop) -> None:
    shop.run(booked(None), now=BEFORE_THREE)

    assert shop.run(booked(), now=BEFORE_THREE) == []


def test_a_moved_booking_brings_its_visitor_a_guide_for_the_new_time(shop: Shop) -> None:
    shop.run(booked(), now=BEFORE_THREE)

    assert shop.run(booked(start=SIX), now=BEFORE_SIX) == [GUIDE]
    assert shop.run(booked(), now=BEFORE_SIX) == []


def test_another_booker_after_the_guide_brings_the_visitor_no_second_one(shop: Shop) -> None:
    shop.run(booked(), now=BEFORE_THREE)
    after = THREE + timedelta(minutes=1)

    assert shop.run(booked(phone=NEW_BOOKER), now=BEFORE_THREE) == [(NEW_BOOKER, "confirmation")]
    assert shop.run(booked(phone=NEW_BOOKER), now=after) == []
    assert shop.expired == []


def test_a_guide_in_doubt_is_not_sent_to_the_visitor_under_another_booker(shop: Shop) -> None:
    shop.answer = MessageStatus.IN_DOUBT
    shop.run(booked(), now=BEFORE_THREE)
    shop.answer = MessageStatus.ACCEPTED

    assert shop.run(booked(phone=NEW_BOOKER), now=BEFORE_THREE) == [(NEW_BOOKER, "confirmation")]


def test_a_visitor_who_becomes_the_booker_is_confirmed_and_gets_no_second_guide(
    shop: Shop,
) -> None:
    shop.run(booked(), now=BEFORE_THREE)

    assert shop.run(booked(None, phone=VISITOR), now=BEFORE_THREE) == [(VISITOR, "confirmation")]


PEOPLE = st.sampled_from([None, BOOKER, NEW_BOOKER, VISITOR, OTHER])
CHANGES = st.lists(
    st.tuples(PEOPLE, st.sampled_from([BOOKER, NEW_BOOKER, VISITOR]), st.sampled_from([0, 0, 180])),
    min_size=2,
    max_size=8,
)


@settings(
    deadline=None,
    max_examples=examples(1000),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(CHANGES)
def test_law_nobody_gets_a_kind_twice_for_one_start_whoever_books_and_whoever_comes(
    tmp_path: Path, changes: list[tuple[str | None, str, int]]
) -> None:
    shop, now = Shop(book_in(tmp_path)), BEFORE_THREE
    for visitor, phone, moved in changes:
        booking = booked(visitor, phone, start=THREE + timedelta(minutes=moved))
        shop.run(booking, now=now)
        now += timedelta(minutes=10)

    got = [(sent.phone, sent.kind, sent.for_start) for sent in shop.sent]
    assert len(got) == len({*got})


def test_it_needs_the_visitors_phone_declared_and_a_receiver_that_there_is(tmp_path: Path) -> None:
    to_visitor = a_rule("booking_in_db", "send_sms: {template: note, to: visitor}")
    to_nobody = a_rule("booking_in_db", "send_sms: {template: note, to: guest}")

    assert "must declare 'visitor_phone'" in problems(tmp_path, to_visitor)[0]
    assert "visitor" in problems(tmp_path, to_nobody, fields=switched_on())[0]
