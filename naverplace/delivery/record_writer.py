"""Carrying out what only writes to table `sms`: a record made, moved or marked, a flag set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from naverplace.base.clock import Clock
from naverplace.base.errors import NaverPlaceError
from naverplace.delivery.outcomes import Attempt, Breaker
from naverplace.domain.effects import (
    CreateRecord,
    Effect,
    MarkExpired,
    MoveRecord,
    Reserve,
    SetFlag,
)
from naverplace.domain.records import read_record
from naverplace.domain.results import ActionResult, Outcome
from naverplace.ledger.message_ledger import MessageLedger
from naverplace.ledger.reservations import (
    LEFT,
    kept_from_legacy,
    reserved_values,
    sortable_timestamp,
)
from naverplace.ledger.store_lock import StoreLock

_SLOW = timedelta(seconds=10)  # a reservation whose writing took longer counts from its end


@dataclass(frozen=True)
class RecordWriter:
    """One delivery's writes, beside the legacy in a way that hides nothing from it."""

    table: MessageLedger
    clock: Clock
    run_id: str
    breaker: Breaker  # of the table
    lock: StoreLock | None
    beside: Collection[str]  # without a lock: stores that the legacy reads as well

    def beside_legacy(self, effect: Effect) -> bool:
        """Tell whether a legacy that reads this store too may be running (docs/switch.md)."""
        if self.lock is None:
            return effect.key.store_id in self.beside
        return self.lock.reserves

    def lease_lost_reason(self) -> str:
        """Say who has the store now, when it was taken from us since we last looked."""
        try:
            if self.lock:
                self.lock.ensure_held()
        except NaverPlaceError as error:
            return str(error)
        return ""

    def write(self, attempt: Attempt) -> ActionResult:
        """Carry out one write. Raises Transient, Permanent, LeaseLost, NotOurs."""
        effect = attempt.effect
        if isinstance(effect, CreateRecord):
            return self._create_record(attempt, effect)
        if isinstance(effect, Reserve):
            return self._reserve(attempt, effect)
        if isinstance(effect, SetFlag):
            return self._set_flag(attempt, effect)
        if isinstance(effect, MoveRecord):
            return self._move(attempt, effect)
        if isinstance(effect, MarkExpired):
            return self._expire(attempt, effect)
        raise TypeError(f"{type(effect).__name__} is no effect of this kind")

    def create(self, attempt: Attempt, item: Mapping[str, Any]) -> bool:
        """Make the record of the attempt's booking; False when there is one, or must be none."""
        if self.beside_legacy(attempt.effect):
            return False  # unreserved it would hide a new booking from the legacy
        created = attempt.count_write(self.table.records.create(item, run_id=self.run_id))
        self.breaker.note("")
        return created

    def _create_record(self, attempt: Attempt, effect: CreateRecord) -> ActionResult:
        if self.create(attempt, effect.item):
            return attempt.finish(Outcome.WRITTEN)
        why = LEFT if self.beside_legacy(effect) else "the record exists already"
        return attempt.finish(Outcome.SKIPPED, why)

    def _reserve(self, attempt: Attempt, effect: Reserve) -> ActionResult:
        if not self.lock or not self.beside_legacy(effect):
            return attempt.finish(Outcome.SKIPPED, "no legacy runs beside us any more")
        self.lock.renew()
        since = self.clock.now()
        written = self.table.reservations.reserve(
            effect.key, effect.flags, since=since, item=effect.item
        )
        if not attempt.count_write(written):
            return attempt.finish(Outcome.SKIPPED, "the legacy was faster")
        if lost := self.lease_lost_reason():
            # Frozen meanwhile: whoever owns the store now must not find its messages reserved.
            self._undo(attempt, effect, reserved_values(effect.flags, since))
            return attempt.finish(Outcome.SKIPPED, lost)
        done = self.clock.now()
        if done - since > _SLOW:
            self.table.reservations.reserve_later(effect.key, effect.flags, seen=since, since=done)
        return attempt.finish(Outcome.WRITTEN)

    def _undo(self, attempt: Attempt, effect: Reserve, values: Mapping[str, Any]) -> None:
        record = read_record({**effect.item, **effect.key._asdict(), **values})
        if effect.item:
            attempt.count_write(self.table.reservations.delete_unsent(record))
        else:
            attempt.count_write(self.table.reservations.cancel(record, record.reserved))

    def _set_flag(self, attempt: Attempt, effect: SetFlag) -> ActionResult:
        hidden = not effect.value and self.beside_legacy(effect)
        since = sortable_timestamp(self.clock.now()) if hidden else ""
        if attempt.count_write(
            self.table.records.set_flag(effect.key, effect.flag, effect.value, reserved=since)
        ):
            return attempt.finish(Outcome.WRITTEN)
        return attempt.finish(Outcome.FAILED, "the booking has no record")

    def _move(self, attempt: Attempt, effect: MoveRecord) -> ActionResult:
        if effect.waits:
            return attempt.finish(Outcome.SKIPPED, effect.waits)
        if self.lock:
            self.lock.renew()
        wanted = kept_from_legacy(effect) if self.beside_legacy(effect) else effect
        if attempt.count_write(self.table.move(wanted)):
            return attempt.finish(Outcome.WRITTEN)
        return attempt.finish(Outcome.FAILED, "its record has changed since it was read")

    def _expire(self, attempt: Attempt, effect: MarkExpired) -> ActionResult:
        if effect.item:
            self.create(attempt, effect.item)
        if attempt.count_write(self.table.expire(effect, run_id=self.run_id, now=self.clock.now())):
            return attempt.finish(Outcome.WRITTEN, effect.reason)
        return attempt.finish(Outcome.SKIPPED, "its ledger has moved on since it was read")
