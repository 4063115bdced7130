"""Rules compiled once: does a rule hold for a booking, and what does it owe; pure."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from naverplace.base.errors import CannotDecide
from naverplace.base.registry import Registry
from naverplace.rules.actions import ActionContext, Owed
from naverplace.rules.conditions import Context, Evaluation
from naverplace.rules.rule_parser import Call, Condition, Rule
from naverplace.rules.rulebook import Rulebook

logger = logging.getLogger(__name__)
T = TypeVar("T")
Predicate = Callable[[Context], Evaluation]


class RuleEvaluation(NamedTuple):
    """Whether a rule holds, and each action with what it owes; none when it does not hold."""

    evaluation: Evaluation
    owed: tuple[tuple[Call, Owed], ...] = ()


class RuleEvaluator:
    """The enabled rules of a rulebook, compiled once."""

    def __init__(self, rulebook: Rulebook, *, conditions: Registry, actions: Registry) -> None:
        self.rulebook, self.actions = rulebook, actions
        self.rules = [rule for rule in rulebook.rules if rule.enabled]
        self._predicates = {
            rule.name: compile_condition(rule.when, conditions) for rule in self.rules
        }

    def holds(self, rule: Rule, ctx: Context) -> Evaluation:
        """Tell whether the rule holds. Raises CannotDecide."""
        return self._predicates[rule.name](ctx)

    def evaluate(self, rule: Rule, ctx: Context) -> RuleEvaluation:
        """Tell whether the rule holds and what it owes. Raises CannotDecide: it owes nothing."""
        evaluation = self.holds(rule, ctx)
        if not evaluation.holds:
            return RuleEvaluation(evaluation)
        context = self._action_context(rule, ctx, evaluation)
        owed = [
            (call, call_with_position(call, self.actions[call.word], context)) for call in rule.then
        ]
        return RuleEvaluation(evaluation, tuple(owed))

    def _action_context(self, rule: Rule, ctx: Context, evaluation: Evaluation) -> ActionContext:
        book, store_id = self.rulebook, ctx.booking.store_id
        if store_id not in book.stores:
            raise CannotDecide(f"{rule.place}: store {store_id} is not in stores.yaml")
        return ActionContext(
            **vars(ctx),
            store=book.stores[store_id],
            rule=rule.name,
            due=evaluation.holds_since,
            templates=book.templates,
            access=book.access,
            routing=book.routing,
            default_sender=book.default_sender,
            start_bound=evaluation.start_bound,
        )


def compile_condition(condition: Condition, registry: Registry) -> Predicate:
    """Compile a condition or group; what it cannot decide, it raises as CannotDecide."""
    if isinstance(condition, Call):
        return _single(condition, registry[condition.word])
    parts = [compile_condition(part, registry) for part in condition.parts]
    return {"all": _all, "any": _any, "not": _not}[condition.word](parts, condition.text)


def call_with_position(call: Call, function: Callable[..., T], ctx: object) -> T:
    """Call a condition or action; raises CannotDecide with its place in the rules."""
    try:
        return function(ctx, **call.parameters)
    except CannotDecide as error:
        raise CannotDecide(f"{call.place}: {call.text}: {error}") from None
    except Exception as error:  # noqa: BLE001 - one broken booking never stops the others
        # An unforeseen error's text may quote a name, so only its kind and place are told.
        trace = "".join(traceback.format_tb(error.__traceback__))
        what = type(error).__name__
        logger.error("a defect of ours: %s at %s broke: %s\n%s", call.word, call.place, what, trace)
        raise CannotDecide(f"{call.place}: {call.text}: {what}") from None


def _single(call: Call, function: Callable[..., Evaluation | bool]) -> Predicate:
    def evaluate(ctx: Context) -> Evaluation:
        answer = call_with_position(call, function, ctx)
        evaluation = Evaluation(answer) if isinstance(answer, bool) else answer
        return evaluation._replace(failed="" if evaluation.holds else call.text)

    return evaluate


def _all(parts: list[Predicate], _text: str) -> Predicate:
    def evaluate(ctx: Context) -> Evaluation:
        observed: dict[str, Any] = {}
        since, start_bound = None, False
        for part in parts:
            evaluation = part(ctx)
            if not evaluation.holds:
                return evaluation
            observed.update(evaluation.observed)
            start_bound = start_bound or evaluation.start_bound
            if evaluation.holds_since and (since is None or evaluation.holds_since > since):
                since = evaluation.holds_since
        return Evaluation(True, observed, since, start_bound)

    return evaluate


def _any(parts: list[Predicate], text: str) -> Predicate:
    def evaluate(ctx: Context) -> Evaluation:
        observed: dict[str, Any] = {}
        for part in parts:
            evaluation = part(ctx)
            if evaluation.holds:
                return evaluation
            observed.update(evaluation.observed)
        return Evaluation(False, observed, failed=text)

    return evaluate


def _not(parts: list[Predicate], text: str) -> Predicate:
    def evaluate(ctx: Context) -> Evaluation:
        holds, observed, *_ = parts[0](ctx)
        return Evaluation(not holds, observed, failed=text if holds else "")

    return evaluate
