"""Naver's bookings as they change in simulated time, and as the library reads them."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.domain.booking import Booking
from naverplace.domain.extra_fields import Field
from naverplace.quality import frames
from sandbox.naver.bookings import a_booking
from trials.year.life import Life, Version
from trials.year.lives import StoreLives
from trials.year.troubles import DAY, MINUTE

LISTED = ("RC03", "RC08")
KEPT = 31 * DAY  # completed bookings are read this far back
Raw = dict[str, Any]


@dataclass
class Standing:
    """One booking as it stands, with the value that the library reads it as."""

    life: Life
    version: Version
    index: int
    booking: Booking | None  # none while its row is broken

    @cached_property
    def raw(self) -> Raw:
        """Write it as Naver's JSON."""
        return raw_of(self.life, self.version)


@dataclass
class World:
    """Every store's bookings; `advance` brings them to a moment."""

    makers: Mapping[str, StoreLives]
    fields: Sequence[Field]
    start: float
    lives: list[Life] = field(default_factory=list)
    stores: dict[str, dict[int, Standing]] = field(default_factory=dict)
    changed: list[tuple[str, int]] = field(default_factory=list)  # since somebody took them
    _due: list[tuple[float, int, Life, int]] = field(default_factory=list)
    _order: Iterator[int] = field(default_factory=itertools.count)
    _read: dict[tuple[str, int, int], Booking] = field(default_factory=dict)
    _days: int = 0

    def advance(self, now: float) -> None:
        """Let everything happen that is due by now."""
        while self.start + self._days * DAY <= now:
            self._next_day(self.start + self._days * DAY)
            self._days += 1
        while self._due and self._due[0][0] <= now:
            _, _, life, index = heapq.heappop(self._due)
            self._apply(life, index, now)

    def _next_day(self, midnight: float) -> None:
        for store_id, maker in self.makers.items():
            self.stores.setdefault(store_id, {})
            for life in maker.born_on(midnight):
                self.lives.append(life)
                for index, version in enumerate(life.versions):
                    entry = (version.at, next(self._order), life, index)
                    heapq.heappush(self._due, entry)
        self._read_ahead(midnight + DAY)

    def _read_ahead(self, until: float) -> None:
        """Read a whole day's versions as the library does, in one frame a store."""
        coming: dict[str, list[tuple[Life, int]]] = {}
        for at, _, life, index in self._due:
            if index == len(life.versions):
                continue
            version = life.versions[index]
            if at < until and not version.broken and version.status in LISTED:
                coming.setdefault(life.store_id, []).append((life, index))
        self._read.clear()
        for store_id, versions in coming.items():
            raws = [raw_of(life, life.versions[index]) for life, index in versions]
            read_at = datetime.fromtimestamp(until - DAY, SEOUL)
            frame = frames.to_frame(raws, store_id=store_id, fields=self.fields, read_at=read_at)
            for (life, index), booking in zip(versions, frames.to_bookings(frame), strict=True):
                self._read[store_id, life.booking_id, index] = booking

    def _apply(self, life: Life, index: int, now: float) -> None:
        store, key = self.stores[life.store_id], life.booking_id
        if index == len(life.versions):  # too long ago to be read
            store.pop(key, None)
            return
        version = life.versions[index]
        self.changed.append((life.store_id, key))
        if version.status not in LISTED:
            store.pop(key, None)
            return
        booking = self._read.pop((life.store_id, key, index), None)
        store[key] = Standing(life, version, index, booking)
        if index + 1 == len(life.versions):
            gone = (version.start + KEPT - MINUTE, next(self._order), life, index + 1)
            heapq.heappush(self._due, gone)

    def standings(self, store_id: str) -> Iterable[Standing]:
        """List what Naver would list of a store now."""
        return self.stores[store_id].values()


def raw_of(life: Life, version: Version) -> Raw:
    """Write one booking as Naver's JSON."""
    start = datetime.fromtimestamp(version.start, SEOUL)
    return a_booking(
        life.store_id,
        life.booking_id,
        "soon" if version.broken == "start" else start,
        status=version.status,
        name=version.name,
        phone="0000" if version.broken == "phone" else version.phone,
        options=[(name, 1) for name in version.options],
        made=datetime.fromtimestamp(life.made, SEOUL),
        changes={
            "confirmedDateTime": _local(version.told),
            **({"completedDateTime": _local(version.at)} if version.status == "RC08" else {}),
        },
    )


def _local(moment: float) -> str:
    return datetime.fromtimestamp(moment, SEOUL).isoformat(timespec="seconds")
