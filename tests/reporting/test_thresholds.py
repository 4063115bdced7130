"""The thresholds of a run: each holds on one side of its edge only, and unknown stays unknown."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.reporting.thresholds import NOT_MEASURED, Measured, check_thresholds, missed
from naverplace.settings.sections import ThresholdSettings

SEED = Measured(
    total_seconds=145.0,
    booking_api_seconds=32.0,
    dynamodb_seconds=0.8,
    sms_seconds=6.8,
    notification_seconds=0.4,
    memory_mb=412.0,
    allocated_mb=512.0,
)
EDGES = {
    "total_seconds": ("Total Duration", 300.0),
    "booking_api_seconds": ("API Call Duration", 60.0),
    "dynamodb_seconds": ("DynamoDB Operations", 5.0),
    "sms_seconds": ("SMS Sending", 30.0),
    "notification_seconds": ("Notification Sending", 5.0),
    "memory_mb": ("Memory Peak", 512.0),
}


def test_the_figures_of_the_first_production_run_hold() -> None:
    rows = check_thresholds(SEED)

    assert [row.holds for row in rows] == [True] * 7
    assert missed(rows) == []
    assert [row.metric for row in rows] == [*(name for name, _ in EDGES.values()), rows[-1].metric]
    assert (rows[-1].metric, rows[-1].value) == ("Memory Efficiency", "80.5%")


@pytest.mark.parametrize(("field", "edge"), EDGES.items())
def test_a_threshold_does_not_hold_at_its_edge(field: str, edge: tuple[str, float]) -> None:
    metric, limit = edge
    at = check_thresholds(replace(SEED, allocated_mb=None, **{field: limit}))
    step = 0.1 if field == "memory_mb" else 0.001  # as finely as it is shown
    under = check_thresholds(replace(SEED, allocated_mb=None, **{field: limit - step}))

    assert [row.metric for row in missed(at)] == [metric]
    assert missed(under) == []


def test_exactly_half_of_the_memory_is_too_little() -> None:
    assert check_thresholds(replace(SEED, memory_mb=256.0))[-1].holds is False
    assert check_thresholds(replace(SEED, memory_mb=257.0))[-1].holds is True


def test_what_was_not_measured_is_neither_held_nor_missed() -> None:
    rows = check_thresholds(Measured())

    assert {(row.holds, row.value, row.mark) for row in rows} == {
        (None, NOT_MEASURED, NOT_MEASURED)
    }


def test_an_efficiency_needs_the_memory_that_was_given() -> None:
    row = check_thresholds(replace(SEED, allocated_mb=None))[-1]

    assert (row.value, row.holds) == (NOT_MEASURED, None)


def test_the_thresholds_are_settings() -> None:
    strict = ThresholdSettings(total_seconds=10, memory_share=0.9)

    assert [row.metric for row in missed(check_thresholds(SEED, strict))] == [
        "Total Duration",
        "Memory Efficiency",
    ]
    assert check_thresholds(SEED, strict)[0].threshold == "< 10s"


@given(st.sampled_from(sorted(EDGES)), st.floats(0, 1000), st.floats(0, 1000))
def test_more_never_holds_where_less_did_not(field: str, one: float, other: float) -> None:
    less, more = sorted((one, other))
    at = [f.name for f in fields(Measured)].index(field)

    low = check_thresholds(replace(SEED, **{field: less}))[at].holds
    high = check_thresholds(replace(SEED, **{field: more}))[at].holds

    assert low or not high
