"""Delivering what was decided for one store: every effect once, then what stayed in doubt.

Nothing is ever sent blindly again: what is in doubt is looked up in SENS's log, and only what is
certain not to have been accepted is sent once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from naverplace.base.errors import NaverPlaceError
from naverplace.delivery.executor import EffectExecutor
from naverplace.delivery.in_doubt import (
    URGENT,
    InDoubtMessage,
    Resolution,
    in_doubt_messages,
    safe_to_resend_after,
)
from naverplace.delivery.in_doubt_resolver import InDoubtResolver
from naverplace.delivery.outcomes import describe_error
from naverplace.domain.effects import Channel, Effect, Notify, SendSms
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.domain.results import ActionResult, Outcome
from naverplace.ledger.store_state import PendingMessage


def deliver(
    effects: Sequence[Effect], executor: EffectExecutor, resolver: InDoubtResolver | None = None
) -> list[ActionResult]:
    """Carry the effects out in order, notices last; one result for each, in the effects' order.

    With a resolver, what is in doubt is resolved before this returns, as far as SENS's log tells.
    Raises nothing that concerns one booking or one service: that is in the results.
    """
    results: dict[int, ActionResult] = {}
    notices: dict[tuple[str, Channel], dict[int, Notify]] = {}
    for index, effect in enumerate(effects):
        if isinstance(effect, Notify):
            notices.setdefault((effect.rule, effect.channel), {})[index] = effect
        else:
            results[index] = executor.execute(effect)
    for (_, channel), group in notices.items():
        results |= zip(group, executor.notify(channel, list(group.values())), strict=True)
    if resolver:
        sent = {i: effect for i, effect in enumerate(effects) if isinstance(effect, SendSms)}
        results |= InDoubtPass(executor, resolver, sent, dict(results)).run()
    return [results[index] for index in range(len(effects))]


@dataclass(frozen=True)
class InDoubtPass:
    """The second pass of a delivery: resolves what the first one left in doubt."""

    executor: EffectExecutor
    resolver: InDoubtResolver
    sent: Mapping[int, SendSms]  # by index in the effects
    results: Mapping[int, ActionResult]

    def run(self) -> dict[int, ActionResult]:
        """Resolve what can be resolved now; the rest keeps its result, and says why."""
        in_doubt = {
            index: effect
            for index, effect in self.sent.items()
            if self.results[index].outcome is Outcome.IN_DOUBT
        }
        if not in_doubt:
            return {}
        try:
            resolved = self._resolve(list(in_doubt.values()))
        except NaverPlaceError as error:
            why = describe_error(error)
            return {i: self._stays_in_doubt(i, why, Resolution.UNREADABLE) for i in in_doubt}
        return {
            index: self._conclude(index, resolved.get(PendingMessage.of(effect)))
            for index, effect in in_doubt.items()
        }

    def _resolve(self, in_doubt: Sequence[SendSms]) -> dict[PendingMessage, InDoubtMessage]:
        """Look the messages up, wait until SENS's log is certain, and look once more."""
        wanted = {PendingMessage.of(effect) for effect in in_doubt}
        for index, effect in self.sent.items():  # what this very delivery has sent is known
            if self.results[index].outcome is Outcome.ACCEPTED:
                known = self.results[index].request_id
                self.resolver.known[known] = PendingMessage.of(effect)
        records = self.executor.table.records.read(message.key for message in wanted)
        self.resolver.add_known_requests(records.values())
        messages = in_doubt_messages(records.values(), FLAG_OF)
        found = self.resolver.resolve([m for m in messages if m.pending_message in wanted])
        urgent = {PendingMessage.of(effect) for effect in in_doubt if self._is_urgent(effect)}
        waiting = [
            message
            for message in found
            if message.resolution is Resolution.WAITING
            or (message.resolution is Resolution.UNREADABLE and message.pending_message in urgent)
        ]
        resolved = {message.pending_message: message for message in found}
        if self.resolver.wait_for(waiting, at_most=self.executor.ledger.settle_seconds + 1.0):
            resolved |= {m.pending_message: m for m in self.resolver.resolve(waiting)}
        return resolved

    def _conclude(self, index: int, message: InDoubtMessage | None) -> ActionResult:
        if message is None:  # its entry is not in doubt any more: the claim will tell
            return self._send_again(index)
        if message.resolution is Resolution.ADOPTED:
            return replace(
                self.results[index],
                outcome=Outcome.ADOPTED,
                message=message.why,
                request_id=message.request_id,
                settled=message.resolution.value,
                writes=self.results[index].writes + 1,
            )
        if message.resolution is Resolution.FREED:
            return self._send_again(index, message.why, freed=True)
        if message.resolution is Resolution.RESOLVED_BY_OTHER_RUN:
            return self._send_again(index, message.why)
        if self._may_be_sent_twice(index, message) and self.resolver.free_by_rule(message):
            return self._send_again(index, "sent again by the rule's choice", freed=True)
        return self._stays_in_doubt(index, message.why, message.resolution)

    def _may_be_sent_twice(self, index: int, message: InDoubtMessage) -> bool:
        """Tell whether the rule would rather have this message twice than not at all, and now."""
        safe = safe_to_resend_after(message, self.executor.ledger)
        return (
            message.resolution is Resolution.UNREADABLE
            and self._is_urgent(self.sent[index])
            and safe is not None
            and self.executor.clock.now() >= safe
        )

    def _is_urgent(self, effect: SendSms) -> bool:
        if effect.in_doubt != "resend" or effect.expires is None:
            return False
        return effect.expires - self.executor.clock.now() < URGENT

    def _send_again(self, index: int, why: str = "", *, freed: bool = False) -> ActionResult:
        result = self.executor.execute(self.sent[index])
        return replace(
            result,
            message=f"{result.message or 'sent again'} ({why})" if why else result.message,
            settled=Resolution.FREED.value if freed else "",
            writes=self.results[index].writes + result.writes + freed,
        )

    def _stays_in_doubt(self, index: int, why: str, resolution: Resolution) -> ActionResult:
        first = self.results[index]
        return replace(first, message=f"{first.message}; {why}", settled=resolution.value)
