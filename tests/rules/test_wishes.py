"""The owner's four wishes: examples that are off, and do what was asked when switched on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from naverplace.domain.booking import BookingStatus, Option
from naverplace.domain.effects import CHANNELS, CreateRecord, Notify
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, read_record
from naverplace.rules.rulebook import Rulebook
from tests.rule_builders import (
    NOW,
    a_booking,
    a_record,
    at,
    decided,
    kinds,
    recorded,
    sends,
    shipped,
    stores,
    with_rules,
)

WISHES = ("option-message", "store-message-before-start", "welcome", "retouching-list")
PROFILE = (Option(name="프로필 촬영"),)


def slack_enabled(book: Rulebook) -> Rulebook:
    every = {name: {"enabled": True} for name in CHANNELS}
    switched = type(book.routing.channels).model_validate(every)
    return replace(book, routing=book.routing.model_copy(update={"channels": switched}))


def test_the_wishes_are_shipped_and_off() -> None:
    off = {rule.name for rule in shipped().rules if not rule.enabled}

    assert off == set(WISHES)


def test_customers_of_one_store_who_chose_one_option_get_a_message_of_their_own() -> None:
    book = with_rules(shipped(), "option-message")
    right = a_booking(1, options=PROFILE)
    other_store = a_booking(2, options=PROFILE, store_id="951291")
    other_option = a_booking(3, options=(Option(name="가족사진"),))
    over = a_booking(4, options=PROFILE, start=NOW)

    decisions = decided(book, [right, other_store, other_option, over])

    [message] = sends(decisions)
    assert (message.kind, message.key) == ("profile_tips", right.key)
    assert message.flag is None
    assert message.expires == right.start


def test_a_message_of_its_own_is_not_owed_again_once_it_was_accepted() -> None:
    book = with_rules(shipped(), "option-message")
    booking = a_booking(options=PROFILE)
    done = {"profile_tips": LedgerEntry(MessageStatus.ACCEPTED)}

    decisions = decided(book, [booking], recorded(booking, messages=done))

    assert decisions.effects == ()
    [verdict] = decisions.verdicts
    assert verdict.fired
    assert verdict.observed["send_sms(profile_tips)"] == "accepted by the provider already"


@pytest.mark.parametrize(
    ("ahead", "owed"),
    [
        (timedelta(hours=2, seconds=1), []),
        (timedelta(hours=2), ["entrance_works"]),
        (timedelta(seconds=1), ["entrance_works"]),
        (timedelta(), []),
    ],
)
def test_customers_of_one_store_get_a_message_two_hours_before_the_start(
    ahead: timedelta, owed: list[str]
) -> None:
    book = with_rules(shipped(), "store-message-before-start")
    right = a_booking(1, store_id="1285716", start=NOW + ahead)
    other = a_booking(2, start=NOW + ahead)

    decisions = decided(book, [right, other], recorded(right) | recorded(other))

    assert kinds(decisions) == owed
    assert all(message.due == right.start - timedelta(hours=2) for message in sends(decisions))


def test_every_stores_new_booking_gets_a_message() -> None:
    book = with_rules(shipped(), "welcome")
    new = [a_booking(n, store_id=store_id) for n, store_id in enumerate(stores())]
    known = a_booking(99)

    decisions = decided(book, [*new, known], recorded(known))

    assert sorted(message.key for message in sends(decisions)) == sorted(b.key for b in new)
    assert {message.message_type for message in sends(decisions)} == {"SMS"}


def test_a_message_for_new_bookings_stays_owed_when_the_run_dies_before_it() -> None:
    book = with_rules(shipped(), "new-booking", "welcome")
    booking = a_booking()

    first = decided(book, [booking])
    [created] = [effect for effect in first.effects if isinstance(effect, CreateRecord)]
    second = decided(book, [booking], {booking.key: read_record(created.item)})

    assert kinds(first) == ["confirmation", "welcome"]
    assert kinds(second) == ["welcome"]


@pytest.mark.parametrize("state", [MessageStatus.OWED, MessageStatus.REFUSED])
def test_a_message_for_new_bookings_stays_owed_after_a_failed_attempt(state: MessageStatus) -> None:
    booking = a_booking()
    records = recorded(booking, messages={"welcome": LedgerEntry(state)})

    assert kinds(decided(with_rules(shipped(), "welcome"), [booking], records)) == ["welcome"]


@pytest.mark.parametrize(
    "state",
    [
        MessageStatus.CLAIMED,
        MessageStatus.IN_DOUBT,
        MessageStatus.ACCEPTED,
        MessageStatus.DELIVERED,
    ],
)
def test_a_message_for_new_bookings_that_may_be_out_is_not_owed(state: MessageStatus) -> None:
    booking = a_booking()
    records = recorded(booking, messages={"welcome": LedgerEntry(state)})

    assert kinds(decided(with_rules(shipped(), "welcome"), [booking], records)) == []


TWICE = (Option(name="전문가 보정", count=2),)


def test_those_of_some_days_who_chose_an_option_twice_go_on_a_list_to_slack() -> None:
    book = slack_enabled(with_rules(shipped(), "retouching-list"))
    first = a_booking(1, options=TWICE, start=at("2025-12-24 00:00"))
    last = a_booking(
        2,
        options=(Option(name="전문가 보정"), Option(name="기본 보정")),
        start=at("2025-12-26 23:59"),
        status=BookingStatus.COMPLETED,
    )
    others = [
        a_booking(3, options=TWICE, start=at("2025-12-23 23:59")),
        a_booking(4, options=TWICE, start=at("2025-12-27 00:00")),
        a_booking(5, options=(Option(name="전문가 보정", count=1),), start=first.start),
        a_booking(6, options=(Option(name="인화", count=5),), start=first.start),
        a_booking(7, options=TWICE, start=first.start, status=BookingStatus.CANCELLED),
    ]

    decisions = decided(book, [first, last, *others])

    notices = [effect for effect in decisions.effects if isinstance(effect, Notify)]
    assert [notice.key for notice in notices] == [first.key, last.key]
    assert {(notice.channel, notice.rule) for notice in notices} == {("slack", "retouching-list")}
    assert notices[0].text == ("보정 목록: 화성점 12월 24일(수) 오전 12:00 김하나 (010-****-0001)")


def test_nobody_goes_on_the_list_twice() -> None:
    book = slack_enabled(with_rules(shipped(), "retouching-list"))
    booking = a_booking(options=TWICE, start=at("2025-12-25 15:00"))
    told = a_record(
        booking, messages={"slack_retouching-list": LedgerEntry(MessageStatus.ACCEPTED)}
    )

    assert decided(book, [booking], {booking.key: told}).effects == ()


def test_as_long_as_slack_is_off_the_list_is_only_in_the_verdict() -> None:
    booking = a_booking(options=TWICE, start=at("2025-12-25 15:00"))

    decisions = decided(with_rules(shipped(), "retouching-list"), [booking])

    assert decisions.effects == ()
    [verdict] = decisions.verdicts
    assert verdict.fired
    assert "slack is not enabled in notifications.yaml" in verdict.observed.values()


def test_all_wishes_together_leave_the_messages_of_every_day_as_they_are() -> None:
    book = shipped()
    everything = with_rules(book, *(rule.name for rule in book.rules))
    bookings = [
        a_booking(1, options=PROFILE),
        a_booking(2, start=NOW + timedelta(hours=1)),
        a_booking(3, store_id="1285716", start=NOW + timedelta(minutes=30)),
    ]

    usual = sends(decided(book, bookings))
    all_on = sends(decided(everything, bookings))

    daily = ("confirmation", "guide", "event")
    assert [(m.key, m.kind, m.text) for m in all_on if m.kind in daily] == [
        (m.key, m.kind, m.text) for m in usual
    ]
    assert {m.kind for m in all_on} - set(daily) == {"profile_tips", "entrance_works", "welcome"}
