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
from naverplace.delivery.outcomes import Attempt, describe_error
from naverplace.domain.effects import Channel, Effect, Notify, SendSms
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.domain.results import ActionResult, Outcome
from naverplace.ledger.lease import PendingMessage


def deliver(
    effects: Sequence[Effect], executor: EffectExecutor, resolver: InDoubtResolver | None = None
) -> list[ActionResult]:
    """Carry the effects out in order, notices last; one result for each, in the effects' order.

    With a resolver, what is in doubt is settled before this returns, as far as SENS's log tells.
    Raises nothing that concerns one booking or one service: that is in the results.
    """
    results: dict[int, ActionResult] = {}
    notices: dict[tuple[str, Channel], dict[int, Attempt]] = {}
    for at, effect in enumerate(effects):
        if isinstance(effect, Notify):
            notices.setdefault((effect.rule, effect.channel), {})[at] = Attempt(effect)
        else:
            results[at] = executor.execute(Attempt(effect))
    for (_, channel), group in notices.items():
        ended = executor.notify(channel, list(group.values()))
        results |= dict(zip(group, ended, strict=True))
    if resolver:
        doubtful = {
            at: effect
            for at, effect in enumerate(effects)
            if isinstance(effect, SendSms) and results[at].outcome is Outcome.IN_DOUBT
        }
        results |= InDoubtPass(executor, resolver, effects, doubtful, results).run()
    return [results[at] for at in range(len(effects))]


@dataclass
class InDoubtPass:
    """The second look at what the first one left in doubt."""

    executor: EffectExecutor
    resolver: InDoubtResolver
    effects: Sequence[Effect]
    doubtful: Mapping[int, SendSms]  # by place in the effects
    results: Mapping[int, ActionResult]

    def run(self) -> dict[int, ActionResult]:
        """Settle what can be settled now; the rest keeps its result, and says why."""
        if not self.doubtful:
            return {}
        try:
            ended = self._settle()
        except NaverPlaceError as error:
            why = describe_error(error)
            return {at: self._unsettled(at, why, Resolution.UNREADABLE) for at in self.doubtful}
        return {at: self._end(at, ended.get(_name(effect))) for at, effect in self.doubtful.items()}

    def _settle(self) -> dict[PendingMessage, InDoubtMessage]:
        """Look the doubts up, wait out the settle time, and look once more."""
        wanted = {_name(effect) for effect in self.doubtful.values()}
        self._learn()
        records = self.executor.table.read(message.key for message in wanted)
        self.resolver.add_known_requests(records.values())
        doubts = [
            d for d in in_doubt_messages(records.values(), FLAG_OF) if d.pending_message in wanted
        ]
        ended = {d.pending_message: d for d in self.resolver.resolve(doubts)}
        settle_seconds = self.executor.ledger.settle_seconds
        waiting = [d for d in ended.values() if self._is_worth_waiting(d)]
        if self.resolver.wait_for(waiting, at_most=settle_seconds + 1.0):
            ended |= {d.pending_message: d for d in self.resolver.resolve(waiting)}
        return ended

    def _learn(self) -> None:
        """Remember what this very delivery has sent: it is nobody else's message."""
        for at, result in self.results.items():
            effect = self.effects[at]
            if isinstance(effect, SendSms) and result.outcome is Outcome.ACCEPTED:
                self.resolver.known[result.request_id] = _name(effect)

    def _end(self, at: int, doubt: InDoubtMessage | None) -> ActionResult:
        if doubt is None:  # its ledger is not unsettled any more: the claim will tell
            return self._again(at, "", Resolution.RESOLVED_BY_OTHER_RUN)
        if doubt.resolution is Resolution.ADOPTED:
            return replace(
                self.results[at],
                outcome=Outcome.ADOPTED,
                message=doubt.why,
                request_id=doubt.request_id,
                settled=doubt.resolution.value,
                writes=self.results[at].writes + 1,
            )
        if doubt.resolution in (Resolution.FREED, Resolution.RESOLVED_BY_OTHER_RUN):
            return self._again(at, doubt.why, doubt.resolution)
        if self._risks_two(at, doubt) and self.resolver.free_by_rule(doubt):
            return self._again(at, "sent again by the rule's choice", Resolution.FREED)
        return self._unsettled(at, doubt.why, doubt.resolution)

    def _is_worth_waiting(self, doubt: InDoubtMessage) -> bool:
        """Tell whether the doubt may end in this run, and not as well in the next one."""
        if doubt.resolution is Resolution.WAITING:
            return True
        urgent = {_name(e) for e in self.doubtful.values() if self._is_urgent(e)}
        return doubt.resolution is Resolution.UNREADABLE and doubt.pending_message in urgent

    def _risks_two(self, at: int, doubt: InDoubtMessage) -> bool:
        """Tell whether the rule would rather have this message twice than not at all, and now."""
        certain = safe_to_resend_after(doubt, self.executor.ledger)
        return (
            self._is_urgent(self.doubtful[at])
            and doubt.resolution is Resolution.UNREADABLE
            and certain is not None
            and self.executor.clock.now() >= certain
        )

    def _is_urgent(self, effect: SendSms) -> bool:
        if effect.in_doubt != "resend" or effect.expires is None:
            return False
        return effect.expires - self.executor.clock.now() < URGENT

    def _again(self, at: int, why: str, settled: Resolution) -> ActionResult:
        result = self.executor.execute(Attempt(self.doubtful[at]))
        freed = settled is Resolution.FREED
        return replace(
            result,
            message=f"{result.message or 'sent again'} ({why})" if why else result.message,
            settled=settled.value if freed else "",
            writes=self.results[at].writes + result.writes + freed,
        )

    def _unsettled(self, at: int, why: str, settled: Resolution) -> ActionResult:
        first = self.results[at]
        return replace(first, message=f"{first.message}; {why}", settled=settled.value)


def _name(effect: SendSms) -> PendingMessage:
    return PendingMessage(effect.key, effect.kind)
