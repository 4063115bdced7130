"""Changing the stores' bookings while the sandbox runs, as customers and the owner do."""

from __future__ import annotations

import itertools
from datetime import datetime
from typing import Any

from sandbox.naver.bookings import a_booking
from sandbox.state import Raw, World

CANCELLED = "RC04"
_ids = itertools.count(1_900_000_001)  # far from every scenario's own


def change_bookings(world: World, given: dict[str, Any]) -> Raw:
    """Carry out one order and give the booking as it is then.

    `action` is `add` (with `raw`, a whole booking, or any of start, name, phone, status and
    options as [[name, count]]), `change` (booking_id, changes) or `cancel` (booking_id); each names
    its `store`. Raises ValueError, KeyError.
    """
    action, store = given["action"], str(given["store"])
    if store not in world.stores:
        raise ValueError(f"unknown store {store!r}; this scenario has {', '.join(world.stores)}")
    if action == "add":
        raw = given["raw"] if "raw" in given else _new(world, store, given)
        world.stores[store].append(raw)
        return dict(raw)
    changes = {"change": given.get("changes", {}), "cancel": {"bookingStatusCode": CANCELLED}}
    if action not in changes:
        raise ValueError(f"unknown action {action!r}; use add, change, cancel")
    raw = _find(world, store, int(given["booking_id"]))
    raw.update(changes[action])
    if action == "cancel":
        raw["cancelledDateTime"] = world.now().isoformat(timespec="seconds")
    return raw


def _new(world: World, store: str, given: dict[str, Any]) -> Raw:
    start = given.get("start")
    return a_booking(
        store,
        int(given.get("booking_id") or next(_ids)),
        datetime.fromisoformat(start) if start else world.now().replace(microsecond=0),
        status=given.get("status", "RC03"),
        name=given.get("name", "나무늘보"),
        phone=given.get("phone", "01000000000"),
        options=[(str(name), int(count)) for name, count in given.get("options", ())],
        made=world.now(),
    )


def _find(world: World, store: str, booking_id: int) -> Raw:
    for raw in world.stores[store]:
        if raw["bookingId"] == booking_id:
            return raw
    raise ValueError(f"store {store} has no booking {booking_id}")
