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
