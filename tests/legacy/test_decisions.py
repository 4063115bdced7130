"""What the modelled legacy decides (L10-L17, L20, L26), without touching anything."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from legacy.model import decide
from tests.legacy.deciding import (
    NOW,
    REVIEW,
    START,
    STORE,
    TEXTS,
    a_raw,
    an_item,
    before,
    decided,
    key_of,
    kinds,
    local,
)

EVENING = local("2025-10-22 20:05")
TWO_HOURS = timedelta(hours=2)
SECOND = timedelta(seconds=1)


def test_l11_a_new_booking_gets_its_item_first_and_then_the_confirmation() -> None:
    outcome = decided(a_raw())

    assert outcome.items == an_item()
    assert [write[:2] for write in outcome.writes] == [("put", key_of())]
    assert [(key, m.kind, m.to) for key, m in outcome.messages] == [
        (key_of(), "confirmation", "01000000001")
    ]


@pytest.mark.parametrize(
    ("now", "guided"),
    [
        (START - TWO_HOURS - SECOND, False),
        (START - TWO_HOURS, True),  # exactly two hours: included
        (START - SECOND, True),
        (START, False),
    ],
)
def test_l11_a_new_booking_gets_the_guide_from_exactly_two_hours_before(
    now: datetime, guided: bool
) -> None:
    outcome = decided(a_raw(), now=now)

    assert kinds(outcome) == ["confirmation", *["guide"] * guided]
    assert outcome.items[key_of()]["remind_sms"] is guided


@pytest.mark.parametrize(
    ("now", "guided"),
    [
        (START - TWO_HOURS, False),  # exactly two hours: not included
        (START - TWO_HOURS + SECOND, True),
        (START - SECOND, True),
        (START, False),
        (START + SECOND, False),
    ],
)
def test_l12_a_known_booking_gets_the_guide_from_less_than_two_hours_before(
    now: datetime, guided: bool
) -> None:
    outcome = decided(a_raw(), items=an_item(), now=now)

    assert kinds(outcome) == ["guide"] * guided
    assert outcome.items[key_of()]["remind_sms"] is guided


def test_l12_a_known_booking_without_confirmation_gets_it_only_with_its_guide() -> None:
    items = an_item(confirm_sms=False)

    assert kinds(decided(a_raw(), items=items, now=NOW)) == []
    late = decided(a_raw(), items=items, now=before(START, hours=1))
    assert kinds(late) == ["confirmation", "guide"]
    assert [write[2] for write in late.writes] == ["confirm_sms", "remind_sms"]


def test_l12_a_guided_booking_without_confirmation_never_gets_it() -> None:
    items = an_item(confirm_sms=False, remind_sms=True)

    assert kinds(decided(a_raw(), items=items, now=before(START, hours=1))) == []


@pytest.mark.parametrize(
    ("now", "sent"),
    [
        (local("2025-10-22 19:59:59"), False),
        (local("2025-10-22 20:00"), True),
        (local("2025-10-22 20:59:59"), True),
        (local("2025-10-22 21:00"), False),
    ],
)
def test_l13_the_event_goes_out_at_twenty_o_clock_only(now: datetime, sent: bool) -> None:
    done = a_raw(start=local("2025-10-22 10:00"), options=REVIEW, status="RC08")

    outcome = decided(completed=[done], items=an_item(), now=now)

    assert kinds(outcome) == ["event"] * sent
    assert outcome.items[key_of()]["option_sms"] is sent


def test_l13_an_event_that_was_missed_goes_out_on_a_later_day() -> None:
    done = a_raw(start=local("2025-10-12 10:00"), options=REVIEW, status="RC08")

    assert kinds(decided(completed=[done], items=an_item(), now=EVENING)) == ["event"]


def test_l13_no_event_without_an_item_without_an_option_or_a_second_time() -> None:
    done = a_raw(options=REVIEW, status="RC08")

    assert kinds(decided(completed=[done], now=EVENING)) == []
    assert kinds(decided(completed=[a_raw(status="RC08")], items=an_item(), now=EVENING)) == []
    sent = an_item(option_sms=True)
    assert kinds(decided(completed=[done], items=sent, now=EVENING)) == []


def test_l15_an_item_that_cannot_be_read_counts_as_new_and_loses_its_flags() -> None:
    items = an_item(remind_sms=True, option_sms=True, message_guide={"state": "accepted"})

    outcome = decided(a_raw(), items=items, unreadable=[key_of()])

    assert kinds(outcome) == ["confirmation"]
    assert outcome.items == an_item()


def test_l15_an_item_that_cannot_be_read_gets_no_event() -> None:
    done = a_raw(options=REVIEW, status="RC08")

    outcome = decided(completed=[done], items=an_item(), now=EVENING, unreadable=[key_of()])

    assert (kinds(outcome), outcome.writes) == ([], ())


def test_l16_a_customer_with_another_number_is_new() -> None:
    outcome = decided(a_raw(phone="01000000002"), items=an_item(remind_sms=True))

    assert kinds(outcome) == ["confirmation"]
    assert set(outcome.items) == {key_of(), (key_of()[0], "010-0000-0002")}


def test_l16_the_same_number_written_otherwise_is_new() -> None:
    assert kinds(decided(a_raw(phone="010-0000-0001"), items=an_item())) == ["confirmation"]


def test_l16_a_booking_moved_after_its_guide_gets_no_second_one() -> None:
    moved = a_raw(start=START + timedelta(hours=3))

    outcome = decided(moved, items=an_item(remind_sms=True), now=START + TWO_HOURS)

    assert (kinds(outcome), outcome.writes) == ([], ())


def test_l16_a_booking_moved_before_its_guide_keeps_its_old_time_in_the_item() -> None:
    moved = a_raw(start=START + timedelta(hours=3))

    outcome = decided(moved, items=an_item(), now=START + TWO_HOURS)

    assert kinds(outcome) == ["guide"]
    assert outcome.items == an_item(remind_sms=True)


def test_l16_a_cancelled_booking_just_vanishes() -> None:
    outcome = decided(items=an_item(), now=before(START, hours=1))

    assert (outcome.writes, outcome.messages) == ((), ())


def test_l17_a_store_without_a_guide_is_sent_no_text_and_told_as_done() -> None:
    outcome = decided(a_raw(store="7"), now=before(START, hours=1))

    assert [(m.kind, m.text) for _, m in outcome.messages] == [
        ("confirmation", TEXTS.confirmation),
        ("guide", None),
    ]
    assert outcome.telegram == (
        "010-0000-0001 예약확정 문자 발송 완료\n010-0000-0001 안내 문자 발송 완료",
    )


def test_l17_an_item_without_a_flag_adds_a_failure_line_and_the_next_booking_goes_on() -> None:
    items = an_item(1) | an_item(2)
    del items[key_of(1)]["remind_sms"], items[key_of(2)]["option_sms"]
    completed = [a_raw(2, options=REVIEW, status="RC08"), a_raw(4, options=REVIEW, status="RC08")]

    outcome = decided(
        a_raw(1), a_raw(3), completed=completed, items=items | an_item(4), now=EVENING
    )

    assert outcome.telegram == (
        "010-0000-0001 안내 문자 발송 실패\n"
        "010-0000-0003 예약확정 문자 발송 완료\n"
        "010-0000-0002 옵션 문자 발송 실패\n"
        "010-0000-0004 옵션 문자 발송 완료",
    )


NEITHER = pytest.mark.parametrize("value", [None, "", [], {}, "False", True, Decimal(1)])
FALSE = pytest.mark.parametrize("value", [False, 0, Decimal(0)])


@NEITHER
def test_l12_what_does_not_equal_false_is_no_missing_guide(value: Any) -> None:
    outcome = decided(a_raw(), items=an_item(remind_sms=value), now=before(START, hours=1))

    assert (outcome.writes, outcome.messages) == ((), ())


@NEITHER
def test_l12_what_does_not_equal_false_is_no_missing_confirmation(value: Any) -> None:
    outcome = decided(a_raw(), items=an_item(confirm_sms=value), now=before(START, hours=1))

    assert kinds(outcome) == ["guide"]
    assert outcome.items[key_of()]["confirm_sms"] == value


@NEITHER
def test_l13_what_does_not_equal_false_is_no_missing_event(value: Any) -> None:
    done = a_raw(options=REVIEW, status="RC08")

    outcome = decided(completed=[done], items=an_item(option_sms=value), now=EVENING)

    assert (outcome.writes, outcome.messages) == ((), ())


@FALSE
def test_l12_l13_a_zero_equals_false(value: Any) -> None:
    items = an_item(1, remind_sms=value, confirm_sms=value) | an_item(2, option_sms=value)
    late = a_raw(1, local("2025-10-22 21:00"))

    outcome = decided(
        late, completed=[a_raw(2, options=REVIEW, status="RC08")], items=items, now=EVENING
    )

    assert kinds(outcome) == ["confirmation", "guide", "event"]


def test_l20_the_owner_gets_one_text_of_all_lines_with_full_phones() -> None:
    done = a_raw(3, options=REVIEW, status="RC08")
    late = local("2025-10-22 21:00")

    outcome = decided(
        a_raw(1, late), a_raw(2, late), completed=[done], items=an_item(3) | an_item(2), now=EVENING
    )

    assert outcome.telegram == (
        "010-0000-0001 예약확정 문자 발송 완료\n"
        "010-0000-0001 안내 문자 발송 완료\n"
        "010-0000-0002 안내 문자 발송 완료\n"
        "010-0000-0003 옵션 문자 발송 완료",
    )


def test_l20_without_a_line_the_owner_is_told_so() -> None:
    assert decided().telegram == ("문자 발송 대상 없음",)


@pytest.mark.parametrize("days", [1, 400])
def test_l26_a_past_booking_that_is_unknown_is_still_confirmed(days: int) -> None:
    past = a_raw(start=NOW - timedelta(days=days))

    outcome = decided(past)

    assert kinds(outcome) == ["confirmation"]
    assert outcome.items[key_of()]["remind_sms"] is False


def test_l26_no_status_is_looked_at() -> None:
    assert kinds(decided(a_raw(status="RC04"))) == ["confirmation"]


def test_l18_the_guide_is_the_stores_own_and_the_other_texts_are_common() -> None:
    one = decided(a_raw(), now=before(START, hours=1)).messages
    other = decided(a_raw(store="951291"), now=before(START, hours=1)).messages

    assert one[0][1].text == other[0][1].text == TEXTS.confirmation
    assert one[1][1].text == TEXTS.guides[STORE] != other[1][1].text
    assert {(m.type, m.content_type, m.subject) for _, m in one} == {("LMS", "COMM", TEXTS.subject)}


def test_deciding_changes_nothing_that_it_was_given() -> None:
    items = an_item()

    decide([a_raw()], [], items, now=lambda: before(START, hours=1), texts=TEXTS)

    assert items == an_item()
