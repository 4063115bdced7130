"""What every booking was owed, worked out from its true life and the words of the rules alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")
REVIEW = ("네이버", "인스타", "원본")
TWO_HOURS, HOUR, DAY = 7200.0, 3600.0, 86400.0
WHO = re.compile(r"손님([a-j]+)")
_LETTERS = str.maketrans("0123456789", "abcdefghij")  # a name with a long number is no name
# What may lie between the last look at Naver and the phone: a run that stands still before it
# claims is found out; one that stands still after it has signed is believed for five minutes.
GUIDE_LAG, OTHER_LAG = 800.0, 4500.0


def name_of(customer: int) -> str:
    """Name a customer by his number, so that his texts tell who he is."""
    return f"손님{customer}".translate(_LETTERS)


class Version(Protocol):
    """One state of a booking, as the oracle reads it."""

    @property
    def at(self) -> float: ...  # noqa: D102
    @property
    def status(self) -> str: ...  # noqa: D102
    @property
    def start(self) -> float: ...  # noqa: D102
    @property
    def phone(self) -> str: ...  # noqa: D102
    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def options(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def broken(self) -> str: ...  # noqa: D102


class Life(Protocol):
    """One booking's true life."""

    @property
    def store_id(self) -> str: ...  # noqa: D102
    @property
    def number(self) -> str: ...  # noqa: D102
    @property
    def versions(self) -> Sequence[Version]: ...  # noqa: D102


class Told(NamedTuple):
    """What tells one message from another on the phones: the booking, or what stands in it."""

    kind: str
    to: str
    what: str  # the booking's number; or store, customer and start


@dataclass
class Slot:
    """One message that somebody should get once, with the times at which it was owed."""

    told: Told
    number: str
    store_id: str
    spans: list[tuple[float, float]] = field(default_factory=list)
    runs_out: bool = False  # it was owed until the booking's own start
    also: list[Told] = field(default_factory=list)  # how else it may look on the phone
    starts: list[tuple[float, float]] = field(default_factory=list)  # from when on it is which
    listed_until: float = 0.0  # when Naver stops showing the booking

    def takes(self, at: float) -> bool:
        """Tell whether a message that came then can be this one."""
        lag = GUIDE_LAG if self.told.kind == "guide" else OTHER_LAG
        return any(begin <= at + 1 and at - lag <= end for begin, end in self.spans)

    def stops_at(self, at: float) -> float:
        """Tell until when it may come at all: an event in its hour, the others before the start."""
        if self.told.kind == "event":
            return max((end for begin, end in self.spans if begin <= at + 1), default=0.0)
        known = [start for begin, start in self.starts if begin <= at + 1]
        return max(known, default=0.0)


def slots_of(life: Life, until: float) -> Iterator[Slot]:
    """Work out what one booking was owed, from its life alone."""
    found: dict[tuple[str, str, float], Slot] = {}
    for version, end in _stretches(life, until):
        for kind, begin, stop in _owed_in(version, end):
            who = WHO.search(version.name)
            what = f"{life.store_id}/{who[1] if who else ''}/{version.start:.0f}"
            told = Told(kind, version.phone, life.number if kind == "confirmation" else what)
            # A guide is for one start; of the others a booking and phone get one, whenever it is.
            name = kind, version.phone, version.start if kind == "guide" else 0.0
            slot = found.setdefault(name, Slot(told, life.number, life.store_id))
            slot.also.append(told)
            slot.starts.append((begin, version.start))
            slot.listed_until = _listed_until(life, begin, until)
            slot.spans.append((begin, stop))
            if kind != "event" and stop == version.start:
                slot.runs_out = True
    yield from found.values()


def most_served(slots: Sequence[Slot], times: Sequence[float]) -> int:
    """Count the slots that messages of these times can have served at most, each its own."""
    taken: dict[int, int] = {}  # by message, the slot that it serves

    def serve(place: int, tried: set[int]) -> bool:
        for which, at in enumerate(times):
            if which in tried or not slots[place].takes(at):
                continue
            tried.add(which)
            if which not in taken or serve(taken[which], tried):
                taken[which] = place
                return True
        return False

    return sum(serve(place, set()) for place in range(len(slots)))


def _listed_until(life: Life, since: float, until: float) -> float:
    gone = (v.at for v in life.versions if v.at > since and v.status not in ("RC03", "RC08"))
    return min(gone, default=until)


def _stretches(life: Life, until: float) -> Iterator[tuple[Version, float]]:
    ends = [*(version.at for version in life.versions[1:]), until]
    for version, end in zip(life.versions, ends, strict=True):
        if not version.broken and version.at < until:
            yield version, min(end, until)


def _owed_in(version: Version, end: float) -> Iterator[tuple[str, float, float]]:
    """List what is owed while a booking is in one state: kind, from, to."""
    if version.status == "RC03":
        over = min(end, version.start)
        if version.at < over:
            yield "confirmation", version.at, over
        opens = max(version.at, version.start - TWO_HOURS)
        if opens < over:
            yield "guide", opens, over
    if version.status == "RC08" and any(w in o for o in version.options for w in REVIEW):
        for evening in _evenings(version.at, min(end, version.start + 30 * DAY)):
            yield "event", *evening


def _evenings(begin: float, end: float) -> Iterator[tuple[float, float]]:
    day = datetime.fromtimestamp(begin, SEOUL).replace(hour=20, minute=0, second=0, microsecond=0)
    while day.timestamp() < end:
        opens, closes = max(begin, day.timestamp()), min(end, day.timestamp() + HOUR)
        if opens < closes:
            yield opens, closes
        day += timedelta(days=1)


def moment(at: float) -> str:
    """Write a moment."""
    return f"{datetime.fromtimestamp(at, SEOUL):%m-%d %H:%M:%S}"
