"""Carrying out one effect: claim, send once, record. Nothing is ever sent blindly again.

A crash between claim and record leaves `claimed` in the ledger, and the message open in its store's
item: the next run settles it by SENS's log.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from naverplace.base.clock import SEOUL, Clock
from naverplace.base.errors import NaverPlaceError, Transient
from naverplace.base.timing import PhaseTimer
from naverplace.delivery.outcome_recorder import Recorder
from naverplace.delivery.outcomes import (
    Attempt,
    Breaker,
    SendResult,
    call_provider,
    describe_error,
    explain_refusal,
    run_guarded,
)
from naverplace.delivery.record_writer import RecordWriter
from naverplace.domain.effects import Channel, CreateRecord, MoveRecord, Notify, RecordKey, SendSms
from naverplace.domain.records import notice_kind
from naverplace.domain.results import ActionResult, Outcome
from naverplace.ledger.claims import Claim, ClaimRefused
from naverplace.ledger.message_ledger import MessageLedger
from naverplace.ledger.ownership import NotOurs
from naverplace.ledger.reservations import LEFT, sortable_timestamp
from naverplace.ledger.store_lock import StoreLock
from naverplace.messaging.owner_channels import OwnerChannel
from naverplace.messaging.sens import SensClient
from naverplace.settings.sections import CutoverSettings, LedgerSettings

Still = Callable[[SendSms], str]  # why a booking is not as it was read; empty when it is


@dataclass
class EffectExecutor:
    """One delivery's ways to the outside, and what has failed so far."""

    table: MessageLedger
    sens: SensClient
    channels: Mapping[Channel, OwnerChannel]
    clock: Clock
    run_id: str
    ledger: LedgerSettings = field(default_factory=LedgerSettings)
    switch: CutoverSettings = field(default_factory=CutoverSettings)
    lock: StoreLock | None = None
    beside: Collection[str] = ()  # without a lock: stores that the legacy reads as well
    still: Still = lambda effect: ""
    watch: PhaseTimer = field(default_factory=PhaseTimer)
    sens_breaker: Breaker = field(default_factory=lambda: Breaker("SENS"))
    table_breaker: Breaker = field(default_factory=lambda: Breaker("DynamoDB"))
    naver_breaker: Breaker = field(default_factory=lambda: Breaker("Naver"))
    without_record: dict[RecordKey, str] = field(default_factory=dict)  # and why

    @property
    def _recorder(self) -> Recorder:
        return Recorder(self.table, self.clock, self.table_breaker)

    @property
    def _writer(self) -> RecordWriter:
        return RecordWriter(
            self.table, self.clock, self.run_id, self.table_breaker, self.lock, self.beside
        )

    def execute(self, attempt: Attempt) -> ActionResult:
        """Carry out one effect, whatever happens to it."""
        effect = attempt.effect
        if effect.key in self.without_record:
            return attempt.finish(Outcome.FAILED, f"not tried: {self.without_record[effect.key]}")
        if self.table_breaker.reason:
            return attempt.finish(Outcome.FAILED, self.table_breaker.reason)
        result = run_guarded(
            lambda: self._work(attempt), lambda error: self._broken(attempt, error)
        )
        if isinstance(effect, CreateRecord) and not result.success:
            self.without_record[effect.key] = "the booking's record was not created"
        if isinstance(effect, MoveRecord) and result.outcome is not Outcome.WRITTEN:
            self.without_record[effect.key] = "the booking's record was not moved to its new time"
        return result

    def notify(self, channel: Channel, attempts: Sequence[Attempt]) -> list[ActionResult]:
        """Tell the owner in one message what these notices say, each of them once."""
        ended = [self._claim_notice(attempt) for attempt in attempts]
        claimed = [
            attempt for attempt, result in zip(attempts, ended, strict=True) if result is None
        ]
        lines = [attempt.notice.text for attempt in claimed]
        call = SendResult(Outcome.SKIPPED)
        if lines:
            with self.watch.call(channel):
                call = call_provider(lambda: self._tell(channel, "\n".join(lines)))
        return [
            result or self._recorder.record(attempt, call)
            for attempt, result in zip(attempts, ended, strict=True)
        ]

    def _work(self, attempt: Attempt) -> ActionResult:
        effect = attempt.effect
        if isinstance(effect, SendSms):
            return self._send_sms(attempt, effect)
        return self._writer.write(attempt)

    def _send_sms(self, attempt: Attempt, effect: SendSms) -> ActionResult:
        if self.sens_breaker.reason:
            return attempt.finish(Outcome.FAILED, self.sens_breaker.reason)
        if late := self._late(effect.expires):
            return self._skip_unless_in_doubt(attempt, effect, late)
        if self.lock:
            self.lock.renew()
        if self._is_old(effect):
            if self.naver_breaker.reason:
                return attempt.finish(Outcome.FAILED, self.naver_breaker.reason)
            try:
                stale = self.still(effect)
            except NaverPlaceError as error:  # Naver's, and no word about DynamoDB
                self.naver_breaker.note(str(error))
                return attempt.finish(Outcome.FAILED, f"not sent, its booking is unread: {error}")
            self.naver_breaker.note("")
            if stale:
                return self._skip_unless_in_doubt(attempt, effect, stale)
        if blocked := self._claim(attempt, effect, effect.kind):
            return blocked
        # The claim may have taken long, or this process may have been frozen meanwhile.
        if late := self._late(effect.expires) or self._writer.lease_lost_reason():
            return self._recorder.record(attempt, SendResult(Outcome.SKIPPED, late))
        with self.watch.call("sms"):
            call = call_provider(lambda: self._text(effect, attempt.granted))
        self.sens_breaker.note(call.message if call.service_failed else "")
        return self._recorder.record(attempt, call)

    def _is_old(self, effect: SendSms) -> bool:
        """Tell whether a text with access data rests on a booking that was read too long ago."""
        if not effect.access or effect.read_at is None:
            return False
        age = (self.clock.now() - effect.read_at).total_seconds()
        return age > self.ledger.fresh_seconds

    def _skip_unless_in_doubt(self, attempt: Attempt, effect: SendSms, why: str) -> ActionResult:
        """Skip a message, unless an earlier try may have sent it: that doubt is to be settled."""
        record = self.table.read([effect.key]).get(effect.key)
        found = record.messages.get(effect.kind) if record else None
        if found and found.is_in_doubt:
            outcome, words = explain_refusal(ClaimRefused(found.state, found))
            return attempt.finish(outcome, f"{words} ({why})")
        return attempt.finish(Outcome.SKIPPED, why)

    def _text(self, effect: SendSms, claim: Claim) -> tuple[str, float]:
        claimed_at = claim.message.claimed_at or self.clock.now()
        not_after = claimed_at + timedelta(seconds=self.ledger.send_seconds)
        accepted = self.sens.send(
            to=effect.to,
            sender=effect.sender,
            subject=effect.subject,
            text=effect.text,
            message_type=effect.message_type,
            content_type=effect.content_type,
            not_after=min(not_after, effect.expires) if effect.expires else not_after,
        )
        return accepted.request_id, accepted.seconds

    def _tell(self, channel: Channel, text: str) -> tuple[str, float]:
        return "", self.channels[channel].send(text).seconds

    def _claim_notice(self, attempt: Attempt) -> ActionResult | None:
        if self.table_breaker.reason:
            return attempt.finish(Outcome.FAILED, self.table_breaker.reason)
        kind = notice_kind(attempt.notice.channel, attempt.notice.kind)
        return run_guarded(
            lambda: self._claim(attempt, attempt.notice, kind),
            lambda error: self._broken(attempt, error),
        )

    def _claim(self, attempt: Attempt, effect: SendSms | Notify, kind: str) -> ActionResult | None:
        """Claim a message, creating its record when it has none; None when it may be sent."""
        claim = self._try_claim(effect, kind)
        if isinstance(claim, ClaimRefused) and claim.why == "no_record" and effect.item:
            if self._writer.beside_legacy(effect):
                return attempt.finish(Outcome.SKIPPED, LEFT)
            self._writer.create(attempt, effect.item)
            claim = self._try_claim(effect, kind)
        self.table_breaker.note("")
        if isinstance(claim, ClaimRefused):
            outcome, message = explain_refusal(claim)
            request_id = claim.message.request_id if claim.message else ""
            return attempt.finish(outcome, message, request_id=request_id)
        attempt.claim = claim
        attempt.count_write(True)
        return None

    def _try_claim(self, effect: SendSms | Notify, kind: str) -> Claim | ClaimRefused:
        now = self.clock.now()
        if isinstance(effect, Notify):
            return self.table.claim(effect.key, kind, run_id=self.run_id, now=now)
        return self.table.claim(
            effect.key,
            kind,
            run_id=self.run_id,
            now=now,
            flag=effect.flag,
            content_hash=self.sens.fingerprint(
                to=effect.to,
                sender=effect.sender,
                subject=effect.subject if effect.message_type != "SMS" else "",
                text=effect.text,
            ),
            due=effect.due,
            expires=effect.expires,
            for_start=effect.for_start,
            epoch=self.lock.lease.epoch if self.lock else 0,
            reserved_by=self._reserved_by(effect, now),
        )

    def _reserved_by(self, effect: SendSms, now: datetime) -> str:
        """Tell since when a flag must be reserved, so that no living run has seen it unset."""
        if not self._writer.beside_legacy(effect):
            return ""
        return sortable_timestamp(now - timedelta(seconds=self.switch.legacy_run_seconds))

    def _broken(self, attempt: Attempt, error: Exception) -> ActionResult:
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
