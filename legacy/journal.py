"""What a run does, written down in order; the same for deciding only and for really running."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from legacy.death import Death, death_of, worded
from legacy.ports import Item, Key, Message, Sens, Table, Telegram


class Step(NamedTuple):
    """One thing that a run does to the outside."""

    what: str  # put | flag | message | telegram
    key: Key | None  # the item; of a message the one that was written just before (L14)
    value: Any  # the item, the flag's name, the Message, the text


@dataclass(frozen=True)
class Outcome:
    """What a run did, or would have done; a step is written down when it is begun."""

    steps: tuple[Step, ...]
    lines: tuple[str, ...]  # result lines, for the owner's text (L20); none when the run failed
    swallowed: tuple[tuple[str, str], ...]  # L-number and error, of all that it went on after
    items: Mapping[Key, Item]  # deciding: the table afterwards; running: what it read or wrote
    died: Death | None = None  # None: it came to its end
    # When `now` was read, with the item that had been asked for; the last is the event's hour (L29)
    reads: tuple[tuple[Key | None, datetime], ...] = ()

    @property
    def writes(self) -> tuple[Step, ...]:
        """The writes to table `sms`, in order."""
        return tuple(step for step in self.steps if step.what in ("put", "flag"))

    @property
    def messages(self) -> tuple[tuple[Key | None, Message], ...]:
        """The messages, in order, each with the item of its booking."""
        return tuple((step.key, step.value) for step in self.steps if step.what == "message")

    @property
    def telegram(self) -> tuple[str, ...]:
        """The owner's texts."""
        return tuple(step.value for step in self.steps if step.what == "telegram")


@dataclass
class Journal:
    """The notes of one run."""

    steps: list[Step] = field(default_factory=list)
    swallowed: list[tuple[str, str]] = field(default_factory=list)
    items: dict[Key, Item] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    died: Death | None = None
    asked: Key | None = None
    reads: list[tuple[Key | None, datetime]] = field(default_factory=list)

    def noting(self, now: Callable[[], datetime]) -> Callable[[], datetime]:
        """Make a clock whose readings are noted."""

        def read() -> datetime:
            self.reads.append((self.asked, now()))
            return self.reads[-1][1]

        return read

    def swallow(self, number: str, error: Exception) -> None:
        """Note an error that the legacy swallows."""
        self.swallowed.append((number, worded(error)))

    def die(self, error: Exception) -> None:
        """Note the error that ends the run."""
        self.died = death_of(error)

    def escape(self, error: Exception) -> None:
        """Note an error that leaves the handler; what ended the run before stays the cause."""
        died = self.died or death_of(error)
        self.died = replace(died, raised=True)

    def outcome(self, items: Mapping[Key, Item] | None = None) -> Outcome:
        """Close the notes; `items` is the whole table, where it is known."""
        known = self.items if items is None else items
        notes = tuple(self.steps), tuple(self.lines), tuple(self.swallowed)
        return Outcome(*notes, known, self.died, tuple(self.reads))


@dataclass(frozen=True)
class NotedTable:
    """A table whose writes are noted."""

    table: Table
    journal: Journal

    def get(self, booking_num: str, phone: str) -> Item | None:
        """Read one item."""
        self.journal.asked = (booking_num, phone)
        item = self.table.get(booking_num, phone)
        if item:
            self.journal.items[booking_num, phone] = deepcopy(item)
        return item

    def put(self, item: Item) -> None:
        """Note it, and write it."""
        key = (item["booking_num"], item["phone"])
        self.journal.steps.append(Step("put", key, dict(item)))
        self.table.put(item)
        self.journal.items[key] = dict(item)

    def set_flag(self, booking_num: str, phone: str, flag: str) -> None:
        """Note it, and set it."""
        key = (booking_num, phone)
        self.journal.steps.append(Step("flag", key, flag))
        self.table.set_flag(booking_num, phone, flag)
        new = {"booking_num": booking_num, "phone": phone}
        self.journal.items.setdefault(key, new)[flag] = True

    def open_items(self) -> list[Item]:
        """Scan."""
        return self.table.open_items()


@dataclass(frozen=True)
class NotedSens:
    """A sender whose messages are noted; without one behind it, nothing is sent."""

    journal: Journal
    sens: Sens | None = None

    def send(self, message: Message) -> None:
        """Note it, and send it."""
        written = (step for step in reversed(self.journal.steps) if step.what in ("put", "flag"))
        last = next(written, None)
        self.journal.steps.append(Step("message", last and last.key, message))
        if self.sens:
            self.sens.send(message)


@dataclass(frozen=True)
class NotedTelegram:
    """A chat whose texts are noted; without one behind it, nothing is sent."""

    journal: Journal
    telegram: Telegram | None = None

    def send(self, text: str) -> None:
        """Note it, and send it."""
        self.journal.steps.append(Step("telegram", None, text))
        if self.telegram:
            self.telegram.send(text)
