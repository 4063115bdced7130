"""The one place where time comes from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from naverplace.base.translation import gettext as _

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


_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
_HOUR = re.compile(r"\d{1,2}:\d{2}")


def parse_moment(text: str, *, now: datetime) -> datetime:
    """Read a moment that a person types: 18:00 (today's), 2026-10-22 18:00, +30m, +2h, +1d, -1d.

    Raises ValueError for anything else.
    """
    said = text.strip()
    if away := re.fullmatch(r"([+-])(\d{1,4})([mhd])", said):
        span = timedelta(**{_UNITS[away[3]]: int(away[2])})
        return now + span if away[1] == "+" else now - span
    today = f"{now.astimezone(SEOUL):%F}"
    moment = parse_time(f"{today} {said:0>5}" if _HOUR.fullmatch(said) else said, SEOUL)
    if moment is None:
        words = _("{text!r} is no time; write 18:00, '2026-10-22 18:00', +30m, +2h or +1d")
        raise ValueError(words.format(text=text))
    return moment


def parse_future(text: str, *, now: datetime) -> datetime:
    """Read a coming moment that a person types; of 18:00 the next one.

    Raises ValueError for what is no time, and for a moment that is over.
    """
    moment = parse_moment(text, now=now)
    if moment <= now and _HOUR.fullmatch(text.strip()):
        moment += timedelta(days=1)
    if moment <= now:
        words = _("{text!r} is over already: it is {now}")
        raise ValueError(words.format(text=text, now=f"{now.astimezone(SEOUL):%F %H:%M}"))
    return moment


def format_utc(moment: datetime) -> str:
    """Write a time in UTC, as tables keep it."""
    return moment.astimezone(UTC).isoformat()
