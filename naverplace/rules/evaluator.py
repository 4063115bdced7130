"""Asking one rule about one booking: does it hold, and what does it owe; pure."""

from __future__ import annotations

from typing import NamedTuple

from naverplace.base.errors import CannotDecide
from naverplace.base.registry import Registry
from naverplace.rules.actions import ActionContext, Owed
from naverplace.rules.conditions import Context
from naverplace.rules.evaluation import Question, Reply, compiled, placed
from naverplace.rules.rule_parser import Call, Rule
from naverplace.rules.rulebook import Rulebook


class Asked(NamedTuple):
    """A rule's answer, and each action with what it owes; none when the rule does not hold."""

    reply: Reply
    made: tuple[tuple[Call, Owed], ...] = ()


class Asking:
    """The enabled rules of a rulebook, compiled once."""

    def __init__(self, rulebook: Rulebook, *, conditions: Registry, actions: Registry) -> None:
        self.rulebook, self.actions = rulebook, actions
        self._questions: dict[str, Question] = {}
        self.rules: list[Rule] = []
        for rule in rulebook.rules:
            if rule.enabled:
                self.rules.append(rule)
                self._questions[rule.name] = compiled(rule.when, conditions)

    def reply(self, rule: Rule, ctx: Context) -> Reply:
        """Ask whether the rule holds. Raises CannotDecide."""
        return self._questions[rule.name](ctx)

    def ask(self, rule: Rule, ctx: Context) -> Asked:
        """Ask whether the rule holds and what it owes. Raises CannotDecide: it owes nothing."""
        reply = self.reply(rule, ctx)
        if not reply.holds:
            return Asked(reply)
        context = self._action_context(rule, ctx, reply)
        made = [(call, placed(call, self.actions[call.word], context)) for call in rule.then]
        return Asked(reply, tuple(made))

    def _action_context(self, rule: Rule, ctx: Context, reply: Reply) -> ActionContext:
        book, store_id = self.rulebook, ctx.booking.store_id
        if store_id not in book.stores:
            raise CannotDecide(f"{rule.place}: store {store_id} is not in stores.yaml")
        return ActionContext(
            booking=ctx.booking,
            record=ctx.record,
            now=ctx.now,
            store=book.stores[store_id],
            rule=rule.name,
            due=reply.since,
            templates=book.templates,
            access=book.access,
            routing=book.routing,
            default_sender=book.default_sender,
            start_bound=reply.start_bound,
        )
