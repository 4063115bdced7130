"""A table in memory that carries decisions out as the delivery would, and what it sent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from naverplace.domain.booking import Booking
from naverplace.domain.effects import (
    CreateRecord,
    Effect,
    MarkExpired,
    MoveRecord,
    RecordKey,
    SendSms,
    SetFlag,
)
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, Record, attribute, read_record
from naverplace.domain.results import Decisions
from naverplace.rules.engine import match_and_decide
from naverplace.rules.rulebook import Rulebook


class Sent(NamedTuple):
    """What one phone got."""

    phone: str
    kind: str
    text: str
    for_start: datetime | None
    key: RecordKey


@dataclass
class Shop:
    """One store's table and phones: every send is accepted unless `answer` says otherwise."""

    book: Rulebook
    items: dict[RecordKey, dict[str, Any]] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    expired: list[MarkExpired] = field(default_factory=list)
    answer: str = MessageStatus.ACCEPTED
    claims: int = 0

    def records(self) -> dict[RecordKey, Record]:
        return {key: read_record(item) for key, item in self.items.items()}

    def record(self, booking: Booking) -> Record:
        return read_record(self.items[booking.key])

    def run(self, *bookings: Booking, now: datetime) -> list[tuple[str, str]]:
        """Decide and deliver once; tell who got which kind."""
        before = len(self.sent)
        for effect in self.decide(bookings, now=now).effects:
            self._carry_out(effect, now)
        return [(sent.phone, sent.kind) for sent in self.sent[before:]]

    def decide(self, bookings: Iterable[Booking], *, now: datetime) -> Decisions:
        told = [booking.model_copy(update={"read_at": now}) for booking in bookings]
        return match_and_decide(told, self.records(), self.book, now=now)

    def legacy_sends(self, booking: Booking, flag: str) -> None:
        """Set the flag of a booking's item, and nothing else, as the legacy does (L12)."""
        self.items[booking.key][flag] = True

    def _carry_out(self, effect: Effect, now: datetime) -> None:
        item = self.items.get(effect.key)
        if isinstance(effect, CreateRecord):
            self.items.setdefault(effect.key, dict(effect.item))
        elif isinstance(effect, MoveRecord):
            self._move(effect)
        elif isinstance(effect, SendSms):
            self.items.setdefault(effect.key, dict(effect.item))
            self._send(effect, now)
        elif isinstance(effect, MarkExpired):
            item = self.items.setdefault(effect.key, dict(effect.item))
            assert effect.seen == self._seen(item, attribute(effect.kind))
            assert not (effect.flag and item[effect.flag])
            item[attribute(effect.kind)] = LedgerEntry(
                MessageStatus.EXPIRED,
                token="expired",
                for_start=effect.for_start,
                reason=effect.reason,
            ).as_map()
            self.expired.append(effect)
        elif isinstance(effect, SetFlag):
            assert item is not None
            item[effect.flag] = effect.value

    def _move(self, effect: MoveRecord) -> None:
        """Carry out the conditional update; in these tests every condition must hold."""
        if effect.waits:
            return
        item = self.items[effect.key]
        assert item["booking_time"] == effect.old_time
        assert {name: self._seen(item, name) for name in effect.seen} == effect.seen
        assert {flag: item[flag] for flag in effect.flags} == effect.flags
        assert not set(effect.sets) & set(effect.removes)
        item.update(effect.sets)
        for name in effect.removes:
            del item[name]

    def _send(self, effect: SendSms, now: datetime) -> None:
        item = self.items[effect.key]
        old = read_record(item).messages.get(effect.kind)
        if (old and not old.may_be_claimed) or (effect.flag and item[effect.flag]):
            return
        self.claims += 1
        item[attribute(effect.kind)] = LedgerEntry(
            self.answer,
            attempt=old.attempt + 1 if old else 1,
            refusals=1 if self.answer == MessageStatus.REFUSED else 0,
            token=f"claim-{self.claims}",
            claimed_at=now,
            for_start=effect.for_start,
            to=effect.to if effect.receiver == "visitor" else "",
            reason="" if self.answer == MessageStatus.ACCEPTED else "bad content",
        ).as_map()
        if self.answer == MessageStatus.ACCEPTED:
            sent = Sent(effect.to, effect.kind, effect.text, effect.for_start, effect.key)
            self.sent.append(sent)
            if effect.flag:
                item[effect.flag] = True

    @staticmethod
    def _seen(item: dict[str, Any], name: str) -> tuple[str, str] | None:
        found = item.get(name)
        return (found.get("token", ""), found["state"]) if found else None
