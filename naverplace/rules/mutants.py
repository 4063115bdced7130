"""Small changes of a rule, as slips of the hand make them: would its tests notice?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from naverplace.base.translation import gettext as _
from naverplace.domain.booking import BookingStatus
from naverplace.domain.message_kinds import FLAGS
from naverplace.rules.rule_parser import Call, Condition, ConditionGroup, Rule
from naverplace.rules.rule_tests import RuleTester, count_messages
from naverplace.rules.rulebook import Rulebook

_OTHER = {"all": "any", "any": "all", "at_least": "at_most", "at_most": "at_least"}


class Mutant(NamedTuple):
    """A rule with one small change, and the change in words."""

    rule: Rule
    change: str


def unnoticed(book: Rulebook, rule: Rule) -> tuple[list[Mutant], int]:
    """List the mutants of a rule that all its tests pass, and count all mutants."""
    tester, mutants = RuleTester(book), list(mutants_of(rule, book))
    count = count_messages(rule)
    alive = [
        mutant
        for mutant in mutants
        if next(tester.failures(mutant.rule, messages=count), None) is None
    ]
    return alive, len(mutants)


def mutants_of(rule: Rule, book: Rulebook) -> Iterator[Mutant]:
    """Change a rule in every small way: its conditions, their parameters, what it sends."""
    for changed, change in _changed_group(rule.when, book):
        if changed is not None:
            yield Mutant(replace(rule, when=changed), change)
    for index, call in enumerate(rule.then):
        if not call.word.startswith("send_"):
            continue  # a message makes the record that it needs: nothing changes without it
        rest = (*rule.then[:index], *rule.then[index + 1 :])
        yield Mutant(replace(rule, then=rest), _("without {what}").format(what=call.text))
        for other in _other_templates(call, book):
            then = (*rule.then[:index], other, *rule.then[index + 1 :])
            yield Mutant(replace(rule, then=then), _instead(call.text, other.text))


def _changed_group(
    group: ConditionGroup, book: Rulebook
) -> Iterator[tuple[ConditionGroup | None, str]]:
    if group.word != "not" and len(group.parts) > 1:
        other = replace(group, word=_OTHER[group.word])
        yield other, _instead(f"{group.word}(...)", f"{other.word}(...)")
    for index, part in enumerate(group.parts):
        around = group.parts[:index], group.parts[index + 1 :]
        if group.word != "not" and len(group.parts) > 1:
            rest = (*around[0], *around[1])
            yield replace(group, parts=rest), _("without {what}").format(what=part.text)
        for changed, change in _changed(part, book):
            yield replace(group, parts=(*around[0], changed, *around[1])), change


def _changed(condition: Condition, book: Rulebook) -> Iterator[tuple[Condition, str]]:
    if isinstance(condition, ConditionGroup):
        if condition.word == "not":
            yield condition.parts[0], _instead(condition.text, condition.parts[0].text)
        else:
            yield _negated(condition)
        for changed, change in _changed_group(condition, book):
            if changed is not None:
                yield changed, change
        return
    yield _negated(condition)
    for parameters in _other_parameters(condition, book):
        text = ", ".join(f"{k}={v}" for k, v in parameters.items() if v is not None)
        other = replace(condition, parameters=parameters, text=f"{condition.word}({text})")
        yield other, _instead(condition.text, other.text)


def _negated(condition: Condition) -> tuple[ConditionGroup, str]:
    text = f"not({condition.text})"
    return ConditionGroup("not", (condition,), text), _instead(condition.text, text)


def _instead(old: str, new: str) -> str:
    return _("{new} instead of {old}").format(new=new, old=old)


def _other_parameters(call: Call, book: Rulebook) -> Iterator[dict[str, Any]]:
    said = dict(call.parameters)
    for name, value in said.items():
        for other in _other_values(call.word, name, value, book):
            yield {**said, name: other}
        if value is not None and name in _OTHER:
            yield {**said, name: None, _OTHER[name]: value}


def _other_values(word: str, name: str, value: Any, book: Rulebook) -> Iterable[Any]:
    """List the values that stand near one; none when it has no neighbours."""
    if value is None:
        return []
    if isinstance(value, bool):
        return [not value]
    if name == "hour":
        return [(value - 1) % 24, (value + 1) % 24]
    if isinstance(value, int | float):
        step = 1 if value > 1 else value / 2
        lowest = 1 if isinstance(value, int) and word != "field" else None
        return [v for v in (value - step, value + step) if lowest is None or v >= lowest]
    if isinstance(value, date):
        return [value - timedelta(days=1), value + timedelta(days=1)]
    if name == "flag":
        return [flag for flag in FLAGS if flag != value]
    if name in ("status", "store"):
        known: Iterable[str] = [s.value for s in BookingStatus] if name == "status" else book.stores
        return _other_words(value, [word for word in known if word not in value])
    if name == "keywords":
        return _other_words(value, ["-"])
    return [f"{value}_"] if name in ("kind", "contains", "equals") else []


def _other_words(said: tuple[str, ...], others: list[str]) -> Iterator[tuple[str, ...]]:
    """Leave out each word where there are several, put in another one, and put it instead."""
    if len(said) > 1:
        yield from (tuple(w for w in said if w != word) for word in said)
    if others and others != ["-"]:
        yield (*said, others[0])
    if others and len(said) == 1:
        yield (others[0],)


def _other_templates(call: Call, book: Rulebook) -> Iterator[Call]:
    said: Mapping[str, Any] = call.parameters
    if call.word != "send_sms":
        return
    for name, template in book.templates.items():
        if name != said["template"] and template.per_store == said["per_store"]:
            yield replace(call, parameters={**said, "template": name}, text=f"send_sms({name})")
            return
