"""The clock runs at the machine's speed, in Korea's zone, at a known distance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from naverplace.base.clock import SEOUL, Clock, format_utc, parse_future, parse_time


@pytest.mark.parametrize("offset", [timedelta(), timedelta(days=-30), timedelta(hours=6)])
def test_now_is_the_machines_time_and_the_offset_aware_in_seoul(offset: timedelta) -> None:
    before = datetime.now(UTC)

    now = Clock(offset).now()

    assert before + offset <= now <= datetime.now(UTC) + offset
    assert now.tzinfo is SEOUL
    assert now.utcoffset() == timedelta(hours=9)


def test_a_run_around_midnight_in_seoul_sees_seouls_date() -> None:
    machine = datetime.now(UTC)
    midnight = machine.replace(hour=15, minute=0, second=0, microsecond=0)

    now = Clock(midnight - machine + timedelta(seconds=30)).now()

    assert (now.hour, now.minute) == (0, 0)
    assert now.date() == (midnight + timedelta(hours=9)).date()


def test_milliseconds_are_those_of_the_same_moment() -> None:
    clock = Clock(timedelta(seconds=-100))

    before = clock.now()
    milliseconds = clock.epoch_ms()

    assert int(before.timestamp() * 1000) <= milliseconds <= int(clock.now().timestamp() * 1000)


def test_a_clock_cannot_be_set_once_it_runs() -> None:
    with pytest.raises(AttributeError):
        Clock().offset = timedelta(1)  # type: ignore[misc]


@pytest.mark.parametrize("text", ["2025-10-21T09:00:00Z", "2025-10-21T18:00:00+09:00"])
def test_a_time_with_an_offset_is_read_as_seoul_time(text: str) -> None:
    read = parse_time(text)

    assert read == datetime(2025, 10, 21, 18, tzinfo=SEOUL)
    assert read.tzinfo is SEOUL


@pytest.mark.parametrize(
    "value", ["2025-10-21", "2025-10-21T09:00:00", "x", "", None, 3, "0001-01-01T00:00:00+14:00"]
)
def test_anything_else_is_no_time(value: object) -> None:
    assert parse_time(value) is None


def test_a_written_time_is_read_again() -> None:
    moment = datetime(2025, 10, 21, 18, 30, tzinfo=SEOUL)

    assert format_utc(moment) == datetime(2025, 10, 21, 9, 30, tzinfo=UTC).isoformat()
    assert parse_time(format_utc(moment)) == moment


NOON = datetime(2026, 10, 22, 12, 0, tzinfo=SEOUL)


@pytest.mark.parametrize(
    ("typed", "moment"),
    [
        ("18:00", NOON.replace(hour=18)),
        ("9:30", NOON.replace(day=23, hour=9, minute=30)),
        ("2026-10-24 18:00", NOON.replace(day=24, hour=18)),
        ("2026-10-24T18:00+00:00", NOON.replace(day=25, hour=3)),
        ("+30m", NOON.replace(minute=30)),
        ("+2h", NOON.replace(hour=14)),
        ("+1d", NOON.replace(day=23)),
    ],
)
def test_a_moment_ahead_is_read_as_a_person_types_it(typed: str, moment: datetime) -> None:
    assert parse_future(typed, now=NOON) == moment


@pytest.mark.parametrize("typed", ["", "soon", "25:00", "+2w", "2026-10-22 11:00", "18"])
def test_what_is_no_moment_ahead_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"is no time|is over already"):
        parse_future(typed, now=NOON)
