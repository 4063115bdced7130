"""Why a rule answers as it does for one booking, part by part, and when each answer changes; pure.

A condition of time signs in with the moments at which its answer can change; between two of them
every answer stays. So the next change is found by asking again at each moment, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from naverplace.base.errors import CannotDecide
from naverplace.base.registry import Registry
from naverplace.domain.effects import SendSms
from naverplace.rules.actions import ACTIONS, NotDue, Owed
from naverplace.rules.conditions import CONDITIONS, Context, Evaluation
from naverplace.rules.evaluation import (
    Predicate,
    RuleEvaluator,
    compile_condition,
    moments_of_call,
)
from naverplace.rules.rule_parser import Call, Condition, Rule, calls_of
from naverplace.rules.rulebook import Rulebook


@dataclass(frozen=True)
class Change:
    """When an answer will be another, while the booking and its record stay as they are."""

    at: datetime | None = None  # None: never
    known: bool = True  # False: a condition looks at the time and does not say when it changes


@dataclass(frozen=True)
class Answer:
    """What a condition, a group, an action or a whole rule answers for one booking."""

    text: str  # as the rules word it
    holds: bool | None  # None: it cannot be decided
    change: Change
    observed: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""  # it cannot be decided, or nothing is owed
    parts: tuple[Answer, ...] = ()
    effect: Owed | None = field(default=None, repr=False)  # of an action, when its rule holds


class Explainer:
    """Explains the enabled rules of a rulebook for single bookings."""

    def __init__(
        self, rulebook: Rulebook, *, conditions: Registry = CONDITIONS, actions: Registry = ACTIONS
    ) -> None:
        self._evaluator = RuleEvaluator(rulebook, conditions=conditions, actions=actions)
        self._conditions = conditions

    def explain(self, ctx: Context) -> list[Answer]:
        """Answer for every enabled rule, in their order: parts are its conditions and actions."""
        return [self._rule(rule, ctx) for rule in self._evaluator.rules]

    def _rule(self, rule: Rule, ctx: Context) -> Answer:
        whole = explain_condition(rule.when, ctx, self._conditions)
        actions = tuple(self._action(rule, call, ctx) for call in rule.then)
        return replace(whole, text=rule.name, parts=(*whole.parts, *actions))

    def _action(self, rule: Rule, call: Call, ctx: Context) -> Answer:
        def owed(at: Context) -> Owed | None:
            found = self._evaluator.evaluate(rule, at).owed
            return next((owed for said, owed in found if said is call), None)

        def is_owed(at: Context) -> bool | None:
            try:
                return not isinstance(owed(at), NotDue | None)
            except CannotDecide:
                return None

        moments = [
            *_moments(rule.when, ctx, self._conditions),
            *self._evaluator.window_edges(call, ctx),
        ]
        change = _next_change(is_owed, ctx, moments)
        try:
            effect = owed(ctx)
        except CannotDecide as error:
            return Answer(call.text, None, change, why=str(error))
        why = effect.shown if isinstance(effect, NotDue) else ""
        return Answer(call.text, is_owed(ctx), change, why=why, effect=effect)


def explain_condition(
    condition: Condition, ctx: Context, registry: Registry = CONDITIONS
) -> Answer:
    """Answer for one condition or group, its parts and when each changes."""
    predicate = compile_condition(condition, registry)
    evaluation, why = _ask(predicate, ctx)
    change = _next_change(lambda at: _holds(predicate, at), ctx, _moments(condition, ctx, registry))
    parts = () if isinstance(condition, Call) else condition.parts
    return Answer(
        condition.text,
        evaluation.holds if evaluation else None,
        change,
        evaluation.observed if evaluation and not parts else {},
        why,
        tuple(explain_condition(part, ctx, registry) for part in parts),
    )


def _moments(condition: Condition, ctx: Context, registry: Registry) -> Iterator[datetime | None]:
    for call in calls_of(condition):
        yield from moments_of_call(call, registry[call.word], ctx)


def sends(answer: Answer) -> Iterator[SendSms]:
    """List the text messages that a rule owes at the moment it was asked about."""
    for part in answer.parts:
        if isinstance(part.effect, SendSms):
            yield part.effect


def _ask(predicate: Predicate, ctx: Context) -> tuple[Evaluation | None, str]:
    try:
        return predicate(ctx), ""
    except CannotDecide as error:
        return None, str(error)


def _holds(predicate: Predicate, ctx: Context) -> bool | None:
    evaluation, _ = _ask(predicate, ctx)
    return evaluation.holds if evaluation else None


def _next_change(
    answer: Callable[[Context], bool | None], ctx: Context, moments: Iterable[datetime | None]
) -> Change:
    said = list(moments)
    now = answer(ctx)
    for moment in sorted({m for m in said if m and m > ctx.now}):
        if answer(replace(ctx, now=moment)) != now:
            return Change(moment, known=None not in said)
    return Change(None, known=None not in said)
