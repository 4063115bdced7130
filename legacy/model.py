"""The legacy from the same inputs, deciding only: nothing outside is touched (issue 4, part 1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from legacy.decisions import FAILED, option_sms_check, reservation_check, telegram_text
from legacy.ports import Item, Message, Naver, Raw, Telegram, Texts, World
from legacy.reading import read_completed, read_confirmed

Key = tuple[str, str]
MEGABYTE = 1_048_576


@dataclass
class Recorded:
    """A table, a sender and a chat that only write down what is done to them."""

    items: dict[Key, Item]
    unreadable: frozenset[Key] = frozenset()  # reads that fail (L15)
    scan_bytes: int = MEGABYTE
    writes: list[tuple[str, Key, Any]] = field(default_factory=list)  # put | flag, in order
    messages: list[tuple[Key | None, Message]] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def get(self, booking_num: str, phone: str) -> Item | None:
        """Read one item."""
        if (booking_num, phone) in self.unreadable:
            raise OSError("the read failed")
        item = self.items.get((booking_num, phone))
        return deepcopy(item) if item else None

    def put(self, item: Item) -> None:
        """Write an item over whatever stands there."""
        key = (item["booking_num"], item["phone"])
        self.items[key] = dict(item)
        self.writes.append(("put", key, dict(item)))

    def set_flag(self, booking_num: str, phone: str, flag: str) -> None:
        """Set a flag, making the item when there is none, as an update does."""
        key = (booking_num, phone)
        item = self.items.setdefault(key, {"booking_num": booking_num, "phone": phone})
        item[flag] = True
        self.writes.append(("flag", key, flag))

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


class _Sender:
    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded

    def send(self, message: Message) -> None:
        written = self.recorded.writes[-1][1] if self.recorded.writes else None
        self.recorded.messages.append((written, message))


class _Chat:
    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded

    def send(self, text: str) -> None:
        self.recorded.texts.append(text)


@dataclass(frozen=True)
class Outcome:
    """What a run did, or would have done."""

    writes: tuple[tuple[str, Key, Any], ...]
    messages: tuple[tuple[Key | None, Message], ...]  # with the item that was written just before
    telegram: tuple[str, ...]
    items: Mapping[Key, Item]


def decide(
    confirmed: Sequence[Raw],
    completed: Sequence[Raw],
    items: Mapping[Key, Item],
    *,
    now: datetime,
    texts: Texts,
    unreadable: frozenset[Key] = frozenset(),
) -> Outcome:
    """Decide from lists that have been read already; `now` is the container's naive time (L23)."""
    recorded = Recorded(deepcopy(dict(items)), unreadable)
    world = World((), recorded, _Sender(recorded), _Chat(recorded), texts, now)
    check(world, confirmed, completed)
    return _outcome(recorded)


def decide_from(
    naver: Naver,
    items: Mapping[Key, Item],
    *,
    store_ids: Sequence[str],
    now: datetime,
    texts: Texts,
    scan_bytes: int = MEGABYTE,
) -> Outcome:
    """Decide by reading the lists as the legacy does, with its own range of dates (L8)."""
    recorded = Recorded(deepcopy(dict(items)), scan_bytes=scan_bytes)
    world = World(tuple(store_ids), recorded, _Sender(recorded), _Chat(recorded), texts, now)
    run(world, naver)
    return _outcome(recorded)


def run(world: World, naver: Naver, *, pause: Callable[[], None] = lambda: None) -> None:
    """Do one run: completed, confirmed, decisions, one text; errors are swallowed (L22)."""
    try:
        completed = read_completed(naver, world.table, world.store_ids, pause=pause)
        confirmed = read_confirmed(naver, world.store_ids, pause=pause)
        check(world, confirmed, completed)
    except Exception:  # noqa: BLE001 - L22: AWS sees a success
        _tell(world.telegram, FAILED)


def check(world: World, confirmed: Sequence[Raw], completed: Sequence[Raw]) -> None:
    """Decide and act on lists that have been read, and tell the owner (L20)."""
    lines = reservation_check(world, confirmed)
    lines += option_sms_check(world, completed)
    _tell(world.telegram, telegram_text(lines))


def _tell(telegram: Telegram, text: str) -> None:
    telegram.send(text)


def _outcome(recorded: Recorded) -> Outcome:
    return Outcome(
        tuple(recorded.writes), tuple(recorded.messages), tuple(recorded.texts), recorded.items
    )
