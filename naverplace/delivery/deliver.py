"""Delivering what was decided for one store: every effect once, then what stayed in doubt.

Nothing is ever sent blindly again: what is in doubt is looked up in SENS's log, and only what is
certain not to have been accepted is sent once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from naverplace.base.errors import NaverPlaceError
from naverplace.delivery.executor import Carrier
from naverplace.delivery.in_doubt import URGENT, Doubt, Settled, certain_at, doubts_of
from naverplace.delivery.in_doubt_resolver import Settler
from naverplace.delivery.outcomes import Step, words_of
from naverplace.domain.effects import Channel, Effect, Notify, SendSms
from naverplace.domain.results import ActionResult, Outcome
from naverplace.ledger.lease import OpenMessage
from naverplace.rules.actions import FLAG_OF


def deliver(
    effects: Sequence[Effect], carrier: Carrier, settler: Settler | None = None
) -> list[ActionResult]:
    """Carry the effects out in order, notices last; one result for each, in the effects' order.

    With a settler, what is in doubt is settled before this returns, as far as SENS's log tells.
    Raises nothing that concerns one booking or one service: that is in the results.
    """
    results: dict[int, ActionResult] = {}
    notices: dict[tuple[str, Channel], dict[int, Step]] = {}
    for at, effect in enumerate(effects):
        if isinstance(effect, Notify):
            notices.setdefault((effect.rule, effect.channel), {})[at] = Step(effect)
        else:
            results[at] = carrier.carry_out(Step(effect))
    for (_, channel), group in notices.items():
        ended = carrier.notify(channel, list(group.values()))
        results |= dict(zip(group, ended, strict=True))
    if settler:
        doubtful = {
            at: effect
            for at, effect in enumerate(effects)
            if isinstance(effect, SendSms) and results[at].outcome is Outcome.IN_DOUBT
        }
        results |= _Second(carrier, settler, effects, doubtful, results).round()
    return [results[at] for at in range(len(effects))]


@dataclass
class _Second:
    """The second look at what the first one left in doubt."""

    carrier: Carrier
    settler: Settler
    effects: Sequence[Effect]
    doubtful: Mapping[int, SendSms]  # by place in the effects
    results: Mapping[int, ActionResult]

    def round(self) -> dict[int, ActionResult]:
        """Settle what can be settled now; the rest keeps its result, and says why."""
        if not self.doubtful:
            return {}
        try:
            ended = self._settle()
        except NaverPlaceError as error:
            why = words_of(error)
            return {at: self._unsettled(at, why, Settled.UNREADABLE) for at in self.doubtful}
        return {at: self._end(at, ended.get(_name(effect))) for at, effect in self.doubtful.items()}

    def _settle(self) -> dict[OpenMessage, Doubt]:
        """Look the doubts up, wait out the settle time, and look once more."""
        wanted = {_name(effect) for effect in self.doubtful.values()}
        self._learn()
        records = self.carrier.table.read(message.key for message in wanted)
        self.settler.learn(records.values())
        doubts = [d for d in doubts_of(records.values(), FLAG_OF) if d.open_message in wanted]
        ended = {d.open_message: d for d in self.settler.settle(doubts)}
        settle_seconds = self.carrier.ledger.settle_seconds
        waiting = [d for d in ended.values() if self._is_worth_waiting(d)]
        if self.settler.wait_for(waiting, at_most=settle_seconds + 1.0):
            ended |= {d.open_message: d for d in self.settler.settle(waiting)}
        return ended

    def _learn(self) -> None:
        """Remember what this very delivery has sent: it is nobody else's message."""
        for at, result in self.results.items():
            effect = self.effects[at]
            if isinstance(effect, SendSms) and result.outcome is Outcome.ACCEPTED:
                self.settler.known[result.request_id] = _name(effect)

    def _end(self, at: int, doubt: Doubt | None) -> ActionResult:
        if doubt is None:  # its ledger is not unsettled any more: the claim will tell
            return self._again(at, "", Settled.ELSEWHERE)
        if doubt.settled is Settled.ADOPTED:
            return replace(
                self.results[at],
                outcome=Outcome.ADOPTED,
                message=doubt.why,
                request_id=doubt.request_id,
                settled=doubt.settled.value,
                writes=self.results[at].writes + 1,
            )
        if doubt.settled in (Settled.FREED, Settled.ELSEWHERE):
            return self._again(at, doubt.why, doubt.settled)
        if self._risks_two(at, doubt) and self.settler.free_by_rule(doubt):
            return self._again(at, "sent again by the rule's choice", Settled.FREED)
        return self._unsettled(at, doubt.why, doubt.settled)

    def _is_worth_waiting(self, doubt: Doubt) -> bool:
        """Tell whether the doubt may end in this run, and not as well in the next one."""
        if doubt.settled is Settled.WAITING:
            return True
        urgent = {_name(e) for e in self.doubtful.values() if self._is_urgent(e)}
        return doubt.settled is Settled.UNREADABLE and doubt.open_message in urgent

    def _risks_two(self, at: int, doubt: Doubt) -> bool:
        """Tell whether the rule would rather have this message twice than not at all, and now."""
        certain = certain_at(doubt, self.carrier.ledger)
        return (
            self._is_urgent(self.doubtful[at])
            and doubt.settled is Settled.UNREADABLE
            and certain is not None
            and self.carrier.clock.now() >= certain
        )

    def _is_urgent(self, effect: SendSms) -> bool:
        if effect.in_doubt != "resend" or effect.expires is None:
            return False
        return effect.expires - self.carrier.clock.now() < URGENT

    def _again(self, at: int, why: str, settled: Settled) -> ActionResult:
        result = self.carrier.carry_out(Step(self.doubtful[at]))
        freed = settled is Settled.FREED
        return replace(
            result,
            message=f"{result.message or 'sent again'} ({why})" if why else result.message,
            settled=settled.value if freed else "",
            writes=self.results[at].writes + result.writes + freed,
        )

    def _unsettled(self, at: int, why: str, settled: Settled) -> ActionResult:
        first = self.results[at]
        return replace(first, message=f"{first.message}; {why}", settled=settled.value)


def _name(effect: SendSms) -> OpenMessage:
    return OpenMessage(effect.key, effect.kind)
