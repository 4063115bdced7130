"""Carrying out what was decided: claim, send once, record. Nothing is ever sent blindly again.

A crash between claim and record leaves `claimed` in the ledger: the next run reports the message
as in doubt and does not send it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from naverplace.channels.slack import Slack
from naverplace.channels.sms import SensClient
from naverplace.channels.telegram import Telegram
from naverplace.claims import Claim, NotClaimed
from naverplace.clock import SEOUL, Clock
from naverplace.effects import (
    ActionResult,
    CreateRecord,
    Effect,
    Notify,
    Outcome,
    RecordKey,
    SendSms,
    SetFlag,
)
from naverplace.errors import Transient
from naverplace.records import notice_kind
from naverplace.sending import Breaker, Sending, Step, attempt, shielded, why_not, words_of
from naverplace.tables.sms import SmsTable


def deliver(
    effects: Sequence[Effect],
    *,
    table: SmsTable,
    sens: SensClient,
    telegram: Telegram,
    slack: Slack,
    clock: Clock,
    run_id: str,
) -> list[ActionResult]:
    """Carry the effects out in order, notices last; one result for each, in the effects' order.

    Raises nothing that concerns one booking or one service: that is in the results.
    """
    channels: dict[str, Telegram | Slack] = {"telegram": telegram, "slack": slack}
    delivery = Delivery(table, sens, channels, clock, run_id)
    results: dict[int, ActionResult] = {}
    notices: dict[tuple[str, str], dict[int, Step]] = {}
    for at, effect in enumerate(effects):
        if isinstance(effect, Notify):
            notices.setdefault((effect.rule, effect.channel), {})[at] = Step(effect)
        else:
            results[at] = delivery.carry_out(Step(effect))
    for (_, channel), group in notices.items():
        ended = delivery.notify(channel, list(group.values()))
        results |= dict(zip(group, ended, strict=True))
    return [results[at] for at in range(len(effects))]


@dataclass
class Delivery:
    """One delivery: its ways to the outside, and what has failed so far."""

    table: SmsTable
    sens: SensClient
    channels: dict[str, Telegram | Slack]
    clock: Clock
    run_id: str
    sens_breaker: Breaker = field(default_factory=lambda: Breaker("SENS"))
    table_breaker: Breaker = field(default_factory=lambda: Breaker("DynamoDB"))
    without_record: set[RecordKey] = field(default_factory=set)

    def carry_out(self, step: Step) -> ActionResult:
        """Carry out one effect, whatever happens to it."""
        effect = step.effect
        if effect.key in self.without_record:
            return step.end(Outcome.FAILED, "not tried: the booking's record was not created")
        if self.table_breaker.reason:
            return step.end(Outcome.FAILED, self.table_breaker.reason)
        result = shielded(lambda: self._work(step), lambda error: self._broken(step, error))
        if isinstance(effect, CreateRecord) and not result.success:
            self.without_record.add(effect.key)
        return result

    def notify(self, channel: str, steps: Sequence[Step]) -> list[ActionResult]:
        """Tell the owner in one message what these notices say, each of them once."""
        ended = [self._claim_notice(step) for step in steps]
        claimed = [step for step, result in zip(steps, ended, strict=True) if result is None]
        lines = [step.notice.text for step in claimed]
        call = Sending(Outcome.SKIPPED)
        if lines:
            call = attempt(lambda: self._tell(channel, "\n".join(lines)))
        return [
            result or self._settle(step, call) for step, result in zip(steps, ended, strict=True)
        ]

    def _work(self, step: Step) -> ActionResult:
        effect = step.effect
        if isinstance(effect, SendSms):
            return self._send_sms(step, effect)
        if isinstance(effect, CreateRecord):
            if self._create(step, effect.item):
                return step.end(Outcome.WRITTEN)
            return step.end(Outcome.SKIPPED, "the record exists already")
        if isinstance(effect, SetFlag):
            if step.wrote(self.table.set_flag(effect.key, effect.flag, effect.value)):
                return step.end(Outcome.WRITTEN)
            return step.end(Outcome.FAILED, "the booking has no record")
        raise TypeError(f"{type(effect).__name__} is no effect of this kind")

    def _send_sms(self, step: Step, effect: SendSms) -> ActionResult:
        if self.sens_breaker.reason:
            return step.end(Outcome.FAILED, self.sens_breaker.reason)
        if late := self._late(effect.expires):
            return step.end(Outcome.SKIPPED, late)
        if blocked := self._claim(step, effect, effect.kind):
            return blocked
        # The claim may have taken long, or this process may have been frozen meanwhile.
        if late := self._late(effect.expires):
            return self._settle(step, Sending(Outcome.SKIPPED, late))
        call = attempt(lambda: self._text(effect))
        self.sens_breaker.note(call.message if call.service_failed else "")
        return self._settle(step, call)

    def _text(self, effect: SendSms) -> tuple[str, float]:
        accepted = self.sens.send(
            to=effect.to,
            sender=effect.sender,
            subject=effect.subject,
            text=effect.text,
            message_type=effect.message_type,
            content_type=effect.content_type,
            not_after=effect.expires,
        )
        return accepted.request_id, accepted.seconds

    def _tell(self, channel: str, text: str) -> tuple[str, float]:
        return "", self.channels[channel].send(text).seconds

    def _claim_notice(self, step: Step) -> ActionResult | None:
        if self.table_breaker.reason:
            return step.end(Outcome.FAILED, self.table_breaker.reason)
        kind = notice_kind(step.notice.channel, step.notice.kind)
        return shielded(
            lambda: self._claim(step, step.notice, kind), lambda error: self._broken(step, error)
        )

    def _claim(self, step: Step, effect: SendSms | Notify, kind: str) -> ActionResult | None:
        """Claim a message, creating its record when it has none; None when it may be sent."""
        claim = self._try_claim(effect, kind)
        if isinstance(claim, NotClaimed) and claim.why == "no_record" and effect.item:
            self._create(step, effect.item)
            claim = self._try_claim(effect, kind)
        self.table_breaker.note("")
        if isinstance(claim, NotClaimed):
            outcome, message = why_not(claim)
            request_id = claim.message.request_id if claim.message else ""
            return step.end(outcome, message, request_id=request_id)
        step.claim = claim
        step.wrote(True)
        return None

    def _try_claim(self, effect: SendSms | Notify, kind: str) -> Claim | NotClaimed:
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
                effect.to,
                effect.sender,
                effect.message_type,
                effect.content_type,
                effect.subject,
                effect.text,
            ),
            due=effect.due,
            expires=effect.expires,
        )

    def _create(self, step: Step, item: Mapping[str, Any]) -> bool:
        created = step.wrote(self.table.create(item, run_id=self.run_id))
        self.table_breaker.note("")
        return created

    def _settle(self, step: Step, call: Sending) -> ActionResult:
        """Record in the ledger how the call ended. Never raises, never sends."""
        return shielded(
            lambda: self._record(step, call),
            lambda error: self._unrecorded(step, call, error),
        )

    def _record(self, step: Step, call: Sending) -> ActionResult:
        claim, now = step.granted, self.clock.now()
        if call.outcome is Outcome.ACCEPTED:
            if not step.wrote(self._accept(claim, call.request_id)):
                return self._unrecorded(step, call, None)
        elif call.outcome is Outcome.IN_DOUBT:
            step.wrote(self.table.doubt(claim, call.message, now=now))
        else:
            refused = call.content_refused
            step.wrote(self.table.release(claim, call.message, now=now, refused=refused))
        return step.end(
            call.outcome, call.message, request_id=call.request_id, seconds=call.seconds
        )

    def _accept(self, claim: Claim, request_id: str) -> bool:
        """Record an acceptance, and try once more after the table's own retries."""
        try:
            return self.table.accept(claim, request_id=request_id, now=self.clock.now())
        except Transient:
            return self.table.accept(claim, request_id=request_id, now=self.clock.now())

    def _unrecorded(self, step: Step, call: Sending, error: Exception | None) -> ActionResult:
        """Report what the ledger does not know; the claim that stays there keeps it unsent."""
        if isinstance(error, Transient):
            self.table_breaker.note(str(error))
        why = words_of(error) if error else "the claim was not ours any more"
        accepted = call.outcome is Outcome.ACCEPTED
        return step.end(
            Outcome.IN_DOUBT if accepted else call.outcome,
            f"{call.message or 'the provider accepted it'}; not recorded in the ledger: {why}",
            request_id=call.request_id,
            seconds=call.seconds,
        )

    def _broken(self, step: Step, error: Exception) -> ActionResult:
        """Report a step that broke before anything was sent."""
        if isinstance(error, Transient):
            self.table_breaker.note(str(error))
        return step.end(Outcome.FAILED, words_of(error))

    def _late(self, expires: datetime | None) -> str:
        if expires is None or self.clock.now() < expires:
            return ""
        return f"too late: it expired at {expires.astimezone(SEOUL):%Y-%m-%d %H:%M}"
