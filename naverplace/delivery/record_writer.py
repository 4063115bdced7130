"""Carrying out what only writes to table `sms`: a record made, moved or marked, a flag set."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from naverplace.base.clock import Clock
from naverplace.base.errors import NaverPlaceError
from naverplace.delivery.outcomes import Breaker, Step
from naverplace.domain.effects import (
    CreateRecord,
    Effect,
    MarkExpired,
    MoveRecord,
    Reserve,
    SetFlag,
)
from naverplace.domain.records import from_item
from naverplace.domain.results import ActionResult, Outcome
from naverplace.ledger.message_ledger import SmsTable
from naverplace.ledger.reservations import LEFT, kept_from_legacy, reserved_values, stamp_of
from naverplace.ledger.store_lock import Holding

_SLOW = timedelta(seconds=10)  # a reservation whose writing took longer counts from its end


@dataclass(frozen=True)
class Writer:
    """One delivery's writes, beside the legacy in a way that hides nothing from it."""

    table: SmsTable
    clock: Clock
    run_id: str
    breaker: Breaker  # of the table
    holding: Holding | None
    beside: Collection[str]  # without a holding: stores that the legacy reads as well

    def beside_legacy(self, effect: Effect) -> bool:
        """Tell whether a legacy that reads this store too may be running (docs/switch.md)."""
        if self.holding is None:
            return effect.key.store_id in self.beside
        return self.holding.reserves

    def lost(self) -> str:
        """Say who has the store now, when it was taken from us since we last looked."""
        try:
            if self.holding:
                self.holding.confirm()
        except NaverPlaceError as error:
            return str(error)
        return ""

    def carry_out(self, step: Step) -> ActionResult:
        """Carry out one write. Raises Transient, Permanent, LeaseLost, NotOurs."""
        effect = step.effect
        if isinstance(effect, CreateRecord):
            return self._create_record(step, effect)
        if isinstance(effect, Reserve):
            return self._reserve(step, effect)
        if isinstance(effect, SetFlag):
            return self._set_flag(step, effect)
        if isinstance(effect, MoveRecord):
            return self._move(step, effect)
        if isinstance(effect, MarkExpired):
            return self._expire(step, effect)
        raise TypeError(f"{type(effect).__name__} is no effect of this kind")

    def create(self, step: Step, item: Mapping[str, Any]) -> bool:
        """Make the record of the step's booking; False when there is one, or must be none."""
        if self.beside_legacy(step.effect):
            return False  # unreserved it would hide a new booking from the legacy
        created = step.wrote(self.table.create(item, run_id=self.run_id))
        self.breaker.note("")
        return created

    def _create_record(self, step: Step, effect: CreateRecord) -> ActionResult:
        if self.create(step, effect.item):
            return step.end(Outcome.WRITTEN)
        why = LEFT if self.beside_legacy(effect) else "the record exists already"
        return step.end(Outcome.SKIPPED, why)

    def _reserve(self, step: Step, effect: Reserve) -> ActionResult:
        if not self.holding or not self.beside_legacy(effect):
            return step.end(Outcome.SKIPPED, "no legacy runs beside us any more")
        self.holding.keep()
        since = self.clock.now()
        written = self.table.reserve(effect.key, effect.flags, since=since, item=effect.item)
        if not step.wrote(written):
            return step.end(Outcome.SKIPPED, "the legacy was faster")
        if lost := self.lost():
            # Frozen meanwhile: whoever owns the store now must not find its messages reserved.
            self._undo(step, effect, reserved_values(effect.flags, since))
            return step.end(Outcome.SKIPPED, lost)
        done = self.clock.now()
        if done - since > _SLOW:
            self.table.reserve_later(effect.key, effect.flags, seen=since, since=done)
        return step.end(Outcome.WRITTEN)

    def _undo(self, step: Step, effect: Reserve, values: Mapping[str, Any]) -> None:
        record = from_item({**effect.item, **effect.key._asdict(), **values})
        if effect.item:
            step.wrote(self.table.forget(record))
        else:
            step.wrote(self.table.give_up(record, record.reserved))

    def _set_flag(self, step: Step, effect: SetFlag) -> ActionResult:
        hidden = not effect.value and self.beside_legacy(effect)
        since = stamp_of(self.clock.now()) if hidden else ""
        if step.wrote(self.table.set_flag(effect.key, effect.flag, effect.value, reserved=since)):
            return step.end(Outcome.WRITTEN)
        return step.end(Outcome.FAILED, "the booking has no record")

    def _move(self, step: Step, effect: MoveRecord) -> ActionResult:
        if effect.waits:
            return step.end(Outcome.SKIPPED, effect.waits)
        if self.holding:
            self.holding.keep()
        wanted = kept_from_legacy(effect) if self.beside_legacy(effect) else effect
        if step.wrote(self.table.move(wanted)):
            return step.end(Outcome.WRITTEN)
        return step.end(Outcome.FAILED, "its record has changed since it was read")

    def _expire(self, step: Step, effect: MarkExpired) -> ActionResult:
        if effect.item:
            self.create(step, effect.item)
        if step.wrote(self.table.expire(effect, run_id=self.run_id, now=self.clock.now())):
            return step.end(Outcome.WRITTEN, effect.reason)
        return step.end(Outcome.SKIPPED, "its ledger has moved on since it was read")
