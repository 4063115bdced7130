"""Bookings that were moved to another time, and what of their record belongs to the old one; pure.

A message may be bound to the start it was sent for, as the guide is. Moved, a booking is owed it
again, while the old one stays in the item as `message_<kind>_at_<YYYYmmddTHHMM>`: a booking that
is moved there and back gets nothing twice.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.domain.booking import TIME_FORMAT, Booking
from naverplace.domain.effects import MoveRecord
from naverplace.domain.message_kinds import FLAG_OF, START_BOUND_KINDS
from naverplace.domain.message_status import WITH_PROVIDER, MessageStatus
from naverplace.domain.records import BY_LEGACY, MOVED_FROM, LedgerEntry, Record, attribute

LEGACY_WINDOW = timedelta(hours=2)  # the legacy sends no guide earlier before the start (L11, L12)
_MOVED = "moved"  # token of an entry that no claim has made
_ARCHIVE = re.compile(rf"(?P<kind>.+){MOVED_FROM}\d{{8}}T\d{{4}}")


@dataclass(frozen=True)
class Reschedule:
    """What a move asks for, and the record as it makes it; while it waits, as it is."""

    effect: MoveRecord
    record: Record


def archived_kind(kind: str, start: datetime) -> str:
    """Name the ledger entry of a message that was for another start than the booking's own."""
    return f"{kind}{MOVED_FROM}{start.astimezone(SEOUL):%Y%m%dT%H%M}"


def recorded_start(record: Record) -> datetime | None:
    """Read the start that the record knows; None when nobody could read it."""
    return _read_start(record.booking_time)


@lru_cache(maxsize=10_000)  # many bookings share their start, and reading it takes the longest
def _read_start(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=SEOUL)
    except ValueError:
        return None


def plan_reschedule(record: Record, booking: Booking, *, now: datetime) -> Reschedule | None:
    """Tell how the record must change because the booking's start is another one; None if not.

    A record whose time cannot be read has not moved: nothing is sent again for lack of knowledge.
    """
    old = recorded_start(record)
    if old is None:
        return None
    if not record.messages and _minute(old) == _minute(booking.start):
        return None
    plan = _Plan(record, _minute(old), _minute(booking.start), now)
    if plan.old == plan.new and not any(plan.is_stale(kind) for kind in record.messages):
        return None
    new_time = booking.start.astimezone(SEOUL).strftime(TIME_FORMAT)
    effect = MoveRecord(record.key, old_time=record.booking_time)
    if waits := plan.waits():
        return Reschedule(replace(effect, waits=waits), record)
    plan.work_out()
    flags = {flag: plan.sets[flag] for flag in plan.flags}
    after = replace(record, booking_time=new_time, messages=plan.messages, **flags)
    effect = replace(
        effect,
        sets={"booking_time": new_time, **plan.sets},
        removes=tuple(plan.removes),
        seen=plan.seen,
        flags=plan.flags,
    )
    return Reschedule(effect, after)


