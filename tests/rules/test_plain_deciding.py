"""Verdicts are those of the plain way, in which every condition is asked in full."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import plain_deciding
from naverplace.rules.conditions import CONDITIONS
from naverplace.rules.evaluation import LateObservation
from tests.rule_builders import NOW, a_booking, decided, shipped


def test_random_cases_are_decided_as_the_plain_way_decides_them() -> None:
    assert plain_deciding.differences(400, seed=2) == []


def test_the_comparison_sees_a_quick_no_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    word: Any = CONDITIONS["starts_in_future"]
    monkeypatch.setattr(word, "__quick__", lambda: lambda ctx: ctx.booking.start > NOW)

    assert plain_deciding.differences(60)


def test_the_words_of_a_plain_no_are_made_when_somebody_reads_them() -> None:
    booking = a_booking(start=NOW)
    verdict = next(v for v in decided(shipped(), [booking]).verdicts if v.rule == "new-booking")

    assert isinstance(verdict.observed, LateObservation)
    assert verdict.observed._found is None
    assert verdict.observed == {"start": booking.start}
    assert repr(verdict.observed) == repr({"start": booking.start})
