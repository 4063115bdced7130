"""The rules as they are shipped: what L11-L13 ask for, and where they differ on purpose."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from naverplace.booking import Booking, BookingStatus, Option
from naverplace.clock import SEOUL
from naverplace.effects import CreateRecord, SendSms
from naverplace.korean import size, unsendable
from tests.deciding import (
    NOW,
    ROOT,
    SENDER,
    START,
    a_booking,
    a_record,
    decide,
    kinds,
    messages,
    minutes,
    shipped,
    the_stores,
    verdict,
)

EVENING = datetime(2025, 10, 22, 20, 5, tzinfo=SEOUL)
TWO_HOURS = timedelta(hours=2)


def completed(**changes: Any) -> Booking:
    return a_booking(status=BookingStatus.COMPLETED, start=START, **changes)


def test_a_new_booking_of_tomorrow_gets_a_record_and_the_confirmation() -> None:
    decisions = decide(a_booking(start=START + timedelta(days=1)))

    assert [type(effect) for effect in decisions.effects] == [CreateRecord, SendSms]
    assert kinds(decisions) == ["confirmation"]
    assert messages(decisions)[0].expires == START + timedelta(days=1)


def test_a_new_booking_within_two_hours_gets_confirmation_then_guide() -> None:
    decisions = decide(a_booking())

    assert kinds(decisions) == ["confirmation", "guide"]
    assert sum(isinstance(effect, CreateRecord) for effect in decisions.effects) == 1
    guide = messages(decisions)[1]
    assert (guide.due, guide.expires) == (START - TWO_HOURS, START)


def test_a_new_record_has_no_flag_set() -> None:
    record = decide(a_booking()).effects[0]

    assert isinstance(record, CreateRecord)
    assert [record.item[flag] for flag in ("confirm_sms", "remind_sms", "option_sms")] == [
        False
    ] * 3


def test_a_known_booking_gets_the_guide_only() -> None:
    booking = a_booking()

    assert kinds(decide(booking, [a_record(booking, confirm_sms=True)])) == ["guide"]


def test_a_known_booking_without_confirmation_gets_it_at_once() -> None:
    booking = a_booking(start=START + timedelta(days=9))

    assert kinds(decide(booking, [a_record(booking)])) == ["confirmation"]


@pytest.mark.parametrize(
    ("now", "owed"),
    [
        (START - TWO_HOURS - timedelta(microseconds=1), []),
        (START - TWO_HOURS, ["guide"]),
        (START - TWO_HOURS + timedelta(seconds=1), ["guide"]),
        (START - timedelta(microseconds=1), ["guide"]),
        (START, []),
    ],
)
def test_the_guide_goes_to_known_bookings_from_exactly_two_hours_before(
    now: datetime, owed: list[str]
) -> None:
    booking = a_booking()

    assert kinds(decide(booking, [a_record(booking, confirm_sms=True)], now=now)) == owed


@pytest.mark.parametrize("late", [timedelta(), timedelta(seconds=1), timedelta(days=40)])
def test_a_booking_that_has_started_gets_nothing(late: timedelta) -> None:
    booking = a_booking()

    assert decide(booking, now=START + late).effects == ()
    assert decide(booking, [a_record(booking)], now=START + late).effects == ()


def test_who_has_everything_gets_nothing() -> None:
    booking = a_booking()

    assert decide(booking, [a_record(booking, confirm_sms=True, remind_sms=True)]).effects == ()


def test_the_guide_of_a_booking_after_midnight_is_owed_before_midnight() -> None:
    start = datetime(2025, 10, 23, 0, 30, tzinfo=SEOUL)
    booking = a_booking(start=start)
    record = a_record(booking, confirm_sms=True)

    assert kinds(decide(booking, [record], now=start - minutes(121))) == []
    assert kinds(decide(booking, [record], now=start - minutes(31))) == ["guide"]
    assert kinds(decide(booking, [record], now=start - minutes(29))) == ["guide"]


@pytest.mark.parametrize(
    ("now", "owed"),
    [
        ("19:59:59", []),
        ("20:00:00", ["event"]),
        ("20:49:59", ["event"]),
        ("20:50:00", []),
        ("20:59:59", []),
        ("21:00:00", []),
        ("08:00:00", []),
    ],
)
def test_the_event_is_not_sent_from_ten_to_nine_on(now: str, owed: list[str]) -> None:
    booking = completed()
    moment = datetime.fromisoformat(f"2025-10-22T{now}+09:00")

    decisions = decide(booking, [a_record(booking)], now=moment)

    assert kinds(decisions) == owed
    if now in ("20:50:00", "20:59:59"):
        assert "08:00" in str(verdict(decisions, "event"))


def test_the_event_expires_at_ten_to_nine_and_is_due_now() -> None:
    booking = completed()

    [event] = messages(decide(booking, [a_record(booking)], now=EVENING))

    assert event.expires == EVENING.replace(minute=50)
    assert event.due in (None, EVENING)


def test_the_event_wants_a_record_a_review_option_and_no_earlier_event() -> None:
    booking = completed()
    plain = completed(options=(Option(name="기본"),))
    none = completed(options=())

    assert kinds(decide(booking, now=EVENING)) == []
    assert kinds(decide(plain, [a_record(plain)], now=EVENING)) == []
    assert kinds(decide(none, [a_record(none)], now=EVENING)) == []
    done = a_record(booking, option_sms=True)
    assert kinds(decide(booking, [done], now=EVENING)) == []


def test_a_missed_event_goes_out_on_a_later_evening() -> None:
    booking = completed()

    decisions = decide(booking, [a_record(booking)], now=EVENING + timedelta(days=3))

    assert kinds(decisions) == ["event"]


def test_the_zone_of_now_makes_no_difference() -> None:
    booking = completed()
    records = [a_record(booking)]

    assert decide(booking, records, now=EVENING) == decide(
        booking,
        records,
        now=EVENING.astimezone(UTC),
    )


def test_a_booking_in_both_lists_is_decided_as_completed() -> None:
    confirmed, done = a_booking(start=START), completed()

    for listed in ([confirmed, done], [done, confirmed]):
        decisions = decide(listed, [a_record(confirmed)], now=EVENING)
        assert kinds(decisions) == ["event"]
        assert len(decisions.verdicts) == len(shipped().enabled_names)


@pytest.mark.parametrize(
    "name", ["뷁나무", "구름☁️나무", "_별*빛*[나무]_", "☁️", "", "나무", "A" * 60]
)
def test_names_that_a_text_message_cannot_carry_are_made_sendable(name: str) -> None:
    for message in messages(decide(a_booking(name=name))):
        assert unsendable(message.text.replace("\n", "")) == []
        assert unsendable(message.subject) == []


def test_only_the_letters_that_cannot_be_sent_are_replaced() -> None:
    text = messages(decide(a_booking(name="뷁나무")))[0].text

    assert text.startswith("○나무님")


def test_two_bookings_of_one_customer_get_different_texts() -> None:
    phone = {"phone": "01000000009", "raw_phone": "01000000009"}
    bookings = [
        a_booking(1, **phone),
        a_booking(2, **phone, start=START - minutes(30)),
        a_booking(3, **phone, start=START + timedelta(days=1)),
    ]

    texts = [message.text for message in messages(decide(bookings))]

    assert len(texts) == 5
    assert len(set(texts)) == 5


def test_every_store_has_its_guide_with_its_own_access_data() -> None:
    texts = set()
    for n, store in enumerate(the_stores().values()):
        booking = a_booking(store_id=store.id)
        [guide] = messages(decide(booking, [a_record(booking, confirm_sms=True)]))
        assert f"{n}1*#" in guide.text
        assert f"key-{n}" in guide.text
        assert "10월 22일(수) 오후 4:00" in guide.text
        assert guide.sender == (store.sender or SENDER)
        assert size(guide.subject) <= 40
        assert size(guide.text) <= 2000
        assert guide.message_type == "LMS"
        texts.add(guide.text)
    assert len(texts) == 8


def test_flags_flip_with_the_acceptance_of_the_three_messages() -> None:
    booking = completed()
    event = messages(decide(booking, [a_record(booking)], now=EVENING))

    flags = {message.kind: message.flag for message in [*messages(decide(a_booking())), *event]}

    assert flags == {
        "confirmation": "confirm_sms",
        "guide": "remind_sms",
        "event": "option_sms",
    }


def test_effects_show_no_phone_name_or_code_when_they_are_printed() -> None:
    shown = repr(decide(a_booking(name="나무구름")))

    assert "나무구름" not in shown
    assert not re.search(r"01000000001|key-0|01\*#", shown)


def test_a_verdict_names_the_first_condition_that_said_no() -> None:
    decisions = decide(a_booking(start=NOW + timedelta(days=2)))

    assert verdict(decisions, "guide").failed_condition.startswith("time_before_booking")
    assert verdict(decisions, "event").failed_condition.startswith("current_hour")
    assert verdict(decisions, "new-booking").fired


def test_every_accepted_difference_names_a_test_that_exists() -> None:
    listed = yaml.safe_load((ROOT / "deployments/accepted-differences.yaml").read_text("utf-8"))

    ids = [one["id"] for one in listed["differences"]]
    assert len(ids) == len(set(ids))
    for one in listed["differences"]:
        assert one["reason"].strip()
        assert all(re.fullmatch(r"L\d+", line) for line in one["legacy"])
        path, _, name = one["test"].partition("::")
        assert re.search(rf"^def {name}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), name
