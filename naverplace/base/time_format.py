"""Times as text: read into Seoul time, written in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from naverplace.base.clock import SEOUL


def parse_time(value: object) -> datetime | None:
    """Read an ISO 8601 text with an offset as Seoul time; None when it is no such text."""
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
        return read.astimezone(SEOUL) if read and read.tzinfo else None
    except (ValueError, OverflowError):
        return None


def format_utc(moment: datetime) -> str:
    """Write a time in UTC, as tables keep it."""
    return moment.astimezone(UTC).isoformat()
