"""What a run must be shown: all that could matter to it, and once in a while simply everything.

Of the 31 days of bookings almost none can owe anything at a given moment. A booking is left out
only when its record shows that all it may be owed until its next change, or until three hours
before its start, is done. Complete readings check that this leaves nothing out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from naverplace.domain.booking import REVIEW_WORDS
from sandbox.memory_dynamodb.tables import MemoryTables
from trials.year.troubles import HOUR
from trials.year.world import Standing, World

SENT = ("accepted", "delivered", "failed")
DONE = (*SENT, "expired")


@dataclass
class Reading:
    """Keeps track of the bookings that a run must see."""

    world: World
    tables: MemoryTables
    back: float  # how long after its start the library looks for what a booking lacked
    open: dict[str, set[int]] = field(default_factory=dict)
    evening: dict[str, set[int]] = field(default_factory=dict)
    _due: list[tuple[float, str, int]] = field(default_factory=list)

    def narrow(self, store_id: str, now: float, *, hour: int) -> list[Standing]:
        """List the bookings of a store that could owe anything."""
        self._take_changes()
        while self._due and self._due[0][0] <= now:
            _, store, booking_id = heapq.heappop(self._due)
            self.open[store].add(booking_id)
        store_open = self.open.setdefault(store_id, set())
        listed = self.world.stores[store_id]
        chosen = set()
        for booking_id in list(store_open):
            standing = listed.get(booking_id)
            if standing is None or self._closed(standing, now):
                store_open.discard(booking_id)
            else:
                chosen.add(booking_id)
        if hour == 20:
            chosen.update(self._evening(store_id))
        return [listed[booking_id] for booking_id in sorted(chosen)]

    def _take_changes(self) -> None:
        for store_id, booking_id in self.world.changed:
            self.open.setdefault(store_id, set()).add(booking_id)
            standing = self.world.stores[store_id].get(booking_id)
            if standing is None:
                continue
            start = standing.version.start
            for at in (start - 3 * HOUR, start):
                heapq.heappush(self._due, (at, store_id, booking_id))
            if standing.version.status == "RC08" and _may_earn_an_event(standing):
                self.evening.setdefault(store_id, set()).add(booking_id)
        self.world.changed.clear()

    def _evening(self, store_id: str) -> Iterator[int]:
        """List the completed ones that have no event message yet."""
        waiting = self.evening.setdefault(store_id, set())
        for booking_id in list(waiting):
            standing = self.world.stores[store_id].get(booking_id)
            item = self._item(standing) if standing else None
            if standing is None or (item and item.get("option_sms", {}).get("BOOL")):
                waiting.discard(booking_id)
            else:
                yield booking_id

    def _item(self, standing: Standing) -> dict[str, Any] | None:
        if standing.booking is None:
            return None
        return self.tables.items["sms"].get(tuple(standing.booking.key))

    def _closed(self, standing: Standing, now: float) -> bool:
        """Tell whether nothing can be owed until the next change, or until it is due again."""
        if standing.booking is None:
            return True  # its row is broken: a complete reading shows it to the gates
        start = standing.version.start
        if start <= now - self.back - HOUR:
            return True
        item = self._item(standing)
        if item is None:
            return standing.version.told >= start  # booked at the door: nothing was ever owed
        settled = all(
            part["M"].get("state", {}).get("S") in DONE
            for name, part in item.items()
            if name.startswith("message_") and "M" in part
        )
        moved = item["booking_time"]["S"] != f"{standing.booking.start:%Y-%m-%d %H:%M:%S}"
        if not settled or moved or self._untold(item):
            return False
        if start <= now:
            return _done(item, "confirmation") and _done(item, "guide")
        if _state(item, "confirmation") not in SENT:
            return False
        return start > now + 3 * HOUR or _state(item, "guide") in SENT

    def _untold(self, item: dict[str, Any]) -> bool:
        """Tell whether a run that has not reported marked something as expired."""
        told = self.tables.items["session"].get(("naverplace-told",), {})
        return any(
            f"run_{part['M']['execution_id']['S']}" not in told
            for name, part in item.items()
            if _is_expired(name, part) and "execution_id" in part["M"]
        )


def _is_expired(name: str, part: dict[str, Any]) -> bool:
    return name.startswith("message_") and part.get("M", {}).get("state") == {"S": "expired"}


def _may_earn_an_event(standing: Standing) -> bool:
    return any(word in name for name in standing.version.options for word in REVIEW_WORDS)


def _state(item: dict[str, Any], kind: str) -> str:
    return str(item.get(f"message_{kind}", {}).get("M", {}).get("state", {}).get("S", ""))


def _done(item: dict[str, Any], kind: str) -> bool:
    return _state(item, kind) in DONE
