"""Carrying out one effect: claim, send once, record. Nothing is ever sent blindly again.

A crash between claim and record leaves `claimed` in the ledger, and the message pending in its
store's item: the next run resolves it by SENS's log.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from naverplace.base.clock import SEOUL, Clock
from naverplace.base.errors import NaverPlaceError, Transient
from naverplace.base.stopping import StopRequest
from naverplace.base.timing import PhaseTimer
from naverplace.delivery.outcomes import (
    Attempt,
    Breaker,
    SendResult,
    call_provider,
    describe_error,
    explain_refusal,
    run_guarded,
)
from naverplace.delivery.send_caps import SendCaps
from naverplace.domain.effects import (
    Channel,
    CreateRecord,
    Effect,
    MarkExpired,
    MoveRecord,
    Notify,
    RecordKey,
    Reserve,
    SendSms,
    SetFlag,
)
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, notice_kind, read_record
from naverplace.domain.results import HELD, ActionResult, Outcome
from naverplace.ledger.message_ledger import Claim, ClaimRefused, MessageLedger
from naverplace.ledger.reservations import (
    LEFT,
    kept_from_legacy,
    reserved_values,
    sortable_timestamp,
)
from naverplace.ledger.store_lock import StoreLock
from naverplace.ledger.store_state import NotOurs
from naverplace.messaging.owner_channels import OwnerChannel
from naverplace.messaging.sens import SensClient
from naverplace.settings.sections import CutoverSettings, LedgerSettings

StaleReason = str  # why a booking is not as it was read
Recheck = Callable[[SendSms], StaleReason | None]
_SLOW = timedelta(seconds=10)  # a reservation whose writing took longer counts from its end


@dataclass
class EffectExecutor:
    """Carries out one delivery's effects, and holds back from a service that keeps failing."""

    table: MessageLedger
    sens: SensClient
    channels: Mapping[Channel, OwnerChannel]
    clock: Clock
    execution_id: str
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    switch: CutoverSettings = field(default_factory=CutoverSettings)
    lock: StoreLock | None = None
    beside: Collection[str] = ()  # without a lock: stores that the legacy reads as well
    recheck: Recheck | None = None
    caps: SendCaps | None = None
    watch: PhaseTimer = field(default_factory=PhaseTimer)
    stop: StopRequest = field(default_factory=StopRequest)
    parallel: int = 1  # bookings served at the same time
    slots: AbstractContextManager[Any] = field(default_factory=nullcontext)  # of all deliveries

    def __post_init__(self) -> None:
        self.sens_breaker, self.naver_breaker = Breaker("SENS"), Breaker("Naver")
        self.table_breaker = Breaker("DynamoDB")
        self.blocked_keys: dict[RecordKey, str] = {}  # those without a right record, and why

    def execute(self, effect: Effect) -> ActionResult:
        """Carry out one effect that is no notice, whatever happens to it."""
        attempt = Attempt(effect)
        # A message is held in `_check`: an earlier try may have sent it.
        if not isinstance(effect, SendSms) and (stopped := self._stopped()):
            return attempt.finish(Outcome.SKIPPED, stopped)
        if effect.key in self.blocked_keys:
            return attempt.finish(Outcome.FAILED, f"not tried: {self.blocked_keys[effect.key]}")
        with self.table_breaker.attempt() as stopped:
            if stopped:
                return attempt.finish(Outcome.FAILED, stopped)
            result = run_guarded(
                lambda: self._carry_out(attempt), lambda error: self._failed(attempt, error)
            )
        if isinstance(effect, CreateRecord) and not result.success:
            self.blocked_keys[effect.key] = "the booking's record was not created"
        if isinstance(effect, MoveRecord) and result.outcome is not Outcome.WRITTEN:
            self.blocked_keys[effect.key] = "the booking's record was not moved to its new time"
        return result

    def notify(self, channel: Channel, notices: Sequence[Notify]) -> list[ActionResult]:
        """Tell the owner in one message what these notices say, each of them once."""
        attempts = [Attempt(notice) for notice in notices]
        claims = [self._claim_notice(a, n) for a, n in zip(attempts, notices, strict=True)]
        lines = [n.text for n, c in zip(notices, claims, strict=True) if isinstance(c, Claim)]
        call = SendResult(Outcome.SKIPPED)
        if lines:
            with self.watch.call(channel):
                call = call_provider(lambda: self.channels[channel].send("\n".join(lines)))
        return [
            self._record(attempt, claim, call) if isinstance(claim, Claim) else claim
            for attempt, claim in zip(attempts, claims, strict=True)
        ]

    def _carry_out(self, attempt: Attempt) -> ActionResult:
        match attempt.effect:
            case SendSms() as effect:
                with self.sens_breaker.attempt() as stopped:
                    if stopped:
                        return attempt.finish(Outcome.FAILED, stopped)
                    return self._send_sms(attempt, effect)
            case CreateRecord() as effect:
                return self._create_record(attempt, effect)
            case Reserve() as effect:
                return self._reserve(attempt, effect)
            case SetFlag() as effect:
                return self._set_flag(attempt, effect)
            case MoveRecord() as effect:
                return self._move(attempt, effect)
            case MarkExpired() as effect:
                return self._expire(attempt, effect)
        raise TypeError("a notice is told by `notify`")

    def _send_sms(self, attempt: Attempt, effect: SendSms) -> ActionResult:
        if held_back := self._check(attempt, effect):
            return held_back
        claim = self._claim(attempt, effect, effect.kind)
        if isinstance(claim, ActionResult):
            return claim
        # The claim may have taken long, or this process may have been frozen meanwhile.
        if late := self._late(effect.expires) or self._lease_lost_reason() or self._held():
            return self._record(attempt, claim, SendResult(Outcome.SKIPPED, late))
        with self.watch.call("sms"):
            call = call_provider(lambda: self._send(effect, claim))
        self.sens_breaker.note(call.message if call.service_failed else "")
        return self._record(attempt, claim, call)

    def _check(self, attempt: Attempt, effect: SendSms) -> ActionResult | None:
        """Tell why a message must not even be claimed now; None when it may be."""
        if late := self._late(effect.expires):
            return self._skip_unless_in_doubt(attempt, effect, late)
        if self.lock:
            self.lock.renew()
        if held := self._held():
            return self._skip_unless_in_doubt(attempt, effect, held)
        if not self._is_old(effect):
            return None
        with self.naver_breaker.attempt() as stopped:
            if stopped:
                return attempt.finish(Outcome.FAILED, stopped)
            try:
                stale = self.recheck(effect) if self.recheck else None
            except NaverPlaceError as error:  # Naver's, and no word about DynamoDB
                self.naver_breaker.note(str(error))
                return attempt.finish(Outcome.FAILED, f"not sent, its booking is unread: {error}")
            self.naver_breaker.note("")
        return self._skip_unless_in_doubt(attempt, effect, stale) if stale else None

    def _is_old(self, effect: SendSms) -> bool:
        """Tell whether a text with access data rests on a booking that was read too long ago."""
        if not effect.access or effect.read_at is None:
            return False
        age = (self.clock.now() - effect.read_at).total_seconds()
        return age > self.ledger.fresh_seconds

    def _skip_unless_in_doubt(self, attempt: Attempt, effect: SendSms, why: str) -> ActionResult:
        """Skip a message, unless an earlier try may have sent it: that is to be resolved."""
        record = self.table.records.read([effect.key]).get(effect.key)
        entry = record.messages.get(effect.kind) if record else None
        if entry and entry.is_in_doubt:
            outcome, words = explain_refusal(ClaimRefused(entry.state, entry))
            return attempt.finish(outcome, f"{words} ({why})")
        return attempt.finish(Outcome.SKIPPED, why)

    def _claim_notice(self, attempt: Attempt, notice: Notify) -> Claim | ActionResult:
        if stopped := self._stopped():
            return attempt.finish(Outcome.SKIPPED, stopped)
        if self.table_breaker.reason:
            return attempt.finish(Outcome.FAILED, self.table_breaker.reason)
        kind = notice_kind(notice.channel, notice.kind)
        return run_guarded(
            lambda: self._claim(attempt, notice, kind), lambda error: self._failed(attempt, error)
        )

    def _claim(self, attempt: Attempt, effect: SendSms | Notify, kind: str) -> Claim | ActionResult:
        """Claim a message, creating its record when it has none; a result when it is refused."""
        claim = self._try_claim(effect, kind)
        if isinstance(claim, ClaimRefused) and claim.why == "no_record" and effect.item:
            if self._beside_legacy(effect):
                return attempt.finish(Outcome.SKIPPED, LEFT)
            self._create(attempt, effect.item)
            claim = self._try_claim(effect, kind)
        self.table_breaker.note("")
        if isinstance(claim, ClaimRefused):
            outcome, message = explain_refusal(claim)
            request_id = claim.message.request_id if claim.message else ""
            return attempt.finish(outcome, message, request_id=request_id)
        attempt.count_write(True)
        return claim

    def _try_claim(self, effect: SendSms | Notify, kind: str) -> Claim | ClaimRefused:
        now = self.clock.now()
        entry = LedgerEntry(MessageStatus.CLAIMED, execution_id=self.execution_id, claimed_at=now)
        if isinstance(effect, Notify):
            return self.table.claim(effect.key, kind, entry)
        reserved_by = ""  # beside the legacy: since then, so that no living run has seen it unset
        if self._beside_legacy(effect):
            reserved_by = sortable_timestamp(
                now - timedelta(seconds=self.switch.legacy_run_seconds)
            )
        entry = replace(
            entry,
            content_hash=self.sens.fingerprint(
                to=effect.to,
                sender=effect.sender,
                subject=effect.subject if effect.message_type != "SMS" else "",
                text=effect.text,
            ),
            due=effect.due,
            expires=effect.expires,
            for_start=effect.for_start,
            access=effect.access,
            to=effect.to if effect.receiver == "visitor" else "",
            epoch=self.lock.lease.epoch if self.lock else 0,
        )
        return self.table.claim(effect.key, kind, entry, flag=effect.flag, reserved_by=reserved_by)

    def _send(self, effect: SendSms, claim: Claim) -> str:
        claimed_at = claim.message.claimed_at or self.clock.now()
        not_after = claimed_at + timedelta(seconds=self.ledger.send_seconds)
        return self.sens.send(
            to=effect.to,
            sender=effect.sender,
            subject=effect.subject,
            text=effect.text,
            message_type=effect.message_type,
            content_type=effect.content_type,
            not_after=min(not_after, effect.expires) if effect.expires else not_after,
            counting=partial(self.caps.counting, effect.to) if self.caps else nullcontext,
        )

    def _record(self, attempt: Attempt, claim: Claim, call: SendResult) -> ActionResult:
        """Record in the ledger how the call ended. Never raises, never sends."""

        def work() -> ActionResult:
            written = attempt.count_write(self._write_end(claim, call))
            if call.outcome is Outcome.ACCEPTED and not written:
                return self._unrecorded(attempt, call, "the claim was not ours any more")
            return attempt.finish(
                call.outcome, call.message, request_id=call.request_id, seconds=call.seconds
            )

        def failed(error: Exception) -> ActionResult:
            if isinstance(error, Transient):
                self.table_breaker.note(str(error))
            return self._unrecorded(attempt, call, describe_error(error))

        return run_guarded(work, failed)

    def _write_end(self, claim: Claim, call: SendResult) -> bool:
        now, request_id = self.clock.now(), call.request_id
        if call.outcome is Outcome.IN_DOUBT:
            return self.table.mark_in_doubt(claim, call.message, now=now)
        if call.outcome is not Outcome.ACCEPTED:
            refused = call.content_refused
            return self.table.release_claim(claim, call.message, now=now, refused=refused)
        try:
            return self.table.accept(claim, request_id=request_id, now=now)
        except Transient:  # once more after the table's own retries
            return self.table.accept(claim, request_id=request_id, now=self.clock.now())

    def _unrecorded(self, attempt: Attempt, call: SendResult, why: str) -> ActionResult:
        """Report what the ledger does not know; the claim that stays there keeps it unsent."""
        ends = {
            Outcome.ACCEPTED: Outcome.IN_DOUBT,
            Outcome.SKIPPED: Outcome.FAILED,
            Outcome.CAPPED: Outcome.FAILED,
        }
        return attempt.finish(
            ends.get(call.outcome, call.outcome),
            f"{call.message or 'the provider accepted it'}; not recorded in the ledger: {why}",
            request_id=call.request_id,
            seconds=call.seconds,
        )

    def _failed(self, attempt: Attempt, error: Exception) -> ActionResult:
        """Report an attempt that failed before anything was sent."""
        if isinstance(error, NotOurs):
            return attempt.finish(Outcome.SKIPPED, str(error))
        if isinstance(error, Transient):
            self.table_breaker.note(str(error))
        return attempt.finish(Outcome.FAILED, describe_error(error))

    def _late(self, expires: datetime | None) -> str:
        if expires is None or self.clock.now() < expires:
            return ""
        return f"too late: it expired at {expires.astimezone(SEOUL):%Y-%m-%d %H:%M}"

    def _paused(self) -> str:
        """Say that the store is paused; empty when it is not. Everything but messages goes on."""
        pause = self.lock.pause if self.lock else None
        return f"{HELD}: {pause.words}" if pause else ""

    def _stopped(self) -> str:
        return f"not begun, the next run goes on: {why}" if (why := self.stop.why) else ""

    def _held(self) -> str:
        return self._paused() or self._stopped()

    def _beside_legacy(self, effect: Effect) -> bool:
        """Tell whether a legacy that reads this store too may be running (docs/switch.md)."""
        if self.lock is None:
            return effect.key.store_id in self.beside
        return self.lock.reserves

    def _lease_lost_reason(self) -> str:
        """Say who has the store now, when it was taken from us since we last looked."""
        try:
            if self.lock:
                self.lock.ensure_held()
        except NaverPlaceError as error:
            return str(error)
        return ""

    def _create(self, attempt: Attempt, item: Mapping[str, Any]) -> bool:
        """Make the record of the attempt's booking; False when there is one, or must be none."""
        if self._beside_legacy(attempt.effect):
            return False  # unreserved it would hide a new booking from the legacy
        created = attempt.count_write(
            self.table.records.create(item, execution_id=self.execution_id)
        )
        self.table_breaker.note("")
        return created

    def _create_record(self, attempt: Attempt, effect: CreateRecord) -> ActionResult:
        if self._create(attempt, effect.item):
            return attempt.finish(Outcome.WRITTEN)
        why = LEFT if self._beside_legacy(effect) else "the record exists already"
        return attempt.finish(Outcome.SKIPPED, why)

    def _reserve(self, attempt: Attempt, effect: Reserve) -> ActionResult:
        if not self.lock or not self._beside_legacy(effect):
            return attempt.finish(Outcome.SKIPPED, "no legacy runs beside us any more")
        self.lock.renew()
        since = self.clock.now()
        written = self.table.records.reserve(
            effect.key, effect.flags, since=since, item=effect.item
        )
        if not attempt.count_write(written):
            return attempt.finish(Outcome.SKIPPED, "the legacy was faster")
        if lost := self._lease_lost_reason():
            # Frozen meanwhile: whoever owns the store now must not find its messages reserved.
            self._undo(attempt, effect, reserved_values(effect.flags, since))
            return attempt.finish(Outcome.SKIPPED, lost)
        done = self.clock.now()
        if done - since > _SLOW:
            self.table.records.reserve_later(effect.key, effect.flags, seen=since, since=done)
        return attempt.finish(Outcome.WRITTEN)

    def _undo(self, attempt: Attempt, effect: Reserve, values: Mapping[str, Any]) -> None:
        record = read_record({**effect.item, **effect.key._asdict(), **values})
        if effect.item:
            attempt.count_write(self.table.records.delete_unsent(record))
        else:
            attempt.count_write(self.table.records.cancel_reservations(record, record.reserved))

    def _set_flag(self, attempt: Attempt, effect: SetFlag) -> ActionResult:
        hidden = not effect.value and self._beside_legacy(effect)
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
        wanted = kept_from_legacy(effect) if self._beside_legacy(effect) else effect
        if attempt.count_write(self.table.move(wanted)):
            return attempt.finish(Outcome.WRITTEN)
        return attempt.finish(Outcome.FAILED, "its record has changed since it was read")

    def _expire(self, attempt: Attempt, effect: MarkExpired) -> ActionResult:
        if effect.item:
            self._create(attempt, effect.item)
        if attempt.count_write(
            self.table.expire(effect, execution_id=self.execution_id, now=self.clock.now())
        ):
            return attempt.finish(Outcome.WRITTEN, effect.reason)
        return attempt.finish(Outcome.SKIPPED, "its ledger has moved on since it was read")
