"""Why a rule answers as it does for one booking, part by part, and when each answer changes; pure.

A condition of time signs in with the moments at which its answer can change; between two of them
every answer stays. So the next change is found by asking again at each moment, in order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, cast

from naverplace.base.errors import CannotDecide
from naverplace.base.registry import Registry
from naverplace.domain.effects import SendSms
from naverplace.rules.actions import ACTIONS, NotDue, Owed
from naverplace.rules.conditions import CONDITIONS, Context, Evaluation, at_each_day, moments_of
from naverplace.rules.evaluation import (
    Predicate,
    RuleEvaluator,
    WatchedContext,
    compile_condition,
)
from naverplace.rules.rule_parser import Call, Condition, Rule
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
        self._conditions, self._templates = conditions, rulebook.templates
        self._stores = rulebook.stores

    def explain(self, ctx: Context) -> list[Answer]:
        """Answer for every enabled rule, in their order: parts are its conditions and actions."""
        return [self._rule(rule, ctx) for rule in self._evaluator.rules]

    def moments(self, ctx: Context) -> set[datetime | None]:
        """List when anything can change for a booking; None: a condition does not say it."""
        found: set[datetime | None] = set()
        for rule in self._evaluator.rules:
            found |= {*_moments(rule.when, ctx, self._conditions)}
            found |= {edge for call in rule.then for edge in self._window_edges(call, ctx)}
        return found

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

        moments = [*_moments(rule.when, ctx, self._conditions), *self._window_edges(call, ctx)]
        change = _next_change(is_owed, ctx, moments)
        try:
            effect = owed(ctx)
        except CannotDecide as error:
            return Answer(call.text, None, change, why=str(error))
        why = effect.shown if isinstance(effect, NotDue) else ""
        return Answer(call.text, is_owed(ctx), change, why=why, effect=effect)

    def _window_edges(self, call: Call, ctx: Context) -> Iterator[datetime]:
        """List when the hours of a message's text begin and end, on each day until the start."""
        name = str(call.parameters.get("template", ""))
        store = self._stores.get(ctx.booking.store_id)
        chosen = ((store.templates or {}) if store else {}).get(name, name)
        template = self._templates.get(chosen)
        if call.word == "send_sms" and template and template.window:
            yield from at_each_day(ctx, *template.window)


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
    """List when conditions may change; None for one that looks at the time and does not say."""
    if not isinstance(condition, Call):
        for part in condition.parts:
            yield from _moments(part, ctx, registry)
        return
    if (said := moments_of(registry[condition.word], ctx, condition.parameters)) is not None:
        yield from said
        return
    watched = WatchedContext(ctx)
    _ask(compile_condition(condition, registry), cast(Context, watched))
    if watched.asked:
        yield None


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
