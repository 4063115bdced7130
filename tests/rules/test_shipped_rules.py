"""The rules of this repository do what the legacy did (L11-L13), but for the listed differences."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from naverplace.base.korean_text import unsendable
from naverplace.domain.booking import BookingStatus, Option
from naverplace.domain.effects import CreateRecord, SendSms
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry
from tests.rule_builders import (
    DEFAULT_SENDER,
    DOOR_CODE,
    NOW,
    ROOT,
    a_booking,
    at,
    completed,
    decided,
    fired,
    kinds,
    recorded,
    sends,
    shipped,
)

EVENING = at("2025-10-22 20:05")
TWO_HOURS = timedelta(hours=2)
SECOND = timedelta(seconds=1)


def test_the_four_rules_of_every_day_are_enabled_and_no_example_is() -> None:
    enabled = {rule.name: Path(rule.place.path).name for rule in shipped().rules if rule.enabled}

    assert [name for name, file in enabled.items() if file == "reminders.yaml"] == [
        *("new-booking", "confirmation-still-owed", "guide", "event")
    ]
    assert "examples.yaml" not in enabled.values()


# L11


def test_a_new_booking_gets_a_record_and_the_confirmation() -> None:
    booking = a_booking()

    effects = decided(shipped(), [booking]).effects

    assert [type(effect) for effect in effects] == [CreateRecord, SendSms]
    assert effects[0].key == effects[1].key == booking.key
    assert kinds(decided(shipped(), [booking])) == ["confirmation"]


def test_a_new_record_has_no_flag_set() -> None:
    [created, _] = decided(shipped(), [a_booking()]).effects

    assert isinstance(created, CreateRecord)
    assert dict(created.item) == {
        "booking_num": "1051707_1",
        "phone": "010-0000-0001",
        "name": "김하나",
        "booking_time": "2025-10-23 14:02:15",
        "confirm_sms": False,
        "remind_sms": False,
        "option_sms": False,
        "option_time": "",
    }


@pytest.mark.parametrize("ahead", [TWO_HOURS, timedelta(hours=1), SECOND])
def test_a_new_booking_in_the_two_hours_gets_confirmation_then_guide(ahead: timedelta) -> None:
    effects = decided(shipped(), [a_booking(start=NOW + ahead)]).effects

    assert [type(effect) for effect in effects] == [CreateRecord, SendSms, SendSms]
    assert [getattr(effect, "kind", "") for effect in effects] == ["", "confirmation", "guide"]


def test_a_new_booking_a_second_before_the_two_hours_gets_the_confirmation_only() -> None:
    assert kinds(decided(shipped(), [a_booking(start=NOW + TWO_HOURS + SECOND)])) == [
        "confirmation"
    ]


# L12


def test_a_known_booking_in_the_two_hours_gets_the_guide() -> None:
    booking = a_booking(start=NOW + timedelta(hours=1))

    [guide] = decided(shipped(), [booking], recorded(booking, confirm_sms=True)).effects

    assert isinstance(guide, SendSms)
    assert (guide.kind, guide.flag, guide.store_id) == ("guide", "remind_sms", "1051707")
    assert (guide.due, guide.expires) == (booking.start - TWO_HOURS, booking.start)
    assert guide.sender == "0310000001"
    assert DOOR_CODE in guide.text


def test_a_reminded_booking_gets_nothing_more() -> None:
    booking = a_booking(start=NOW + timedelta(hours=1))

    decisions = decided(shipped(), [booking], recorded(booking, confirm_sms=True, remind_sms=True))

    assert decisions.effects == ()


def test_a_known_booking_outside_the_two_hours_gets_nothing() -> None:
    booking = a_booking(start=NOW + TWO_HOURS + SECOND)

    assert decided(shipped(), [booking], recorded(booking, confirm_sms=True)).effects == ()


@pytest.mark.parametrize(
    ("ahead", "owed"),
    [(TWO_HOURS + SECOND, []), (TWO_HOURS, ["guide"]), (SECOND, ["guide"]), (timedelta(), [])],
)
def test_the_guide_goes_to_known_bookings_from_exactly_two_hours_before(
    ahead: timedelta, owed: list[str]
) -> None:
    booking = a_booking(start=NOW + ahead)

    assert kinds(decided(shipped(), [booking], recorded(booking, confirm_sms=True))) == owed


def test_a_known_booking_without_confirmation_gets_it_at_once() -> None:
    booking = a_booking(start=NOW + timedelta(days=3))

    decisions = decided(shipped(), [booking], recorded(booking))

    assert kinds(decisions) == ["confirmation"]
    assert fired(decisions) == ["confirmation-still-owed"]


def test_both_owed_messages_of_a_known_booking_go_out_in_order() -> None:
    booking = a_booking(start=NOW + timedelta(hours=1))

    assert kinds(decided(shipped(), [booking], recorded(booking))) == ["confirmation", "guide"]


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("ago", [timedelta(), SECOND, timedelta(days=1)])
def test_a_booking_that_has_started_gets_nothing(ago: timedelta, *, known: bool) -> None:
    booking = a_booking(start=NOW - ago)

    assert kinds(decided(shipped(), [booking], recorded(booking) if known else {})) == []


# L13


@pytest.mark.parametrize("word", ["네이버", "인스타", "원본"])
def test_a_completed_booking_with_a_review_option_gets_the_event(word: str) -> None:
    booking = completed(options=(Option(name="컨셉 촬영"), Option(name=f"리뷰({word}) 약속")))

    [event] = sends(decided(shipped(), [booking], recorded(booking), now=EVENING))

    assert isinstance(event, SendSms)
    assert (event.kind, event.flag, event.sender) == ("event", "option_sms", DEFAULT_SENDER)
    assert (event.due, event.expires) == (at("2025-10-22 20:00"), at("2025-10-22 21:00"))


@pytest.mark.parametrize(
    ("now", "owed"),
    [
        ("2025-10-22 19:59:59", []),
        ("2025-10-22 20:00:00", ["event"]),
        ("2025-10-22 20:59:59", ["event"]),
        ("2025-10-22 21:00:00", []),
    ],
)
def test_the_event_is_sent_until_nine_in_the_evening(now: str, owed: list[str]) -> None:
    booking = completed()

    assert kinds(decided(shipped(), [booking], recorded(booking), now=at(now))) == owed


def test_an_event_of_an_earlier_day_still_goes_out() -> None:
    booking = completed(start=at("2025-10-19 10:00"))

    assert kinds(decided(shipped(), [booking], recorded(booking), now=EVENING)) == ["event"]


@pytest.mark.parametrize(
    "changes",
    [
        {"options": (Option(name="유튜브 영상"),)},
        {"options": ()},
        {"status": BookingStatus.CONFIRMED},
        {"status": BookingStatus.CANCELLED},
    ],
)
def test_other_bookings_get_no_event(changes: dict[str, Any]) -> None:
    booking = completed(**changes)

    records = recorded(booking, confirm_sms=True)

    assert kinds(decided(shipped(), [booking], records, now=EVENING)) == []


def test_a_completed_booking_without_record_or_with_its_event_gets_nothing() -> None:
    sent, unknown = completed(1), completed(2)

    decisions = decided(shipped(), [sent, unknown], recorded(sent, option_sms=True), now=EVENING)

    assert sends(decisions) == []


def test_a_cancelled_booking_gets_nothing() -> None:
    booking = a_booking(status=BookingStatus.CANCELLED, start=NOW + timedelta(hours=1))

    assert decided(shipped(), [booking], recorded(booking)).effects == ()


# differences


@pytest.mark.parametrize("zone", [UTC, ZoneInfo("America/New_York"), ZoneInfo("Asia/Seoul")])
def test_the_zone_of_now_makes_no_difference(zone: ZoneInfo) -> None:
    event, guide = completed(1), a_booking(2, start=at("2025-10-22 21:00"))
    records = recorded(event, confirm_sms=True) | recorded(guide, confirm_sms=True)

    decisions = decided(shipped(), [event, guide], records, now=EVENING.astimezone(zone))

    assert kinds(decisions) == ["guide", "event"]


def test_a_booking_in_both_lists_is_decided_as_completed() -> None:
    confirmed = completed(status=BookingStatus.CONFIRMED)
    later = completed(read_at=NOW - timedelta(minutes=1))

    decisions = decided(shipped(), [later, confirmed], recorded(later), now=EVENING)

    assert kinds(decisions) == ["event"]
    assert len(decisions.verdicts) == len(shipped().enabled_names)


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("구름☁️나무", "구름나무님"),
        ("뷁나무", "○나무님"),
        ("😀😀", "고객님"),
        ("_별*빛*[나무]_", "_별*빛*[나무]_님"),
        ("김하나", "김하나님"),
        ("Zoë", "Zoe님"),
        ("bit.ly/x 당첨", "고객님"),
        ("가" * 1500, "가" * 10 + "님"),
        ("김\n하나", "김 하나님"),
    ],
)
def test_names_that_a_text_message_cannot_carry_are_made_sendable(name: str, written: str) -> None:
    [message] = sends(decided(shipped(), [a_booking(name=name)]))

    assert message.text.startswith(written)
    assert unsendable(message.text.replace("\n", "")) == []


def test_two_bookings_of_one_customer_get_different_texts() -> None:
    first = a_booking(1, raw_phone="01000000001", phone="01000000001")
    second = a_booking(
        2, raw_phone="01000000001", phone="01000000001", start=first.start + timedelta(hours=1)
    )

    messages = sends(decided(shipped(), [first, second]))

    assert len({(message.subject, message.text) for message in messages}) == 2
    assert "10월 23일(목) 오후 2:02" in messages[0].text


def test_a_message_under_way_or_in_doubt_is_left_to_the_delivery() -> None:
    booking = a_booking(start=NOW + timedelta(hours=1))
    doubt = {"guide": LedgerEntry(MessageStatus.IN_DOUBT)}

    decisions = decided(shipped(), [booking], recorded(booking, confirm_sms=True, messages=doubt))

    assert kinds(decisions) == ["guide"]


def test_every_accepted_difference_names_a_test_that_exists() -> None:
    listed = yaml.safe_load((ROOT / "deployments/accepted-differences.yaml").read_text("utf-8"))

    for difference in listed["differences"]:
        path, _, name = difference["test"].partition("::")
        tree = ast.parse((ROOT / path).read_text("utf-8"))
        functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert name in functions, difference["id"]
        assert difference["reason"].strip()
        assert all(number.startswith("L") for number in difference["legacy"])


def test_no_shipped_text_takes_more_than_a_message_or_names_no_day() -> None:
    for day in range(1, 8):
        booking = a_booking(start=datetime(2025, 12, 20 + day, 12, 30, tzinfo=NOW.tzinfo))
        for template in shipped().templates.values():
            for store in shipped().stores.values():
                rendered = template.render(booking, store, shipped().access)
                assert f"12월 {20 + day}일" in rendered.text
                assert "오후 12:30" in rendered.text
