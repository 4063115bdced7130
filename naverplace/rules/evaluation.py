"""Rules compiled once: does a rule hold for a booking, and what does it owe; pure."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from itertools import takewhile
from typing import Any, NamedTuple, TypeVar, cast

from naverplace.base.errors import CannotDecide
from naverplace.base.registry import Registry
from naverplace.base.translation import gettext as _
from naverplace.rules.actions import ActionContext, Owed
from naverplace.rules.conditions import (
    Context,
    Evaluation,
    at_each_day,
    moments_of,
    quick_check,
)
from naverplace.rules.rule_parser import Call, Condition, Rule, calls_of
from naverplace.rules.rulebook import Rulebook

logger = logging.getLogger(__name__)
T = TypeVar("T")
Predicate = Callable[[Context], Evaluation]
QuickCheck = Callable[[Context], bool | None]


class RuleEvaluation(NamedTuple):
    """Whether a rule holds, and each action with what it owes; none when it does not hold."""

    evaluation: Evaluation
    owed: tuple[tuple[Call, Owed], ...] = ()


class RuleEvaluator:
    """The enabled rules of a rulebook, compiled once."""

    def __init__(self, rulebook: Rulebook, *, conditions: Registry, actions: Registry) -> None:
        self.rulebook, self.actions = rulebook, actions
        self.rules = [rule for rule in rulebook.rules if rule.enabled]
        self._compiled = {
            rule.name: (
                compile_screen(rule.when, conditions),
                compile_condition(rule.when, conditions),
            )
            for rule in self.rules
        }
        self._checks = {
            rule.name: [check for _, check in _quick_checks(rule.when, conditions) if check]
            for rule in self.rules
        }
        self._asked = {
            rule.name: [(call, conditions[call.word]) for call in calls_of(rule.when)]
            for rule in self.rules
        }

    def moments(self, ctx: Context, *, without: Collection[str] = ()) -> set[datetime | None]:
        """List when anything can change for a booking; None: a condition does not say it.

        Those of a day's hours until the day after `ctx.now` at least. Rules may be left out.
        """
        found: set[datetime | None] = set()
        for rule in self.rules:
            if rule.name in without:
                continue
            for call, function in self._asked[rule.name]:
                found.update(moments_of_call(call, function, ctx))
            for call in rule.then:
                found.update(self.window_edges(call, ctx))
        return found

    def window_edges(self, call: Call, ctx: Context) -> Iterator[datetime]:
        """List when the hours of a message's text begin and end, on each day until the start."""
        name = str(call.parameters.get("template", ""))
        store = self.rulebook.stores.get(ctx.booking.store_id)
        chosen = ((store.templates or {}) if store else {}).get(name, name)
        template = self.rulebook.templates.get(chosen)
        if call.word == "send_sms" and template and template.window:
            yield from at_each_day(ctx.booking, ctx.now, *template.window)

    def holds(self, rule: Rule, ctx: Context) -> Evaluation:
        """Tell whether the rule holds. Raises CannotDecide."""
        return self._compiled[rule.name][1](ctx)

    def plain_no(self, rule: Rule, ctx: Context) -> tuple[str, Mapping[str, Any]] | None:
        """Give the condition that says a plain no, and what it rests on; None: ask in full."""
        screen, predicate = self._compiled[rule.name]
        failed = screen(ctx)
        return (failed, LateObservation(predicate, ctx)) if failed else None

    def never_holds(self, rule: Rule, ctx: Context) -> bool:
        """Tell whether a condition says a plain no without asking for the time."""
        for check in self._checks[rule.name]:
            watched = WatchedContext(ctx)
            if check(cast(Context, watched)) is False and not watched.asked:
                return True
        return False

    def evaluate(self, rule: Rule, ctx: Context) -> RuleEvaluation:
        """Tell whether the rule holds and what it owes. Raises CannotDecide: it owes nothing."""
        if no := self.plain_no(rule, ctx):
            failed, observed = no
            return RuleEvaluation(Evaluation(False, observed, failed=failed))
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
            raise CannotDecide(
                _("{place}: store {store} is not in stores.yaml").format(
                    place=rule.place, store=store_id
                )
            )
        return ActionContext(
            booking=ctx.booking,
            record=ctx.record,
            now=ctx.now,
            stores=ctx.stores,
            fields=ctx.fields,
            store=book.stores[store_id],
            rule=rule.name,
            due=evaluation.holds_since,
            templates=book.templates,
            access=book.access,
            routing=book.routing,
            default_sender=book.default_sender,
            start_bound=evaluation.start_bound,
            opted_out=book.opted_out,
        )