@dataclass
class _Plan:
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
        start = self.record.messages[kind].for_start
        return start is not None and not _ARCHIVE.fullmatch(kind) and _minute(start) != self.new

    def waits(self) -> str:
        """Say which message must be settled first: nobody knows yet whether it was sent."""
        for kind in self._kinds():
            entry = self.record.messages.get(kind)
            if entry and entry.is_in_doubt and not self._is_for_new_start(entry):
                return f"the move waits: {kind!r} for the time before is {entry.state}, not settled"
        return ""

    def work_out(self) -> None:
        """Go through all that is bound to a start, and through what expired with the old one."""
        for kind in self._kinds():
            entry = self.record.messages.get(kind)
            if entry is None or not self._is_for_new_start(entry):
                self._archive_and_reopen(kind, entry)
        for kind, entry in self.record.messages.items():
            expired = entry.state == MessageStatus.EXPIRED and entry.for_start is None
            if expired and self.new > self.now and not _ARCHIVE.fullmatch(kind):
                # Its customer still knows nothing, and there is time again.
                owed = replace(entry, state=MessageStatus.OWED, token=_MOVED, reason="")
                self._put(kind, owed)

    def _kinds(self) -> list[str]:
        kinds = {kind for kind in self.record.messages if self.is_stale(kind)}
        if self.old != self.new:
            kinds.update(
                kind
                for kind in START_BOUND_KINDS
                if getattr(self.record, FLAG_OF[kind])
                or self._legacy_guide_possibly_for_new_start(kind)
            )
        for name in self.record.messages:
            archived = _ARCHIVE.fullmatch(name)
            if archived and name == archived_kind(archived["kind"], self.new):
                kinds.add(archived["kind"])
        return sorted(kinds)

    def _is_for_new_start(self, entry: LedgerEntry) -> bool:
        return entry.for_start is not None and _minute(entry.for_start) == self.new

    def _archive_and_reopen(self, kind: str, entry: LedgerEntry | None) -> None:
        self._expect_as_seen(kind)
        sent = self._sent(kind, entry)
        if sent and self._may_be_for_new_start(sent):
            if entry and entry is not sent:  # of the old start, and never accepted
                self._remove(kind)
            return
        if message := sent or entry:
            start = _minute(message.for_start) if message.for_start else self.old
            self._put(archived_kind(kind, start), replace(message, for_start=start))
        restored = self._restore(kind)
        is_sent = restored.state in WITH_PROVIDER if restored else self._reopen(kind, entry)
        if flag := FLAG_OF.get(kind):
            self.flags[flag] = getattr(self.record, flag)
            self.sets[flag] = is_sent

    def _restore(self, kind: str) -> LedgerEntry | None:
        archive = archived_kind(kind, self.new)
        if entry := self.messages.get(archive):
            self._remove(archive)
            self._put(kind, entry)
        return entry

    def _reopen(self, kind: str, entry: LedgerEntry | None) -> bool:
        """Make the message owed for the new start; True when the legacy may have sent it."""
        guide = self._legacy_guide_possibly_for_new_start(kind)
        if entry and kind not in FLAG_OF:  # no flag would tell that it is owed again
            owed = LedgerEntry(MessageStatus.OWED, 0, token=_MOVED, for_start=self.new)
            self._put(kind, owed)
            return bool(guide)
        self._remove(kind)
        if guide and kind in FLAG_OF:  # as it was before that move: only the flag tells
            self._remove(guide)
        return bool(guide)

    def _sent(self, kind: str, entry: LedgerEntry | None) -> LedgerEntry | None:
        """Give what was accepted for some start before; the legacy notes a flag only."""
        if entry and entry.state in WITH_PROVIDER:
            return entry
        flag = FLAG_OF.get(kind)
        if flag and getattr(self.record, flag):
            why = "sent by the legacy"
            return LedgerEntry(
                MessageStatus.ACCEPTED, token=BY_LEGACY, settled_at=self.now, reason=why
            )
        return None

    def _legacy_guide_possibly_for_new_start(self, kind: str) -> str:
        """Name the legacy's message that was archived and may have been for the new start.

        Only its flag was seen, when the booking moved on: it may be for any start whose window was
        open by then, also for one that this record never knew.
        """
        opened = self.new - LEGACY_WINDOW
        for name, entry in self.messages.items():
            archived = _ARCHIVE.fullmatch(name)
            is_guide = archived and archived["kind"] == kind and entry.token == BY_LEGACY
            if is_guide and entry.settled_at and entry.settled_at >= opened:
                return name
        return ""

    def _may_be_for_new_start(self, sent: LedgerEntry) -> bool:
        """Tell whether a message that names no start may have been sent for the new one (L12).

        The legacy asks Naver for the start and leaves the record's alone (L16). Once the new
        time's window was open, its guide may be the new one: not sent twice comes first, and the
        customer has a guide of this store.
        """
        sent_at = sent.claimed_at or self.now
        return sent.for_start is None and sent_at >= self.new - LEGACY_WINDOW

    def _put(self, kind: str, entry: LedgerEntry) -> None:
        self._expect_as_seen(kind)
        name = attribute(kind)
        self.sets[name], self.messages[kind] = entry.as_map(), entry
        if name in self.removes:
            self.removes.remove(name)

    def _remove(self, kind: str) -> None:
        if self.messages.pop(kind, None):
            self._expect_as_seen(kind)
            self.sets.pop(attribute(kind), None)  # archived and restored in one move
            if kind in self.record.messages:
                self.removes.append(attribute(kind))

    def _expect_as_seen(self, kind: str) -> None:
        entry = self.record.messages.get(kind)
        self.seen[attribute(kind)] = (entry.token, entry.state) if entry else None


def _minute(moment: datetime) -> datetime:
    return moment.astimezone(SEOUL).replace(second=0, microsecond=0)
