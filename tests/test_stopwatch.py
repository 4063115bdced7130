"""Phases are measured from their first start to their last end."""

import threading

import pytest

from naverplace.stopwatch import Stopwatch


def test_a_phase_of_two_parts_side_by_side_is_counted_once() -> None:
    watch = Stopwatch()
    together = threading.Barrier(2)

    def part() -> None:
        with watch.phase("reading"):
            together.wait(timeout=10)

    threads = [threading.Thread(target=part) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)

    assert list(watch.phases()) == ["reading"]
    assert 0 <= watch.phases()["reading"] <= watch.seconds()


def test_a_phase_that_raises_is_counted_too() -> None:
    watch = Stopwatch()

    def fail() -> None:
        with watch.phase("broken"):
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        fail()

    assert "broken" in watch.phases()


def test_phases_are_listed_in_the_order_they_began() -> None:
    watch = Stopwatch()
    with watch.phase("outer"), watch.phase("inner"):
        pass

    assert list(watch.phases()) == ["outer", "inner"]
