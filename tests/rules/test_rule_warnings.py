"""What is allowed and hardly meant is told by `rules check`, with its place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from naverplace.domain.booking import BookingStatus, Option
from naverplace.rules.conditions import CONDITIONS, Context
from naverplace.rules.evaluation import compile_condition
from naverplace.rules.rule_logic import find_clash, open_ways, ways_of
from naverplace.rules.rule_tests import RuleTester
from naverplace.rules.rule_warnings import find_warnings
from tests.examples import examples
from tests.rule_builders import (
    NOW,
    ROOT,
    STORE,
    TEMPLATES,
    a_booking,
    a_record,
    a_rule,
    a_rulebook,
    access,
    shipped,
    stores,
)

NEVER = """\
booking_status: RC03, booking_status: RC08
booking_status: RC03, not: {booking_status: [RC03, RC08]}
booking_in_db, booking_not_in_db
booking_not_in_db, message_owed: note
booking_not_in_db, not: {flag_not_set: remind_sms}
current_hour: 9, current_hour: 20
store_is: 1051707, store_is: 951291
starts_in_future, not: starts_in_future
time_before_booking: 2, not: starts_in_future
time_before_booking: 2, not: {time_before_booking: 3}
date_range: {start: 2026-01-01, end: 2026-01-02}, date_range: {start: 2026-02-01, end: 2026-02-02}
field: {name: total_price, at_least: 5}, field: {name: total_price, at_most: 4}
field: {name: area_name, equals: a}, field: {name: area_name, one_of: [b, c]}
any: [{booking_status: RC03}, {booking_status: RC02}], booking_status: RC08
not: {any: [booking_in_db, booking_not_in_db]}
"""
EVER = """\
booking_status: [RC03, RC08], booking_status: RC08
booking_in_db, message_owed: note
time_before_booking: 3, not: {time_before_booking: 2}
starts_in_future, not: {time_before_booking: 2}
any: [{current_hour: 9}, {current_hour: 20}], current_hour: 20
field: {name: total_price, at_least: 5, if_missing: true}, \
field: {name: total_price, at_most: 4, if_missing: true}
not: {all: [{booking_status: RC03}, {booking_status: RC08}]}
"""


def warned(folder: Path, rules: str, templates: str = TEMPLATES) -> list[str]:
    book = a_rulebook(folder, rules, templates=templates)
    return [line.removeprefix(f"{folder.as_posix()}/") for line in find_warnings(book, folder)]


@pytest.mark.parametrize("when", NEVER.splitlines())
def test_a_rule_that_can_never_fire_is_told_with_both_places(tmp_path: Path, when: str) -> None:
    found = warned(tmp_path, a_rule(when, "send_sms: note"))

    assert len(found) == 1
    assert found[0].startswith("r.yaml:2:")
    assert "rule 'r' can never fire" in found[0]
    assert "in line 2" in found[0]


@pytest.mark.parametrize("when", EVER.splitlines())
def test_a_rule_that_may_fire_is_not_warned_of(tmp_path: Path, when: str) -> None:
    assert warned(tmp_path, a_rule(when, "send_sms: note")) == []


def test_a_test_of_a_store_that_is_gone_is_left_out_and_told_and_refuses_nothing(
    tmp_path: Path,
) -> None:
    gone, here = "{store: 1051708, in_db: true}", "{in_db: true}"
    tests = f"[{{given: {gone}, expect: sent}}, {{given: {here}, expect: sent}}]"
    book = a_rulebook(tmp_path, a_rule("booking_in_db", "send_sms: note") + f"  tests: {tests}\n")
    [rule] = book.rules

    assert [line.rpartition("/")[2] for line in find_warnings(book, tmp_path)] == [
        "r.yaml:4:11: this test is left out: there is no store '1051708'; did you mean '1051707'?"
    ]
    assert len(RuleTester(book).runnable(rule)) == 1
    assert [*RuleTester(book).failures(rule)] == []


CONDITION = st.sampled_from(
    [
        *("booking_in_db", "booking_not_in_db", "starts_in_future", "date_is_today"),
        *("time_before_booking: 2", "time_before_booking: 5", "current_hour: 14"),
        *("current_hour: 15", "booking_status: RC03", "booking_status: [RC03, RC08]"),
        *("booking_status: RC08", f"store_is: {STORE}", "store_is: 951291"),
        *("flag_not_set: remind_sms", "message_owed: note", "has_option_keyword: 네이버"),
        "field: {name: total_price, at_least: 5, if_missing: false}",
        "field: {name: total_price, at_most: 4, if_missing: true}",
        "field: {name: total_price, equals: 3, if_missing: true}",
        "date_range: {start: 2025-10-22, end: 2025-10-22}",
        "date_range: {start: 2025-10-23, end: 2025-10-30}",
    ]
)
GROUP = st.recursive(
    CONDITION.map(lambda said: f"{{{said}}}" if ":" in said else said),
    lambda parts: st.one_of(
        parts.map("{{not: {}}}".format),
        st.lists(parts, min_size=1, max_size=3).map(lambda p: f"{{any: [{', '.join(p)}]}}"),
        st.lists(parts, min_size=1, max_size=3).map(lambda p: f"{{all: [{', '.join(p)}]}}"),
    ),
    max_leaves=6,
)


@settings(max_examples=examples(2000))
@given(
    st.lists(GROUP, min_size=1, max_size=3),
    st.sampled_from(list(BookingStatus)),
    st.integers(-6, 30),
    st.sampled_from([None, {}, {"remind_sms": True}]),
    st.sampled_from([{}, {"total_price": 3}, {"total_price": 5}]),
    st.integers(0, 2),
)
def test_what_fires_for_some_booking_is_never_said_to_fire_never(
    tmp_path_factory: pytest.TempPathFactory,
    when: list[str],
    status: BookingStatus,
    hours: int,
    flags: dict[str, bool] | None,
    extra: dict[str, int],
    later: int,
) -> None:
    book = a_rulebook(tmp_path_factory.mktemp("rules"), a_rule(", ".join(when), "send_sms: note"))
    [rule] = book.rules
    booking = a_booking(
        status=status,
        start=NOW + timedelta(hours=hours),
        extra=extra,
        options=(Option(name="네이버"),) if hours % 2 else (),
    )
    record = None if flags is None else a_record(booking, **flags)
    ctx = Context(booking, record, NOW + timedelta(hours=later), stores(), book.fields)
    ways = ways_of(rule.when)

    if compile_condition(rule.when, CONDITIONS)(ctx).holds:
        assert open_ways(ways, stores())
    assert all(
        find_clash(way, stores())
        for way in ways_of(rule.when)
        if way not in open_ways(ways, stores())
    )


def test_two_rules_that_always_fire_together_are_told(tmp_path: Path) -> None:
    one = a_rule("booking_in_db, starts_in_future", "send_sms: note", "one")
    same = a_rule("starts_in_future, all: [booking_in_db]", "send_sms: confirmation", "same")
    other = a_rule("starts_in_future", "send_sms: confirmation", "other")

    [found] = warned(tmp_path, one + same.replace("all: [", "{all: [").replace("]]", "]}]") + other)

    assert found.startswith("r.yaml:4:3: rules 'same' and 'one' (")
    assert "always fire together" in found


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("비밀번호: 7301*#", True),
        ("출입문 비밀번호는 7301#", True),
        ("와이파이 studio2024!", True),
        ("wifi: abcd1234", True),
        ("PASSWORD=hello99", True),
        ("비밀번호: {{ access.door_code }}", False),
        ("비밀번호 문의: 031-000-0001", False),
        ("와이파이 이용 20000원", False),
        ("쿠폰 코드는 카운터에서 드립니다", False),
        ("와이파이는 2층에서 됩니다", False),
    ],
)
def test_a_secret_typed_into_a_text_is_told_and_not_quoted(
    tmp_path: Path, text: str, *, secret: bool
) -> None:
    templates = f'templates:\n  note: {{type: LMS, text: "{{{{ booking.start }}}} {text}"}}\n'

    found = warned(tmp_path, a_rule("starts_in_future"), templates)

    assert [
        ("looks like a secret" in line, line.startswith("templates.yaml:2:")) for line in found
    ] == [(True, True)] * secret
    assert not any("7301" in line for line in found)


def test_a_secret_that_is_known_is_found_wherever_it_is_typed(tmp_path: Path) -> None:
    templates = TEMPLATES.replace("{{ booking.name }}", "{{ booking.name }} abcd")
    book = a_rulebook(tmp_path, a_rule("starts_in_future"), templates=templates)

    [found] = find_warnings(book, tmp_path, access={STORE: {"gate": SecretStr("abcd")}})

    assert "the secret access.gate is typed here: write {{ access.gate }} instead" in found
    assert "abcd" not in found


def test_a_text_that_is_an_lms_for_some_customers_is_told_with_its_bytes(tmp_path: Path) -> None:
    said = "{{ booking.start }} {{ booking.name }}"  # 14 to 23 bytes, and 2 to 20
    filled = {
        count: warned(
            tmp_path, a_rule("starts_in_future"), TEMPLATES.replace(said, said + "a" * count)
        )
        for count in (45, 46, 66, 67)
    }

    assert (filled[45], filled[67]) == ([], [])
    assert "91 bytes, 1 more than an SMS holds" in filled[46][0]
    assert "21 more than" in filled[66][0]
    assert filled[46][0].startswith("templates.yaml:2:")


def test_files_beside_the_rules_that_nobody_reads_are_told(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more/x.yaml").write_text("", "utf-8")
    for name in ("notes.txt", "README.md", ".hidden", "r.yaml~"):
        (tmp_path / name).write_text("", "utf-8")

    assert warned(tmp_path, a_rule("starts_in_future")) == [
        "more:1:1: the files of this folder are not read: put them beside the others",
        "notes.txt:1:1: is not read: only files whose names end with .yaml are",
    ]


def test_the_shipped_files_are_not_warned_of() -> None:
    assert find_warnings(shipped(), ROOT / "rules", access=access()) == []
