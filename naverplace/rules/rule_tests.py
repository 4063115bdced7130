"""Runs the tests that stand beside the rules: what fails, and which conditions they never saw."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from pydantic import SecretStr

from naverplace.base.errors import CannotDecide
from naverplace.base.yaml_nodes import Position
from naverplace.domain.effects import CHANNELS, SendSms
from naverplace.domain.notification_routing import Routing
from naverplace.rules.actions import ACTIONS, NotDue
from naverplace.rules.conditions import CONDITIONS, Context
from naverplace.rules.evaluation import RuleEvaluator, compile_condition
from naverplace.rules.given import Expectation, RuleTest
from naverplace.rules.rule_parser import Call, Condition, Rule, calls_of
from naverplace.rules.rulebook import Rulebook


class RuleOutcome(NamedTuple):
    """What a rule does with one booking: the templates that it sends, or why it sends nothing."""

    sent: tuple[str, ...] = ()
    because: str = ""

    @property
    def text(self) -> str:
        """Say it as a test expects it."""
        return Expectation(self.because, ", ".join(filter(None, self.sent))).text


class Failure(NamedTuple):
    """A test whose rule does something else."""

    rule: str
    test: RuleTest
    outcome: RuleOutcome


@dataclass
class Coverage:
    """What the tests of one rule have seen of it."""

    rule: Rule
    answers: dict[Position, set[bool]] = field(default_factory=lambda: defaultdict(set))

    def gaps(self) -> Iterator[tuple[Call, bool]]:
        """List each condition with an answer that it never gave."""
        for call in calls_of(self.rule.when):
            for answer in (True, False):
                if answer not in self.answers.get(call.place, set()):
                    yield call, answer


class RuleTester:
    """Runs tests of rules, as if every channel were on and no secret missing."""

    def __init__(self, book: Rulebook) -> None:
        on = {name: {"enabled": True} for name in CHANNELS}
        routing = Routing.model_validate({"channels": on, "alerts": CHANNELS})
        templates = book.templates.values()
        texts = [text for known in templates for text in (known.subject, *known.texts.values())]
        secrets = {word: SecretStr("0000") for text in texts for word in text.access_words}
        access = dict.fromkeys(book.stores, secrets)
        sender = book.default_sender or "0310000000"
        self.book = replace(book, routing=routing, access=access, default_sender=sender)

    def failures(self, rule: Rule, *, messages: int | None = None) -> Iterator[Failure]:
        """Run the tests of a rule, and name those that fail.

        `messages`: how many it sends; a mutant is expected to send as many as its rule.
        """
        count = count_messages(rule) if messages is None else messages
        rule = replace(rule, enabled=True)  # an example that is off is tested too
        book = replace(self.book, rules=(rule,))
        evaluator = RuleEvaluator(book, conditions=CONDITIONS, actions=ACTIONS)
        for test in self.runnable(rule):
            outcome = self._outcome(rule, evaluator, test)
            if not _is_as_expected(test.expect, outcome, count):
                yield Failure(rule.name, test, outcome)

    def coverage(self, rule: Rule) -> Coverage:
        """Note which answers the conditions of a rule give in its tests."""
        coverage = Coverage(rule)
        for test in self.runnable(rule):
            _watch(rule.when, self._context(test), coverage.answers)
        return coverage

    def runnable(self, rule: Rule) -> list[RuleTest]:
        """List the tests of a rule whose store there is; `rules check` warns of the others."""
        return [test for test in rule.tests if test.given.store in (None, *self.book.stores)]

    def _context(self, test: RuleTest) -> Context:
        return test.given.context(self.book.stores, self.book.fields)

    def _outcome(self, rule: Rule, evaluator: RuleEvaluator, test: RuleTest) -> RuleOutcome:
        try:
            evaluation, owed = evaluator.evaluate(rule, self._context(test))
        except CannotDecide as error:
            return RuleOutcome(because=str(error))
        if not evaluation.holds:
            return RuleOutcome(because=evaluation.failed)
        messages = [(call, effect) for call, effect in owed if call.word.startswith("send_")]
        for call, effect in messages:
            if isinstance(effect, NotDue):
                return RuleOutcome(because=f"{call.text}: {effect.why}")
        sent = [e.template if isinstance(e, SendSms) else "" for _, e in messages]
        return RuleOutcome(tuple(sent))


def count_messages(rule: Rule) -> int:
    """Count the messages that a rule sends to customer or owner."""
    return sum(call.word.startswith("send_") for call in rule.then)


def _is_as_expected(expect: Expectation, outcome: RuleOutcome, messages: int) -> bool:
    if expect.because:
        return bool(outcome.because) and expect.is_met_by(outcome.because)
    if outcome.because or len(outcome.sent) != messages:
        return False
    return not expect.template or expect.template in outcome.sent


def _watch(condition: Condition, ctx: Context, answers: Mapping[Position, set[bool]]) -> bool:
    """Answer as the engine does, and note each condition that was asked."""
    if isinstance(condition, Call):
        try:
            holds = compile_condition(condition, CONDITIONS)(ctx).holds
        except CannotDecide:
            return False
        answers[condition.place].add(holds)
        return holds
    said = (_watch(part, ctx, answers) for part in condition.parts)
    if condition.word == "not":
        return not any(said)
    return all(said) if condition.word == "all" else any(said)
