"""A pause: a person has said that no customer of a store, or of all stores, gets a message; pure.

A store's own pause stands in its item, where the write that takes its lease meets it; the pause of
all stores in an item of its own, for it holds for stores that are added later as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from naverplace.base.clock import SEOUL, format_utc, parse_time
from naverplace.base.translation import gettext as _

PAUSE = "pause"  # the attribute
Attributes = Mapping[str, Any]  # of a store's item, or of that for all stores
ALL_STORES = "naverplace-all-stores"  # id of the item for all stores in table `session`
FORGOTTEN = timedelta(days=1)  # a pause without an end is asked about once in so long
_UNKNOWN = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Pause:
    """One pause; without `until` it holds until somebody resumes."""

    since: datetime
    until: datetime | None = None
    reason: str = ""
    by: str = ""
    of_all: bool = False  # it was said for all stores

    def holds_at(self, now: datetime) -> bool:
        """Tell whether nothing is sent at this moment."""
        return self.until is None or now < self.until

    def days_forgotten(self, now: datetime) -> int:
        """Count the days of a pause that nobody gave an end; 0 on its first day."""
        return 0 if self.until else (now - self.since) // FORGOTTEN

    @property
    def words(self) -> str:
        """Say it in the reader's language."""
        why = f" ({self.reason})" if self.reason else ""
        if self.of_all:
            words = (
                _("all stores are paused since {since} until {until} by {by}")
                if self.until
                else _("all stores are paused since {since} until somebody resumes it by {by}")
            )
        else:
            words = (
                _("paused since {since} until {until} by {by}")
                if self.until
                else _("paused since {since} until somebody resumes it by {by}")
            )
        until = _minute(self.until) if self.until else ""
        by = self.by or _("somebody")
        return words.format(since=_minute(self.since), until=until, by=by) + why

    @property
    def korean(self) -> str:
        """Say it to the owner."""
        end = f"{_minute(self.until)}까지" if self.until else "재개할 때까지"
        why = f", 사유: {self.reason}" if self.reason else ""
        return f"{_minute(self.since)}부터 {end}{why}"

    def as_map(self) -> dict[str, Any]:
        """Write it as an attribute, times in UTC."""
        end = {"until": format_utc(self.until)} if self.until else {}
        return {"since": format_utc(self.since), **end, "reason": self.reason, "by": self.by}


def pause_in(attributes: Mapping[str, Any]) -> Pause | None:
    """Read an item's pause, also one that is over; one that cannot be read has no end."""
    values = attributes.get(PAUSE)
    if values is None:
        return None
    if not isinstance(values, Mapping):
        return Pause(_UNKNOWN, reason="its entry cannot be read")
    return Pause(
        since=parse_time(values.get("since")) or _UNKNOWN,
        until=parse_time(values.get("until")),
        reason=str(values.get("reason", "")),
        by=str(values.get("by", "")),
    )


def paused_at(own: Attributes, for_all: Attributes, now: datetime) -> Pause | None:
    """Give the pause that holds for a store at this moment: of its own and of all, the longer."""
    held = [pause for pause in pauses_of(own, for_all) if pause.holds_at(now)]
    return max(held, key=lambda pause: (pause.until is None, pause.until or now), default=None)


def pauses_of(own: Attributes, for_all: Attributes) -> list[Pause]:
    """List a store's own pause and that of all stores, also when they are over."""
    pause, of_all = pause_in(own), pause_in(for_all)
    return [*([pause] if pause else []), *([replace(of_all, of_all=True)] if of_all else [])]


def set_pause(attributes: Attributes, pause: Pause | None) -> Attributes:
    """Pause a store, or with None resume it."""
    kept = {name: value for name, value in attributes.items() if name != PAUSE}
    return {**kept, PAUSE: pause.as_map()} if pause else kept


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(SEOUL):%m/%d %H:%M}"
