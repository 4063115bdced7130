"""Messages that should be out by now and are not, and stores that no run reads; pure.

The runs have left what is due; here it is only looked up whether the ledger says that it is out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.domain.due_messages import DueMessage, DueMessages
from naverplace.domain.effects import RecordKey, store_of_booking
from naverplace.domain.message_kinds import FLAG_OF, kind_label
from naverplace.domain.message_status import WITH_PROVIDER, MessageStatus
from naverplace.domain.records import Record
from naverplace.domain.stores import Store
from naverplace.domain.troubles import Source, Trouble, TroubleKind
from naverplace.reporting.owner_messages import Look

_SETTLED = (MessageStatus.EXPIRED, *WITH_PROVIDER)


@dataclass(frozen=True)
class LateMessage:
    """One message that is late; holds no phone, name or text."""

    booking_num: str
    kind: str
    due: datetime
    expires: datetime | None
    why: str

    def row(self) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        return {
            "store_id": store_of_booking(self.booking_num),
            "booking": self.booking_num,
            "kind": self.kind,
            "due": self.due.isoformat(timespec="minutes"),
            "expires": self.expires and self.expires.isoformat(timespec="minutes"),
            "why": self.why,
        }


@dataclass(frozen=True)
class WatchdogCheck:
    """What the watchdog has seen, whom it was told, and what went wrong on the way."""

    now: datetime
    overdue: tuple[LateMessage, ...] = ()
    silent: Mapping[str, datetime | None] = field(default_factory=dict)  # stores: last looked at
    records: int = 0  # looked up
    missed_by_legacy: Mapping[str, int] = field(default_factory=dict)  # stores: guides
    told: tuple[str, ...] = ()  # channels
    pinged: bool = False
    problems: tuple[str, ...] = ()

    @property
    def fine(self) -> bool:
        """Tell whether nobody need be woken."""
        return not (self.overdue or self.silent or self.missed_by_legacy)

    def as_json(self) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        return {
            **asdict(self),
            "now": self.now.isoformat(timespec="seconds"),
            "fine": self.fine,
            "overdue": [late.row() for late in self.overdue],
            "silent": {s: t and t.isoformat(timespec="minutes") for s, t in self.silent.items()},
        }


@dataclass(frozen=True)
class WatchedStore:
    """What runs have left of a store that we send for."""

    due: DueMessages | None = None
    last_read: datetime | None = None
    busy: bool = False  # a run is sending for it now

    def due_at(self, now: datetime) -> Iterator[DueMessage]:
        """List what should be out at a moment, and may still go out; nothing of a busy store."""
        for message in self.due.messages if self.due and not self.busy else ():
            if message.due <= now and not (message.expires and message.expires <= now):
                yield message


def find_late_messages(
    stores: Mapping[str, WatchedStore],
    records: Mapping[RecordKey, Record],
    *,
    now: datetime,
    grace: timedelta,
    silence: timedelta,
) -> WatchdogCheck:
    """List what is late by more than `grace`, and the stores that no run has read for `silence`.

    `records` are those of what is due. What no run has begun is late when the run that should have
    sent it is: the first one after it was due. From run to run it takes `silence` without `grace`.
    """
    period = max(silence - grace, timedelta(minutes=1))
    late: list[LateMessage] = []
    for store in stores.values():
        for message in store.due_at(now):
            begun = store.due.at if store.due else now
            run = begun + period * max(0, math.ceil((message.due - begun) / period))
            late += _late(message, records.get(message.key), run=run, before=now - grace)
    silent = {
        store_id: store.last_read
        for store_id, store in stores.items()
        if store.last_read is None or now - store.last_read > silence
    }
    return WatchdogCheck(now, by_urgency(late), silent, len(records))


def by_urgency(late: Iterable[LateMessage]) -> tuple[LateMessage, ...]:
    """Order late messages by urgency."""
    return tuple(sorted(late, key=lambda m: (m.expires or m.due, m.booking_num, m.kind)))


def _late(
    message: DueMessage, record: Record | None, *, run: datetime, before: datetime
) -> Iterator[LateMessage]:
    """Tell the message if a run tried it and it is open, or if no run has begun it."""
    entry = record.messages.get(message.kind) if record else None
    flag = FLAG_OF.get(message.kind)
    sent = record is not None and flag is not None and getattr(record, flag)
    if sent or (entry and entry.state in _SETTLED):
        return
    due, since, why = message.due, run, "no run has begun it"
    if entry and entry.attempt:
        due = since = entry.due or entry.claimed_at or message.due
        why = f"{entry.state} after attempt {entry.attempt}"
        why += f": {entry.reason}" if entry.reason else ""
    if since <= before:
        yield LateMessage(message.key.booking_num, message.kind, due, message.expires, why)


def find_forgotten(records: Iterable[Record], now: datetime) -> Iterator[LateMessage]:
    """List what is reserved in stores of the legacy, which never sends it."""
    for record in records:
        if not record.reserved or record.booking_time <= f"{now.astimezone(SEOUL):%F %T}":
            continue
        since = next(filter(None, record.reserved.values()), "")
        due = datetime.fromisoformat(since) if since else now
        why = "reserved, and its store is not ours: run naverplace rollback for it once more"
        yield LateMessage(record.key.booking_num, "reserved", due, None, why)


def watchdog_look(seen: WatchdogCheck, stores: Mapping[str, Store]) -> Look:
    """Give what the owner must know of what is late."""

    def alias(store_id: str) -> str:
        return stores[store_id].alias if store_id in stores else store_id

    def troubles() -> Iterator[Trouble]:
        for late in seen.overdue:
            store_id, _, number = late.booking_num.partition("_")
            name = f"{alias(store_id)} 예약 {number} {kind_label(late.kind)}"
            since = f"{late.due.astimezone(SEOUL):%H:%M}부터"
            subject = f"{late.booking_num} {late.kind}"
            yield Trouble(TroubleKind.MESSAGE_LATE, subject, name, since)
        for store_id, at in seen.silent.items():
            last = f"{at.astimezone(SEOUL):%m/%d %H:%M} 이후" if at else "한 번도"
            detail = f"{last} 예약을 읽지 못했습니다"
            yield Trouble(TroubleKind.STORE_SILENT, store_id, alias(store_id), detail)
        for store_id, count in seen.missed_by_legacy.items():
            detail = f"보냈어야 할 안내 문자 {count}건을 보내지 않았습니다"
            yield Trouble(TroubleKind.LEGACY_DEAD, store_id, alias(store_id), detail)

    kinds = (TroubleKind.MESSAGE_LATE, TroubleKind.STORE_SILENT, TroubleKind.LEGACY_DEAD)
    return Look(Source.WATCHDOG, seen.now, tuple(troubles()), dict.fromkeys(kinds))
