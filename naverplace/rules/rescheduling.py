"""Bookings that were moved to another time, and what of their record belongs to the old one; pure.

A message may be bound to the start it was sent for, as the guide is. Moved, a booking is owed it
again, while the old one stays in the item as `message_<kind>_at_<YYYYmmddTHHMM>`: a booking that
is moved there and back gets nothing twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.domain.booking import TIME_FORMAT, Booking
from naverplace.domain.effects import MoveRecord
from naverplace.domain.message_kinds import FLAG_OF, START_BOUND_KINDS
from naverplace.domain.message_status import WITH_PROVIDER, MessageStatus
from naverplace.domain.records import LedgerEntry, Record, attribute

LEGACY_WINDOW = timedelta(hours=2)  # the legacy sends no guide earlier before the start (L11, L12)
_MOVED, _LEGACY = "moved", "legacy"  # tokens of entries that no claim has made
_ARCHIVE = re.compile(r"(?P<kind>.+)_at_\d{8}T\d{4}")


@dataclass(frozen=True)
class Move:
    """What a move asks for, and the record as it makes it; while it waits, as it is."""

    effect: MoveRecord
    record: Record


def archived_kind(kind: str, start: datetime) -> str:
    """Name the ledger of a message that was for another start than the booking's own."""
    return f"{kind}_at_{start.astimezone(SEOUL):%Y%m%dT%H%M}"


def recorded_start(record: Record) -> datetime | None:
    """Read the start that the record knows; None when nobody could read it."""
    try:
        return datetime.strptime(record.booking_time, TIME_FORMAT).replace(tzinfo=SEOUL)
    except ValueError:
        return None


def plan_reschedule(record: Record, booking: Booking, *, now: datetime) -> Move | None:
    """Tell how the record must change because the booking's start is another one; None if not.

    A record whose time cannot be read has not moved: nothing is sent again for lack of knowledge.
    """
    old = recorded_start(record)
    if old is None:
        return None
    moving = _Moving(record, _minute(old), _minute(booking.start), now)
    if moving.old == moving.new and not any(moving.is_stale(kind) for kind in record.messages):
        return None
    new_time = booking.start.astimezone(SEOUL).strftime(TIME_FORMAT)
    effect = MoveRecord(record.key, old_time=record.booking_time, new_time=new_time)
    if waits := moving.waits():
        return Move(replace(effect, waits=waits), record)
    moving.work()
    flags = moving.flags_after()
    after = replace(
        record,
        booking_time=new_time,
        messages=moving.messages,
        confirm_sms=flags.get("confirm_sms", record.confirm_sms),
        remind_sms=flags.get("remind_sms", record.remind_sms),
        option_sms=flags.get("option_sms", record.option_sms),
    )
    effect = replace(
        effect,
        sets={"booking_time": new_time, **moving.sets},
        removes=tuple(moving.removes),
        seen=moving.seen,
        flags=moving.flags,
    )
    return Move(effect, after)


