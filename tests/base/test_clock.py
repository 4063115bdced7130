"""The clock runs at the machine's speed, in Korea's zone, at a known distance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from naverplace.base.clock import SEOUL, Clock


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
