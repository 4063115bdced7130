"""What DynamoDB and SENS did in a trial, noted for the judge of histories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from naverplace.domain.message_status import TRANSITIONS
from sandbox.memory_dynamodb.tables import Key, MemoryTables
from trials.histories import History, Taken

WAYS = frozenset((way.old, way.new) for way in TRANSITIONS)  # those of the table of states
KEPT = ("booking_num", "phone")


class RecordedTables(MemoryTables):
    """The tables, whose every write of a message is noted."""

    def __init__(self, keys: Mapping[str, tuple[str, ...]], now: Callable[[], float]) -> None:
        super().__init__(keys)
        self.now, self.history = now, History()

    def write(self, name: str, key: Key, item: dict[str, Any]) -> None:
        """Put an item there, and note what it says of its messages."""
        super().write(name, key, item)
        if name == "sms":
            self.history.note_item(_plain(item), self.now())

    def note_message(self, message: Mapping[str, Any], at: float) -> None:
        """Note a message that SENS took."""
        self.history.taken.append(Taken(message["requestId"], message["to"], at))


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    """Read what the judge needs of an item in DynamoDB's own form."""
    found: dict[str, Any] = {name: item[name]["S"] for name in KEPT}
    for name, value in item.items():
        if name.startswith("message_") and "M" in value:
            found[name] = {part: held["S"] for part, held in value["M"].items() if "S" in held}
    return found