@dataclass
class _Moving:
    """One move while it is worked out: what is set, removed, and must still be as it was seen."""

    record: Record
    old: datetime
    new: datetime
    now: datetime
    sets: dict[str, Any] = field(default_factory=dict)
    removes: list[str] = field(default_factory=list)
    seen: dict[str, tuple[str, str] | None] = field(default_factory=dict)
    flags: dict[str, bool] = field(default_factory=dict)
    messages: dict[str, LedgerEntry] = field(init=False)

    def __post_init__(self) -> None:
        self.messages = dict(self.record.messages)

    def is_stale(self, kind: str) -> bool:
        """Tell whether a message is for one start, and that is not the booking's own any more."""
        entry = self.record.messages[kind]
        if _ARCHIVE.fullmatch(kind) or entry.for_start is None:
            return False
        return _minute(entry.for_start) != self.new

    def waits(self) -> str:
        """Say which message must be settled first: nobody knows yet whether it was sent."""
        for kind in self._kinds():
            entry = self.record.messages.get(kind)
            if entry and entry.is_in_doubt and not self._is_current(entry):
                return f"the move waits: {kind!r} for the time before is {entry.state}, not settled"
        return ""

    def work(self) -> None:
        """Go through all that is bound to a start, and through what expired with the old one."""
        for kind in self._kinds():
            entry = self.record.messages.get(kind)
            if entry is None or not self._is_current(entry):
                self._turn(kind, entry)
        for kind, entry in self.record.messages.items():
            lost = entry.state == MessageStatus.EXPIRED and entry.for_start is None
            if lost and self.new > self.now and not _ARCHIVE.fullmatch(kind):
                # Its customer still knows nothing, and there is time again.
                self._put(kind, replace(entry, state=MessageStatus.OWED, token=_MOVED, reason=""))

    def flags_after(self) -> dict[str, bool]:
        """Give the flags that the move changes, as they are after it."""
        return {flag: self.sets[flag] for flag in self.flags if flag in self.sets}

    def _kinds(self) -> Iterator[str]:
        """Name the kinds that are bound to a start, in a fixed order."""
        kinds = {kind for kind in self.record.messages if self.is_stale(kind)}
        if self.old != self.new:
            kinds |= {kind for kind in START_BOUND_KINDS if getattr(self.record, FLAG_OF[kind])}
            kinds |= {kind for kind in START_BOUND_KINDS if self._legacys_own(kind)}
        for name in self.record.messages:
            found = _ARCHIVE.fullmatch(name)
            if found and name == archived_kind(found["kind"], self.new):
                kinds.add(found["kind"])
        yield from sorted(kinds)

    def _is_current(self, entry: LedgerEntry) -> bool:
        return entry.for_start is not None and _minute(entry.for_start) == self.new

    def _turn(self, kind: str, entry: LedgerEntry | None) -> None:
        """Put the old message away, and take the new time's own one out again if there is one."""
        name, flag = attribute(kind), FLAG_OF.get(kind)
        self.seen[name] = (entry.token, entry.state) if entry else None
        sent = self._sent(kind, entry)
        if sent and self._may_be_for_new(sent):
            if entry and entry is not sent:  # of the old time, and never accepted
                self._drop(kind)
            return
        if put_away := sent or entry:
            since = _minute(put_away.for_start) if put_away.for_start else self.old
            self._put(archived_kind(kind, since), replace(put_away, for_start=since))
        back = self.messages.get(archived_kind(kind, self.new))
        maybe = "" if back else self._legacys_own(kind)
        if back:
            self._drop(archived_kind(kind, self.new))
            self._put(kind, back)
        elif flag or entry is None:
            self._drop(kind)
            if flag and maybe:  # as it was before that move: only the flag tells
                self._drop(maybe)
        else:  # no flag would tell that it is owed again
            self._put(kind, LedgerEntry(MessageStatus.OWED, 0, token=_MOVED, for_start=self.new))
        if flag:
            self.flags[flag] = getattr(self.record, flag)
            was_sent = back is not None and back.state in WITH_PROVIDER
            self.sets[flag] = was_sent or bool(maybe)

    def _sent(self, kind: str, entry: LedgerEntry | None) -> LedgerEntry | None:
        """Give what was accepted for some start before; the legacy notes a flag only."""
        if entry and entry.state in WITH_PROVIDER:
            return entry
        flag = FLAG_OF.get(kind)
        if flag and getattr(self.record, flag):
            why = "sent by the legacy"
            return LedgerEntry(
                MessageStatus.ACCEPTED, token=_LEGACY, settled_at=self.now, reason=why
            )
        return None

    def _legacys_own(self, kind: str) -> str:
        """Name the legacy's message that was put away and may have been for the new start.

        Only its flag was seen, when the booking moved on: it may be for any start whose window was
        open by then, also for one that this record never knew.
        """
        opened = self.new - LEGACY_WINDOW
        for name, entry in self.messages.items():
            found = _ARCHIVE.fullmatch(name)
            its_own = found and found["kind"] == kind and entry.token == _LEGACY
            if its_own and entry.settled_at and entry.settled_at >= opened:
                return name
        return ""

    def _may_be_for_new(self, sent: LedgerEntry) -> bool:
        """Tell whether a message that names no start may have been sent for the new one (L12).

        The legacy asks Naver for the start and leaves the record's alone (L16). Once the new
        time's window was open, its guide may be the new one: not sent twice comes first, and the
        customer has a guide of this store.
        """
        at = sent.claimed_at or self.now
        return sent.for_start is None and at >= self.new - LEGACY_WINDOW

    def _put(self, kind: str, entry: LedgerEntry) -> None:
        self.sets[attribute(kind)] = entry.as_map()
        if attribute(kind) in self.removes:
            self.removes.remove(attribute(kind))
        self.messages[kind] = entry
        self._note(kind)

    def _drop(self, kind: str) -> None:
        if self.messages.pop(kind, None):
            self.sets.pop(attribute(kind), None)  # put away and taken out again in one move
            if kind in self.record.messages:
                self.removes.append(attribute(kind))
            self._note(kind)

    def _note(self, kind: str) -> None:
        """Note what an attribute must still hold for the move to be right."""
        entry = self.record.messages.get(kind)
        self.seen[attribute(kind)] = (entry.token, entry.state) if entry else None


def _minute(moment: datetime) -> datetime:
    return moment.astimezone(SEOUL).replace(second=0, microsecond=0)
