"""Times as text: only what names its offset is read, and always as Seoul time."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from naverplace.base.clock import SEOUL
from naverplace.base.time_format import format_utc, parse_time


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
