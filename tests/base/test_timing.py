"""Phases are measured from their first start to their last end."""

import threading

import pytest

from naverplace.base.timing import Calls, PhaseTimer


def test_a_phase_of_two_parts_side_by_side_is_counted_once() -> None:
    watch = PhaseTimer()
    together = threading.Barrier(2)

    def part() -> None:
        with watch.phase("reading"):
            together.wait(timeout=10)

    threads = [threading.Thread(target=part) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert list(watch.spans()) == ["reading"]
    begin, end = watch.spans()["reading"]
    assert 0 <= begin <= end <= watch.seconds()


def test_a_phase_that_raises_is_counted_too() -> None:
    watch = PhaseTimer()

    def fail() -> None:
        with watch.phase("broken"):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()

    assert "broken" in watch.spans()


def test_phases_are_listed_in_the_order_they_began() -> None:
    watch = PhaseTimer()
    with watch.phase("outer"), watch.phase("inner"):
        pass

    assert list(watch.spans()) == ["outer", "inner"]
    outer, inner = watch.spans().values()
    assert 0 <= outer[0] <= inner[0] <= inner[1] <= outer[1] <= watch.seconds()


def test_calls_side_by_side_count_once_on_the_wall_and_fully_in_the_sum() -> None:
    watch = PhaseTimer()
    for begin, end in ((10.0, 12.0), (11.0, 13.0), (20.0, 21.0), (20.2, 20.4)):
        watch.note("sms", begin, end)
    watch.note("telegram", 12.5, 14.0)

    sms = watch.calls("sms")

    assert (sms.count, sms.wall) == (4, 4.0)
    assert sms.summed == pytest.approx(5.2)
    assert watch.calls("sms", "telegram").wall == 5.0
    assert watch.calls("slack") == Calls(0, 0.0, 0)


def test_a_call_that_raises_is_counted_too() -> None:
    watch = PhaseTimer()

    with pytest.raises(ValueError, match="broken"), watch.call("sms"):
        raise ValueError("broken")

    assert watch.calls("sms").count == 1
