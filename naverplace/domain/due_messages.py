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

    @classmethod
    def of(cls, effect: SendSms, decided: datetime) -> DueMessage:
        """Name the message that an effect sends; one decided at a moment is due by then."""
        return cls(effect.key, effect.kind, effect.due or decided, effect.expires)


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
        rows = [
            [*m.key, m.kind, format_utc(m.due), format_utc(m.expires) if m.expires else ""]
            for m in self.messages
        ]
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


def _message(number: str, phone: str, kind: str, due: str, expires: str) -> DueMessage | None:
    moment = parse_time(due)
    return (
        DueMessage(RecordKey(number, phone), kind, moment, parse_time(expires)) if moment else None
    )
