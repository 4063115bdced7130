"""How many messages a store may send in a run and on a day, by what is usual there; pure.

Attribute `sent` of the store's item counts them: before a run sends, the write that takes its lease
reserves what it may send; the write that gives the lease back puts what was sent in its place. What
a dead run had reserved counts as sent. Nothing here asks the ledger of messages (ADR 20).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import ceil
from typing import Any, NamedTuple

from naverplace.base.clock import SEOUL, format_utc, parse_time
from naverplace.base.errors import NaverPlaceError, Transient
from naverplace.settings.sections import CapSettings

SENT = "sent"  # the attribute
Attributes = Mapping[str, Any]  # of a store's item
_DAYS = 14  # on which messages went out; a fifth of them, rounded up, may be busier than usual
PHONE, STORE, ALL = "phone", "store", "all"


class CapReached(NaverPlaceError):
    """A message was held back, because too many have gone out; nothing was sent."""

    def __init__(self, scope: str, why: str) -> None:
        super().__init__(f"cap of {scope} reached: {why}")
        self.scope = scope


class NotCounted(Transient):
    """A message was held back, because it could not be counted; nothing was sent."""


class Count(NamedTuple):
    """Messages of one day, and of its largest run."""

    day: int = 0
    run: int = 0


@dataclass(frozen=True)
class SentMessages:
    """What a store has sent; `reached` is what a cap held back, `released` what may pass."""

    days: Mapping[str, Count] = field(default_factory=dict)  # by date in Seoul
    reserved: int = 0  # by the run that holds the store
    reached: Count | None = None
    released: Count | None = None
    released_until: datetime | None = None

    def as_map(self) -> dict[str, Any]:
        """Write it as an attribute."""
        values: dict[str, Any] = {"days": {day: list(count) for day, count in self.days.items()}}
        if self.reserved:
            values["reserved"] = self.reserved
        if self.reached:
            values["reached"] = list(self.reached)
        if self.released and self.released_until:
            values["released"] = list(self.released)
            values["released_until"] = format_utc(self.released_until)
        return values


class StoreCap(NamedTuple):
    """How many messages one store may send."""

    run: int
    day: int
    today: int  # sent so far, or reserved
    released: bool = False  # by a person: the cap of all does not hold for it

    @property
    def left(self) -> int:
        """Count what a run may send now."""
        return max(0, min(self.run, self.day - self.today))


def sent_messages(attributes: Attributes) -> SentMessages:
    """Read what a store has sent; what cannot be read counts as nothing."""
    values = attributes.get(SENT)
    if not isinstance(values, Mapping):
        return SentMessages()
    days = values.get("days")
    return SentMessages(
        days={str(d): _count(c) or Count() for d, c in (days or {}).items()},
        reserved=int(values.get("reserved", 0)),
        reached=_count(values.get("reached")),
        released=_count(values.get("released")),
        released_until=parse_time(values.get("released_until")),
    )


def cap_of(attributes: Attributes, settings: CapSettings, now: datetime) -> StoreCap:
    """Tell what a store may send: so many times what is usual or was released, or the floor."""
    sent, today = sent_messages(attributes), _date(now)
    before = [count for day, count in sent.days.items() if day < today]
    usual = [Count(_usual([c.day for c in before]), _usual([c.run for c in before]))]
    is_released = bool(sent.released and sent.released_until and now < sent.released_until)
    if sent.released and is_released:
        usual.append(sent.released)
    counted = sent.days.get(today, Count()).day + sent.reserved
    return StoreCap(
        run=max(settings.floor, *(ceil(settings.factor * count.run) for count in usual)),
        day=max(settings.floor, *(ceil(settings.factor * count.day) for count in usual)),
        today=counted,
        released=is_released,
    )


def left_of_all(caps: Collection[StoreCap]) -> int:
    """Tell what a run may send for all these stores: two thirds of what they may one by one.

    Stores that somebody has released do not count, nor does what they send.
    """
    caps = [cap for cap in caps if not cap.released]
    if not caps:
        return 0

    def together(limits: list[int]) -> int:
        return max(max(limits), ceil(sum(limits) * 2 / 3))

    of_day = together([cap.day for cap in caps]) - sum(cap.today for cap in caps)
    return max(0, min(together([cap.run for cap in caps]), of_day))


def begin_sending(
    attributes: Attributes, wanted: int, settings: CapSettings, now: datetime
) -> Attributes:
    """Reserve what a run wants to send, as far as the cap leaves it; with the lease's write."""
    attributes = _add(attributes, now, sent_messages(attributes).reserved, reserved=0)
    left = cap_of(attributes, settings, now).left
    return _add(attributes, now, 0, reserved=min(wanted, left)) if wanted else attributes


def end_sending(attributes: Attributes, now: datetime, *, sent: int, held: int) -> Attributes:
    """Count what a run has sent in the place of what it had reserved, and what was held back."""
    attributes = _add(attributes, now, sent, reserved=0)
    counted = sent_messages(attributes)
    today = counted.days.get(_date(now), Count()).day
    reached = Count(today + held, sent + held) if held else None
    return _with(attributes, replace(counted, reached=reached))


def release_cap(
    attributes: Attributes, *, now: datetime, hours: float
) -> tuple[Count | None, Attributes]:
    """Let what a cap held back pass for some hours; (None, unchanged) when there is nothing."""
    sent = sent_messages(attributes)
    if not sent.reached:
        return None, attributes
    until = now + timedelta(hours=hours)
    given = replace(sent, reached=None, released=sent.reached, released_until=until)
    return sent.reached, _with(attributes, given)


def _add(attributes: Attributes, now: datetime, count: int, *, reserved: int) -> Attributes:
    sent, today = sent_messages(attributes), _date(now)
    days = dict(sent.days)
    if count:
        old = days.get(today, Count())
        days[today] = Count(old.day + count, max(old.run, count))
        days = dict(sorted(days.items())[-_DAYS:])
    return _with(attributes, replace(sent, days=days, reserved=reserved))


def _with(attributes: Attributes, sent: SentMessages) -> Attributes:
    if sent == sent_messages(attributes):
        return attributes
    return {**attributes, SENT: sent.as_map()}


def _usual(counts: Sequence[int]) -> int:
    """Give the busiest count but for a fifth of them: a shop's weekends are usual, a bug is not."""
    ordered = sorted(counts)
    return ordered[max(0, len(ordered) - 1 - ceil(len(ordered) / 5))] if ordered else 0


def _count(value: Any) -> Count | None:
    try:
        day, run = value
        return Count(int(day), int(run))
    except (TypeError, ValueError):
        return None


def _date(now: datetime) -> str:
    return f"{now.astimezone(SEOUL):%F}"