class LateObservation(Mapping[str, Any]):
    """What a plain no rests on, found out when somebody reads it: hardly anybody does."""

    __slots__ = ("_ctx", "_found", "_predicate")

    def __init__(self, predicate: Predicate, ctx: Context) -> None:
        self._predicate, self._ctx = predicate, ctx
        self._found: Mapping[str, Any] | None = None

    def _read(self) -> Mapping[str, Any]:
        if self._found is None:
            self._found = self._predicate(self._ctx).observed
        return self._found

    def __getitem__(self, name: str) -> Any:
        return self._read()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __repr__(self) -> str:
        return repr(dict(self))


class WatchedContext:
    """A context that notes whether anybody asked for the time: if nobody did, nothing changes."""

    def __init__(self, ctx: Context) -> None:
        self.asked, self._now = False, ctx.now
        self.booking, self.record = ctx.booking, ctx.record
        self.stores, self.fields = ctx.stores, ctx.fields

    @property
    def now(self) -> datetime:
        """Give the moment, and note that somebody asked for it."""
        self.asked = True
        return self._now


def moments_of_call(
    call: Call, function: Callable[..., Any], ctx: Context
) -> Iterator[datetime | None]:
    """List when a condition may change; None for one that looks at the time and does not say."""
    if (said := moments_of(function, ctx.booking, ctx.now, call.parameters)) is not None:
        yield from said
        return
    watched = WatchedContext(ctx)
    with suppress(CannotDecide):
        call_with_position(call, function, cast(Context, watched))
    if watched.asked:
        yield None


def compile_condition(condition: Condition, registry: Registry) -> Predicate:
    """Compile a condition or group; what it cannot decide, it raises as CannotDecide."""
    if isinstance(condition, Call):
        return _single(condition, registry[condition.word])
    parts = [compile_condition(part, registry) for part in condition.parts]
    return {"all": _all, "any": _any, "not": _not}[condition.word](parts, condition.text)


def compile_screen(condition: Condition, registry: Registry) -> Callable[[Context], str]:
    """Compile the plain noes that come first: gives the words of the one that is met, else ''.

    Only the leading ones, so that it is the first condition in the rules' order that is named.
    """
    leading = takewhile(lambda part: part[1], _quick_checks(condition, registry))
    checks = [(check, part.text) for part, check in leading if check]

    def screen(ctx: Context) -> str:
        for check, text in checks:
            said = check(ctx)
            if not said:
                return text if said is False else ""
        return ""

    return screen


def _quick_checks(
    condition: Condition, registry: Registry
) -> Iterator[tuple[Condition, QuickCheck | None]]:
    """Give each part of an `all` with its quick check, or None where it has none."""
    if not isinstance(condition, Call) and condition.word == "all":
        for part in condition.parts:
            check = None
            if isinstance(part, Call):
                check = quick_check(registry[part.word], part.parameters)
            yield part, check


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
    """Compile one condition. Most answers are a plain no: it costs the call and little more."""
    parameters, text = call.parameters, call.text

    def evaluate(ctx: Context) -> Evaluation:
        try:
            answer = function(ctx, **parameters)
        except Exception:  # noqa: BLE001 - asked again, for the words of what it raises
            answer = call_with_position(call, function, ctx)
        if isinstance(answer, bool):
            return Evaluation(answer, failed="" if answer else text)
        holds, observed, since, start_bound, _ = answer
        return Evaluation(holds, observed, since, start_bound, "" if holds else text)

    return evaluate


def _all(parts: list[Predicate], _text: str) -> Predicate:
    def evaluate(ctx: Context) -> Evaluation:
        held: list[Evaluation] = []
        for part in parts:
            evaluation = part(ctx)
            if not evaluation[0]:
                return evaluation
            held.append(evaluation)
        observed = {name: value for part in held for name, value in part.observed.items()}
        since = max((part.holds_since for part in held if part.holds_since), default=None)
        return Evaluation(True, observed, since, any(part.start_bound for part in held))

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
