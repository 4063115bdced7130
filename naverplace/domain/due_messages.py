"""What a run leaves for the watchdog: the messages that it or a coming run owes in a store.

So whoever looks later asks for their records only, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from naverplace.base.clock import format_utc, parse_time
from naverplace.domain.effects import RecordKey, SendSms

DUE = "naverplace-due-"  # then the store, as id of its item in table `session`
MOST = 3000  # an item of DynamoDB holds 400 KB; what is due first is kept


class DueMessage(NamedTuple):
    """A message that is due, or will be, without its text."""

    key: RecordKey
    kind: str
    due: datetime
    expires: datetime | None = None
    visitor: str = ""  # whose phone it goes to in place of the booker's

    @classmethod
    def of(cls, effect: SendSms, decided: datetime) -> DueMessage:
        """Name the message that an effect sends; one decided at a moment is due by then."""
        visitor = effect.to if effect.receiver == "visitor" else ""
        return cls(effect.key, effect.kind, effect.due or decided, effect.expires, visitor)

    @property
    def phone(self) -> str:
        """Give the phone that it goes to."""
        return self.visitor or self.key.phone

    def as_row(self) -> list[str]:
        """Write it as plain values."""
        expires = format_utc(self.expires) if self.expires else ""
        row = [*self.key, self.kind, format_utc(self.due), expires]
        return [*row, self.visitor] if self.visitor else row


@dataclass(frozen=True)
class DueMessages:
    """What was due or about to be in a store when a run decided for it last.

    Of a store that the legacy sends for it is the guide of every booking ahead.
    """

    at: datetime
    messages: tuple[DueMessage, ...] = field(default=(), repr=False)
    by_legacy: bool = False

    def says_more_than(self, last: DueMessages | None) -> bool:
        """Tell whether it must be written over the last one; where the legacy sends, always."""
        if last is None or self.by_legacy:
            return True
        return (self.messages, self.by_legacy) != (last.messages, last.by_legacy)

    def as_item(self, store_id: str) -> dict[str, Any]:
        """Write it as the item of its store."""
        rows = [message.as_row() for message in self.messages]
        item = {"id": DUE + store_id, "at": format_utc(self.at), "messages": rows}
        return {**item, "by_legacy": True} if self.by_legacy else item


def due_messages(
    at: datetime, messages: Iterable[DueMessage], *, by_legacy: bool = False
) -> DueMessages:
    """Put messages in order, those that are due first, as many as an item holds."""
    ordered = sorted(messages, key=lambda m: (m.due, m.key, m.kind))
    return DueMessages(at, tuple(ordered[:MOST]), by_legacy)


def read_due_messages(item: Mapping[str, Any]) -> DueMessages | None:
    """Read a store's item; None when it says no moment."""
    at = parse_time(item.get("at"))
    if at is None:
        return None
    messages = (_message(*map(str, row)) for row in item.get("messages") or ())
    kept = tuple(message for message in messages if message)
    return DueMessages(at, kept, item.get("by_legacy") is True)


def _message(
    number: str, phone: str, kind: str, due: str, expires: str, visitor: str = ""
) -> DueMessage | None:
    if (moment := parse_time(due)) is None:
        return None
    return DueMessage(RecordKey(number, phone), kind, moment, parse_time(expires), visitor)
