"""The one place where time comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")


@dataclass(frozen=True)
class Clock:
    """A clock that runs at the machine's speed, `offset` away from it.

    An offset other than zero is for simulations; `Settings` refuses it unless every service is on
    loopback, so a production run cannot be started with a wrong clock by accident.
    """

    offset: timedelta = timedelta()

    def now(self) -> datetime:
        """Tell the time, aware, in Asia/Seoul."""
        return (datetime.now(UTC) + self.offset).astimezone(SEOUL)

    def epoch_ms(self) -> int:
        """Tell the time in milliseconds since 1970, as SENS signs it."""
        return int(self.now().timestamp() * 1000)


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
