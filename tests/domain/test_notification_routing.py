"""Where and when the owner is told: hours without summaries, the digest's moment, channels."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from naverplace.base.clock import SEOUL
from naverplace.base.yaml_nodes import ErrorList
from naverplace.domain.notification_routing import (
    ClockTime,
    Routing,
    Summary,
    When,
    load_routing,
)

NIGHT, NOON = (time(22), time(8)), (time(12), time(13))
ON, OFF = {"enabled": True}, {"enabled": False}


def at(hour: int, minute: int = 0, second: int = 0, micro: int = 0) -> datetime:
    return datetime(2026, 3, 4, hour, minute, second, micro, SEOUL)


def a_routing(**values: Any) -> Routing:
    return Routing.model_validate({"channels": {"telegram": ON}, "alerts": ["telegram"], **values})


@pytest.mark.parametrize(
    ("quiet", "now", "is_quiet"),
    [
        (NIGHT, at(21, 59, 59, 999_999), False),
        (NIGHT, at(22), True),
        (NIGHT, at(23, 30), True),
        (NIGHT, at(0), True),
        (NIGHT, at(7, 59, 59, 999_999), True),
        (NIGHT, at(8), False),
        (NIGHT, at(12), False),
        (NOON, at(11, 59, 59, 999_999), False),
        (NOON, at(12), True),
        (NOON, at(12, 30), True),
        (NOON, at(13), False),
        (NOON, at(23), False),
        ((time(12), time(12)), at(12), False),  # no time at all
    ],
)
def test_quiet_hours_have_their_first_moment_and_not_their_last(
    quiet: tuple[time, time], now: datetime, is_quiet: bool
) -> None:
    assert Summary(quiet=quiet, digest_at=time(9)).is_quiet(now) is is_quiet


@pytest.mark.parametrize(
    ("now", "days_ago"),
    [
        (at(20, 59, 59, 999_999), 1),
        (at(21), 0),
        (at(21, 0, 0, 1), 0),
        (at(0), 1),
        (at(23, 59), 0),
    ],
)
def test_a_digest_was_due_at_the_last_such_moment_until_now(now: datetime, days_ago: int) -> None:
    assert Summary().last_digest_before(now) == at(21) - timedelta(days=days_ago)


@pytest.mark.parametrize("digest_at", [time(22), time(23), time(0), time(7, 59)])
def test_a_digest_in_the_quiet_hours_is_refused(digest_at: time) -> None:
    with pytest.raises(ValidationError, match="digest"):
        Summary(digest_at=digest_at, quiet=NIGHT)


@pytest.mark.parametrize("digest_at", [time(8), time(21, 59), time(12)])
def test_a_digest_beside_the_quiet_hours_is_taken(digest_at: time) -> None:
    assert Summary(digest_at=digest_at, quiet=NIGHT).digest_at == digest_at


def test_where_the_digests_time_is_wrong_only_that_is_told() -> None:
    with pytest.raises(ValidationError) as told:
        Summary.model_validate({"digest_at": "9 o'clock", "quiet": ["22:00", "08:00"]})

    assert [error["loc"] for error in told.value.errors()] == [("digest_at",)]


@pytest.mark.parametrize("text", ["21:00", "21:00:30", "00:00"])
def test_a_korean_time_of_day_is_a_clock_time(text: str) -> None:
    assert TypeAdapter(ClockTime).validate_python(text) == time.fromisoformat(text)


@pytest.mark.parametrize("value", ["21", "9:00", "21:00Z", "25:00", 2100, 75_600, None, "x21:00"])
def test_nothing_else_is_a_clock_time(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(ClockTime).validate_python(value)


def test_what_is_not_said_is_the_quiet_way() -> None:
    summary = a_routing().summary

    assert (summary.when, summary.every_hours) == (When.CHANGES, 3)
    assert (summary.digest_at, summary.quiet) == (time(21), NIGHT)
    assert summary.channels == ("telegram", "slack")


@pytest.mark.parametrize(("hours", "is_taken"), [(1, True), (24, True), (0.99, False), (25, False)])
def test_summaries_are_hours_apart_and_at_most_a_day(hours: float, is_taken: bool) -> None:
    try:
        assert Summary(every_hours=hours).every_hours == hours
        assert is_taken
    except ValidationError:
        assert not is_taken


def test_a_channel_that_is_not_named_is_off_and_each_is_told_once() -> None:
    routing = a_routing(alerts=["slack", "telegram", "telegram"], summary=["telegram", "slack"])
    both = a_routing(channels={"slack": ON, "telegram": ON}, alerts=["slack", "telegram", "slack"])

    assert routing.enabled == ("telegram",)
    assert routing.channels_for(alert=True) == routing.channels_for(alert=False) == ("telegram",)
    assert (both.enabled, both.channels_for(alert=True)) == (
        ("telegram", "slack"),
        ("slack", "telegram"),
    )


def test_a_list_in_the_place_of_a_summary_names_its_channels() -> None:
    assert a_routing(summary=["slack"]).summary == Summary(channels=("slack",))
    assert a_routing(summary={"when": "daily"}).summary == Summary(when=When.DAILY)


def test_alerts_that_reach_nobody_are_refused_where_they_stand(tmp_path: Path) -> None:
    file, problems = tmp_path / "notifications.yaml", ErrorList()
    file.write_text("channels: {telegram: {enabled: true}}\nalerts: [slack]\n", encoding="utf-8")

    load_routing(file, problems)

    assert [line.partition(": ")[0].rpartition("/")[2] for line in problems.lines()] == [
        "notifications.yaml:2:9"
    ]


def test_a_file_that_cannot_be_read_is_one_problem_and_no_routing(tmp_path: Path) -> None:
    problems = ErrorList()

    assert load_routing(tmp_path / "none.yaml", problems) is None
    assert len(problems.lines()) == 1


def test_a_sound_file_is_no_problem(tmp_path: Path) -> None:
    file, problems = tmp_path / "notifications.yaml", ErrorList()
    file.write_text("channels: {slack: {enabled: true}}\nalerts: [slack]\n", encoding="utf-8")

    routing = load_routing(file, problems)

    assert routing is not None
    assert (routing.channels_for(alert=True), problems.lines()) == (("slack",), [])


@pytest.mark.parametrize("alerts", [[], None, ["telegramm"]])
def test_alerts_name_at_least_one_channel_that_there_is(alerts: object) -> None:
    with pytest.raises(ValidationError):
        a_routing(alerts=alerts)


def test_on_is_said_by_true_and_by_nothing_like_it() -> None:
    for value in ("yes", 1, None):
        with pytest.raises(ValidationError):
            a_routing(channels={"telegram": {"enabled": value}})
