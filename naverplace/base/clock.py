"""The one place where time comes from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
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


def parse_time(value: object, zone: tzinfo | None = None) -> datetime | None:
    """Read an ISO 8601 text as Seoul time; None when it is none, or has neither offset nor `zone`.

    `zone` is that of a text without an offset.
    """
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
        if read is None or not (read.tzinfo or zone):
            return None
        return (read if read.tzinfo else read.replace(tzinfo=zone)).astimezone(SEOUL)
    except (ValueError, OverflowError):
        return None


def format_utc(moment: datetime) -> str:
    """Write a time in UTC, as tables keep it."""
    return moment.astimezone(UTC).isoformat()
