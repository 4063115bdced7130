"""The demo's checks can fail: each figure that is off by one is found."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sandbox.demo.checks import Snapshot, check_run

BEFORE = Snapshot((), (), {"confirmation": 5, "guide": 3, "event": 0}, items=5, logins=0)
AFTER = Snapshot(
    (("01000000001", "확정"), ("01000000002", "안내")),
    ("문자 2건 접수",),
    {"confirmation": 6, "guide": 4, "event": 0},
    items=6,
    logins=1,
)
EXPECTED = {
    "messages": {"confirmation": 1, "guide": 1, "event": 0},
    "bookings_confirmed": 3,
    "bookings_completed": 1,
    "quarantined": 0,
}


def a_report(**changes: Any) -> dict[str, Any]:
    return {
        "balanced": True,
        "messages": {"confirmation": 1, "guide": 1, "event": 0},
        "writes_by_action": {"create_db_record": 1, "send_sms": 4},
        "browser_opened": True,
        "bookings_confirmed": 3,
        "bookings_completed": 1,
        "quarantined": 0,
        "stores": [{"messages": {"confirmation": 1, "guide": 1, "event": 0}}],
        **changes,
    }


def broken(report: dict[str, Any], *, after: Snapshot = AFTER, code: int = 0) -> list[str]:
    checks = check_run(report, before=BEFORE, after=after, expected=EXPECTED, exit_code=code)
    return [check.what for check in checks if not check.holds]


def test_a_run_that_agrees_with_the_world_passes() -> None:
    assert broken(a_report()) == []


@pytest.mark.parametrize(
    ("report", "what"),
    [
        (a_report(balanced=False), "the report's own sums balance"),
        (a_report(browser_opened=False), "logins with a browser"),
        (a_report(bookings_confirmed=4), "scenario: bookings_confirmed"),
        (a_report(quarantined=1), "scenario: quarantined"),
        (a_report(stores=[]), "stores add up to the total"),
        (a_report(writes_by_action={}), "records made"),
        (a_report(messages={"confirmation": 2, "guide": 0, "event": 0}), "scenario: messages"),
        ({}, "the run wrote a report"),
    ],
)
def test_a_figure_that_is_wrong_in_the_report_is_found(report: dict[str, Any], what: str) -> None:
    assert what in broken(report)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"messages": AFTER.messages[:1]}, "messages on the phones"),
        ({"messages": (AFTER.messages[0],) * 2}, "messages that came twice"),
        ({"flags": BEFORE.flags}, "flags flipped in the table"),
        ({"items": 5}, "records made"),
        ({"logins": 2}, "logins with a browser"),
        ({"telegram": ()}, "summaries on Telegram"),
    ],
)
def test_a_world_that_saw_something_else_is_found(changes: dict[str, Any], what: str) -> None:
    assert what in broken(a_report(), after=replace(AFTER, **changes))


def test_a_run_that_ended_badly_is_found() -> None:
    assert broken(a_report(), code=1) == ["the run ended well"]


def test_a_second_run_that_sends_anything_is_found() -> None:
    checks = check_run(a_report(), before=BEFORE, after=AFTER, expected=None, exit_code=0)

    assert {check.what for check in checks if not check.holds} == {
        "scenario: messages",
        "scenario: browser_opened",
    }
