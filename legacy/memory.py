"""Table `sms` in memory, for deciding only."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from legacy.ports import Item, Key

MEGABYTE = 1_048_576


@dataclass
class MemoryTable:
    """A table that behaves as DynamoDB does where the legacy notices it."""

    items: dict[Key, Item]
    unreadable: frozenset[Key] = frozenset()  # reads that fail (L15)
    scan_bytes: int = MEGABYTE

    def get(self, booking_num: str, phone: str) -> Item | None:
        """Read one item."""
        if (booking_num, phone) in self.unreadable:
            raise OSError("the read failed")
        item = self.items.get((booking_num, phone))
        return deepcopy(item) if item else None

    def put(self, item: Item) -> None:
        """Write an item over whatever stands there."""
        self.items[item["booking_num"], item["phone"]] = dict(item)

    def set_flag(self, booking_num: str, phone: str, flag: str) -> None:
        """Set a flag, making the item when there is none, as an update does."""
        new = {"booking_num": booking_num, "phone": phone}
        self.items.setdefault((booking_num, phone), new)[flag] = True

    def open_items(self) -> list[Item]:
        """Scan the first megabyte; the filter comes after the cut, as DynamoDB does it (L8)."""
        found: list[Item] = []
        size = 0
        for item in self.items.values():
            size += item_bytes(item)
            if size > self.scan_bytes:
                break
            if item.get("option_sms") is False:
                found.append(dict(item))
        return found


def item_bytes(item: Item) -> int:
    """Measure an item as DynamoDB does: names and values; a Map or List has three more bytes."""
    return sum(len(name.encode()) + _value_bytes(value) for name, value in item.items())


def _value_bytes(value: Any) -> int:
    if isinstance(value, bool) or value is None:
        return 1
    if isinstance(value, Mapping):
        return 3 + len(value) + item_bytes(dict(value))
    if isinstance(value, list):
        return 3 + sum(1 + _value_bytes(part) for part in value)
    return len(str(value).encode())
