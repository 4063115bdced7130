"""Every condition, at its edges; what cannot be decided raises."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from naverplace.base.errors import CannotDecide
from naverplace.domain.booking import BookingStatus, Option
from naverplace.domain.extra_fields import Field, FieldType
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, Record, read_record
from naverplace.rules.conditions import (
    CONDITIONS,
    Context,
    Evaluation,
    days_ahead,
    moments_of,
    quick_check,
)
from tests.rule_builders import (
    NOW,
    a_booking,
    a_record,
    a_rule,
    a_rulebook,
    at,
    decided,
    kinds,
    problems,
    shipped,
    stores,
)

SECOND = timedelta(seconds=1)


def ask(
    word: str,
    booking: Any = None,
    record: Record | None = None,
    *,
    now: datetime = NOW,
    fields: Mapping[str, Field] | None = None,
    **said: Any,
) -> Evaluation:
    ctx = Context(booking or a_booking(), record, now, stores(), fields or {})
    answer = CONDITIONS[word](ctx, **said)
    assert isinstance(answer, Evaluation)
    return answer


def test_a_booking_is_in_the_table_or_not() -> None:
    booking = a_booking()

    assert ask("booking_in_db", booking, a_record(booking)).holds
    assert not ask("booking_in_db", booking).holds
    assert ask("booking_not_in_db", booking).holds
    assert not ask("booking_not_in_db", booking, a_record(booking)).holds


@pytest.mark.parametrize(
    ("ahead", "holds"), [(SECOND, True), (timedelta(), False), (-SECOND, False)]
)
def test_the_future_ends_at_the_start(ahead: timedelta, *, holds: bool) -> None:
    assert ask("starts_in_future", a_booking(start=NOW + ahead)).holds is holds


@pytest.mark.parametrize(
    ("ahead", "holds"),
    [
        (timedelta(hours=2, microseconds=1), False),
        (timedelta(hours=2), True),
        (SECOND, True),
        (timedelta(), False),
        (-SECOND, False),
    ],
)
def test_the_hours_before_a_booking_hold_their_first_moment_and_not_the_start(
    ahead: timedelta, *, holds: bool
) -> None:
    booking = a_booking(start=NOW + ahead)

    answer = ask("time_before_booking", booking, hours=2)

    assert answer.holds is holds
    assert answer.holds_since == booking.start - timedelta(hours=2)


def test_hours_may_be_broken() -> None:
    booking = a_booking(start=NOW + timedelta(minutes=90))

    assert ask("time_before_booking", booking, hours=1.5).holds
    assert not ask("time_before_booking", booking, hours=1.4).holds


@pytest.mark.parametrize(
    ("now", "holds"),
    [
        ("2025-10-22 19:59:59", False),
        ("2025-10-22 20:00:00", True),
        ("2025-10-22 20:59:59", True),
        ("2025-10-22 21:00:00", False),
    ],
)
def test_an_hour_is_from_its_first_second_to_its_last(now: str, *, holds: bool) -> None:
    assert ask("current_hour", now=at(now), hour=20).holds is holds


@pytest.mark.parametrize("flag", ["confirm_sms", "remind_sms", "option_sms"])
def test_a_flag_is_not_set_when_it_is_false_or_there_is_no_record(flag: str) -> None:
    booking = a_booking()

    assert ask("flag_not_set", booking, flag=flag).holds
    assert ask("flag_not_set", booking, a_record(booking), flag=flag).holds
    assert not ask("flag_not_set", booking, a_record(booking, **{flag: True}), flag=flag).holds


@pytest.mark.parametrize(
    ("state", "holds"),
    [
        (MessageStatus.OWED, True),
        (MessageStatus.REFUSED, True),
        (MessageStatus.CLAIMED, False),
        (MessageStatus.IN_DOUBT, False),
        (MessageStatus.ACCEPTED, False),
        (MessageStatus.DELIVERED, False),
        (MessageStatus.FAILED, False),
    ],
)
def test_a_message_is_owed_while_nothing_of_it_can_be_with_the_provider(
    state: MessageStatus, *, holds: bool
) -> None:
    booking = a_booking()
    record = a_record(booking, messages={"welcome": LedgerEntry(state)})

    assert ask("message_owed", booking, record, kind="welcome").holds is holds
    assert not ask("message_owed", booking, record, kind="other").holds
    assert not ask("message_owed", booking, kind="welcome").holds


@pytest.mark.parametrize("word", ["booking_in_db", "booking_not_in_db"])
def test_whether_a_booking_is_in_the_table_is_told_in_a_word(word: str) -> None:
    booking = a_booking()

    assert ask(word, booking, a_record(booking)).observed == {"record": "exists"}
    assert ask(word, booking).observed == {"record": "none"}


def test_a_status_is_one_of_those_named() -> None:
    booking = a_booking(status=BookingStatus.COMPLETED)

    assert ask("booking_status", booking, status=("RC03", "RC08")).holds
    assert not ask("booking_status", booking, status=("RC03",)).holds


def test_a_store_is_one_of_those_named() -> None:
    assert ask("store_is", a_booking(store_id="951291"), store=("1051707", "951291")).holds
    # The legacy mixed stores whose ids begin alike (L24).
    assert not ask("store_is", a_booking(store_id="951291"), store=("9512", "9512911")).holds


@pytest.mark.parametrize(
    ("start", "holds"),
    [
        ("2025-12-23 23:59", False),
        ("2025-12-24 00:00", True),
        ("2025-12-26 23:59", True),
        ("2025-12-27 00:00", False),
    ],
)
def test_a_range_of_days_holds_its_first_and_last_korean_day(start: str, *, holds: bool) -> None:
    days: dict[str, Any] = {"start": date(2025, 12, 24), "end": date(2025, 12, 26)}

    assert ask("date_range", a_booking(start=at(start)), **days).holds is holds


@pytest.mark.parametrize(
    ("now", "holds"),
    [
        ("2025-10-21 23:59:59", False),
        ("2025-10-22 00:00:00", True),  # still the 21st in UTC
        ("2025-10-22 23:59:59", True),
        ("2025-10-23 00:00:00", False),
    ],
)
def test_today_begins_at_midnight_in_korea(now: str, *, holds: bool) -> None:
    booking = a_booking(start=at("2025-10-22 15:00"))

    assert ask("date_is_today", booking, now=at(now)).holds is holds


@pytest.mark.parametrize(
    ("names", "holds"),
    [
        (("무료 인화지 (네이버 포토리뷰 약속 시)",), True),
        (("기본", "원본 전체"), True),
        (("기본",), False),
        ((), False),
    ],
)
def test_an_option_is_known_by_any_word_in_its_name(names: tuple[str, ...], *, holds: bool) -> None:
    booking = a_booking(options=tuple(Option(name=name) for name in names))

    answer = ask("has_option_keyword", booking, keywords=("네이버", "인스타", "원본"))

    assert answer.holds is holds
    assert answer.observed == {"options": names}


@pytest.mark.parametrize(
    ("counts", "holds"),
    [
        ((("보정", 2),), True),
        ((("보정", 1), ("보정 추가", 1)), True),
        ((("보정", 300),), True),
        ((("보정", 1),), False),
    ],
)
def test_options_are_counted_as_often_as_they_were_chosen(
    counts: tuple[tuple[str, int], ...], *, holds: bool
) -> None:
    options = (Option(name="인화", count=9), *(Option(name=n, count=c) for n, c in counts))

    answer = ask(
        "has_multiple_options", a_booking(options=options), keywords=("보정",), min_count=2
    )

    assert answer.holds is holds
    assert answer.observed == {"count": sum(count for _, count in counts)}


@pytest.mark.parametrize(("count", "holds"), [(1, False), (2, True)])
def test_multiple_is_two_at_least_where_a_rule_says_no_number(count: int, *, holds: bool) -> None:
    booking = a_booking(options=(Option(name="보정", count=count),))

    assert ask("has_multiple_options", booking, keywords=("보정",)).holds is holds


@pytest.mark.parametrize(
    ("kind", "value", "said", "holds"),
    [
        ("int", 50000, {"at_least": 50000}, True),
        ("int", 49999, {"at_least": 50000}, False),
        ("int", 50000, {"at_most": 50000}, True),
        ("int", 50001, {"at_most": 50000}, False),
        ("int", 0, {"equals": 0}, True),
        ("int", 1, {"not_equals": 0}, True),
        ("int", 2, {"one_of": (1, 2)}, True),
        ("int", 3, {"one_of": (1, 2)}, False),
        ("bool", False, {"equals": False}, True),
        ("bool", True, {"equals": False}, False),
        ("str", "지도 검색", {"contains": "지도"}, True),
        ("str", "목록", {"contains": "지도"}, False),
        ("list", ["조용한 방", "주차"], {"contains": "주차"}, True),
        ("list", [], {"contains": "주차"}, False),
        ("datetime", at("2025-10-22 15:00"), {"at_least": "2025-10-22 15:00"}, True),
        ("datetime", at("2025-10-22 15:00"), {"equals": "2025-10-22T06:00:00Z"}, True),
        ("datetime", at("2025-10-22 15:00"), {"at_most": "2025-10-22 14:59"}, False),
    ],
)
def test_a_declared_field_is_compared_by_its_type(
    kind: FieldType, value: Any, said: dict[str, Any], *, holds: bool
) -> None:
    fields = {"one": Field("one", "x", kind, personal=False)}
    booking = a_booking(extra={"one": value})

    answer = ask("field", booking, fields=fields, name="one", **said)

    assert answer == Evaluation(holds, {"one": value})


@pytest.mark.parametrize("extra", [{}, {"one": None}])
def test_a_field_that_a_booking_lacks_cannot_be_compared(extra: dict[str, Any]) -> None:
    fields = {"one": Field("one", "x", "int", personal=False)}

    with pytest.raises(CannotDecide, match="has no 'one'"):
        ask("field", a_booking(extra=extra), fields=fields, name="one", equals=1)


@pytest.mark.parametrize("missing", [True, False])
def test_a_rule_may_say_what_holds_without_the_field(*, missing: bool) -> None:
    fields = {"one": Field("one", "x", "int", personal=False)}

    answer = ask("field", fields=fields, name="one", equals=1, if_missing=missing)

    assert answer.holds is missing


def test_a_personal_field_is_compared_and_never_shown() -> None:
    fields = {"email": Field("email", "email", "str", personal=True)}
    booking = a_booking(extra={"email": "one@example.invalid"})

    answer = ask("field", booking, fields=fields, name="email", contains="example")

    assert answer == Evaluation(True, {"email": "[personal]"})


SAID: dict[str, dict[str, Any]] = {
    "time_before_booking": {"hours": 2},
    "flag_not_set": {"flag": "confirm_sms"},
    "message_owed": {"kind": "guide"},
    "current_hour": {"hour": 20},
    "booking_status": {"status": ("RC03",)},
    "has_option_keyword": {"keywords": ("a",)},
    "has_multiple_options": {"keywords": ("a",), "min_count": 2},
    "date_range": {"start": date(2025, 1, 1), "end": date(2025, 1, 2)},
    "store_is": {"store": ("1051707",)},
    "field": {"name": "one", "equals": 1},
    "language": {"language": ("en",)},
}


@pytest.mark.parametrize("word", sorted(CONDITIONS))
def test_no_condition_shows_a_phone_or_a_name(word: str) -> None:
    booking = a_booking(name="나무구름", extra={"one": 1})

    shown = repr(ask(word, booking, a_record(booking), **SAID.get(word, {})))

    assert "나무구름" not in shown
    assert "0000001" not in shown.replace("-", "")


@pytest.mark.parametrize("value", ["true", "false", "Y", 2, ["x"], {"a": 1}, b"x"], ids=str)
def test_a_flag_of_an_unknown_type_is_never_unset_and_is_named(value: Any) -> None:
    booking = a_booking(start=NOW + timedelta(hours=1))
    item = {"booking_num": booking.booking_num, "phone": booking.key.phone, "remind_sms": value}
    record = read_record(item)

    found = decided(shipped(), [booking], {booking.key: record})

    assert "guide" not in kinds(found)
    assert [error.rule for error in found.errors] == ["guide"]
    assert "set it to true, or to false" in found.errors[0].message


@pytest.mark.parametrize("value", [False, None, "", 0, 1, [], {}], ids=str)
def test_an_empty_flag_or_a_zero_is_unset(value: Any) -> None:
    assert (
        read_record({"booking_num": "1_1", "phone": "x", "remind_sms": value}).unreadable == set()
    )


@pytest.mark.parametrize("word", sorted(CONDITIONS))
def test_a_message_is_for_one_start_when_its_rule_looks_at_the_hours_or_the_day(word: str) -> None:
    booking = a_booking(extra={"one": 1})

    answer = ask(word, booking, a_record(booking), **SAID.get(word, {}))

    assert answer.start_bound is (word in ("time_before_booking", "date_is_today"))


@pytest.mark.parametrize(("said", "told"), [("ja", "ja"), (None, "none")])
def test_the_language_that_a_customer_has_is_told(said: str | None, told: str) -> None:
    answer = ask("language", a_booking(extra={"language": said}), language=("en",))

    assert answer == Evaluation(False, {"language": told})


def test_a_range_may_be_one_day(tmp_path: Path) -> None:
    book = a_rulebook(tmp_path, a_rule("date_range: {start: 2025-12-24, end: 2025-12-24}"))

    days = [
        decided(book, [a_booking(start=at(f"2025-12-{day} 12:00"))]).verdicts[0].fired
        for day in (23, 24, 25)
    ]

    assert days == [False, True, False]


def test_a_range_does_not_end_before_it_starts(tmp_path: Path) -> None:
    rules = a_rule("date_range: {start: 2025-12-24, end: 2025-12-23}")

    [problem] = problems(tmp_path, rules)

    assert "start 2025-12-24 is after end 2025-12-23" in problem


MOMENTS = [NOW + timedelta(hours=hours) for hours in (-30, -2, 0, 1, 2, 3, 6, 30)]


@pytest.mark.parametrize(
    "word", [w for w in sorted(CONDITIONS) if hasattr(CONDITIONS[w], "__quick__")]
)
@pytest.mark.parametrize("start", [m + d for m in MOMENTS for d in (-SECOND, timedelta(), SECOND)])
def test_a_quick_answer_is_the_answer(word: str, start: datetime) -> None:
    said = SAID.get(word, {})
    check = quick_check(CONDITIONS[word], said)
    assert check is not None
    booking = a_booking(start=start)
    unset, done = a_record(booking), a_record(booking, confirm_sms=True)
    for record in (None, unset, done):
        for now in (NOW, NOW.replace(hour=19), NOW.replace(hour=20), NOW.replace(hour=21)):
            ctx = Context(booking, record, now, stores(), {})
            assert check(ctx) is CONDITIONS[word](ctx, **said).holds


def test_of_a_flag_that_nobody_can_read_there_is_no_quick_answer() -> None:
    booking = a_booking()
    check = quick_check(CONDITIONS["flag_not_set"], {"flag": "confirm_sms"})
    assert check is not None

    record = a_record(booking, unreadable=frozenset({"confirm_sms"}))

    assert check(Context(booking, record, NOW, stores(), {})) is None


@pytest.mark.parametrize(
    ("start", "last"),
    [
        ("2025-10-20 15:00", "2025-10-23"),
        ("2025-10-22 00:00", "2025-10-23"),
        ("2025-10-22 23:59", "2025-10-23"),
        ("2025-10-23 00:00", "2025-10-24"),
        ("2025-11-02 09:00", "2025-11-03"),
    ],
)
def test_the_days_ahead_are_from_today_until_the_day_after_the_bookings(
    start: str, last: str
) -> None:
    days = list(days_ahead(a_booking(start=at(start)), NOW))

    assert (days[0], days[-1]) == (NOW.date(), date.fromisoformat(last))
    assert {after - day for day, after in pairwise(days)} == {timedelta(days=1)}


@pytest.mark.parametrize(
    ("word", "said", "moments"),
    [
        ("booking_in_db", {}, None),
        ("starts_in_future", {}, ["2025-10-22 18:00"]),
        ("time_before_booking", {"hours": 1.5}, ["2025-10-22 16:30", "2025-10-22 18:00"]),
        ("date_is_today", {}, ["2025-10-22 00:00", "2025-10-23 00:00"]),
        (
            "current_hour",
            {"hour": 9},
            ["2025-10-22 09:00", "2025-10-22 10:00", "2025-10-23 09:00", "2025-10-23 10:00"],
        ),
        (
            "current_hour",
            {"hour": 23},
            ["2025-10-22 23:00", "2025-10-22 00:00", "2025-10-23 23:00", "2025-10-23 00:00"],
        ),
    ],
)
def test_a_condition_says_at_which_moments_alone_its_answer_changes(
    word: str, said: dict[str, Any], moments: list[str] | None
) -> None:
    found = moments_of(CONDITIONS[word], a_booking(start=at("2025-10-22 18:00")), NOW, said)

    told = None if found is None else [f"{moment:%Y-%m-%d %H:%M}" for moment in found]
    assert told == moments
