"""Reading rules: what is asked, what is done, and every mistake with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import StrictBool

from naverplace.base.registry import Registry, suggest_nearest
from naverplace.base.translation import gettext as _
from naverplace.base.yaml_nodes import ErrorList, Node, Position
from naverplace.base.yaml_validation import YamlModel, validate_node
from naverplace.domain.effects import CHANNELS
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.rules.actions import kind_of
from naverplace.rules.given import RuleTest, read_tests
from naverplace.rules.parameters import Name, ValidationContext, read_parameters

_CHANNEL_OF = {f"send_{name}": name for name in CHANNELS}


@dataclass(frozen=True)
class Call:
    """One condition or action with its parameters, both known to be right."""

    word: str
    parameters: Mapping[str, Any]
    place: Position
    text: str  # as verdicts show it: time_before_booking(2)


@dataclass(frozen=True)
class ConditionGroup:
    """Conditions under `all` or `any`, or the one under `not`."""

    word: str
    parts: tuple[Condition, ...]
    text: str


Condition = Call | ConditionGroup


@dataclass(frozen=True)
class Rule:
    """One rule: when all of this holds for a booking, that is owed."""

    name: str
    description: str
    enabled: bool
    when: ConditionGroup
    then: tuple[Call, ...]
    place: Position
    tests: tuple[RuleTest, ...] = ()


class RuleEntry(YamlModel):
    """One rule as YAML describes it; its conditions and actions are read by their own words."""

    rule: Name  # the kind of the rule's notices too
    """its name: keep it while it is in use"""
    description: str = ""
    """what it is for, in words"""
    enabled: StrictBool = True
    """false: it is off"""
    when: Any
    """the conditions that must all hold"""
    then: Any
    """what is done when they hold"""
    tests: Any = None
    """bookings with what the rule does with them; `naverplace rules test` runs them"""


class RuleParser:
    """Reads rules, with the conditions and actions that are registered."""

    def __init__(
        self,
        conditions: Registry,
        actions: Registry,
        *,
        known: ValidationContext,
        problems: ErrorList,
    ) -> None:
        self.conditions, self.actions = conditions, actions
        self.known, self.problems = known, problems
        self.names: dict[str, Position] = {}
        self.sent_kinds: set[str] = set()  # of wrong rules too, so that no condition is blamed

    def read(self, node: Node) -> list[Rule]:
        """Read one file's list of rules; mistakes are noted, and their rules left out."""
        if not isinstance(node.value, list):
            words = _("should be a list of rules, each beginning with '- rule:'")
            self.problems.note(node.place, words)
            return []
        return [rule for entry in node.value if (rule := self._rule(entry))]

    def _rule(self, node: Node) -> Rule | None:
        before = len(self.problems.found)
        entry = validate_node(RuleEntry, node, self.problems)
        parts = node.value if isinstance(node.value, dict) else {}
        when = self._conditions("all", parts["when"], key="when") if "when" in parts else None
        then = self._actions(parts["then"]) if "then" in parts else ()
        if entry:
            place = parts["rule"].place
            if first := self.names.get(entry.rule):
                words = _("rule {name!r} stands here twice, see {first}")
                self.problems.note(place, words.format(name=entry.rule, first=first))
            self.names.setdefault(entry.rule, place)
        if entry is None or when is None or len(self.problems.found) > before:
            return None
        tests = self._tests(parts["tests"], when, then) if "tests" in parts else ()
        if len(self.problems.found) > before:
            return None
        return Rule(entry.rule, entry.description, entry.enabled, when, then, node.place, tests)

    def _tests(
        self, node: Node, when: ConditionGroup, then: tuple[Call, ...]
    ) -> tuple[RuleTest, ...]:
        causes = {part.text for part in (*parts_of(when), *then)}
        return read_tests(node, self.problems, known=self.known, causes=causes)

    def _conditions(self, word: str, node: Node, *, key: str = "") -> ConditionGroup | None:
        if not isinstance(node.value, list) or not node.value:
            words = _("{word!r} needs a list of conditions, one at least")
            self.problems.note(node.place, words.format(word=key or word))
            return None
        parts = [part for entry in node.value if (part := self._condition(entry))]
        return ConditionGroup(
            word, tuple(parts), f"{word}({', '.join(part.text for part in parts)})"
        )

    def _condition(self, node: Node) -> Condition | None:
        said = self._word("condition", node)
        if said is None:
            return None
        word, _, given = said
        if word in ("all", "any"):
            return self._conditions(word, given)
        if word == "not":
            part = self._condition(given)
            return part and ConditionGroup("not", (part,), f"not({part.text})")
        return self._call(self.conditions, *said)

    def _actions(self, node: Node) -> tuple[Call, ...]:
        if not isinstance(node.value, list) or not node.value:
            self.problems.note(node.place, _("'then' needs a list of actions, one at least"))
            return ()
        said = [self._word("action", entry) for entry in node.value]
        self.sent_kinds |= {kind for word in said if word and (kind := _sent_kind(*word))}
        calls = [self._call(self.actions, *word) for word in said if word]
        found = tuple(call for call in calls if call)
        for place, problem in _clashes(found):
            self.problems.note(place, problem)
        return found

    def _word(self, what: str, node: Node) -> tuple[str, Position, Node] | None:
        if isinstance(node.value, str):
            return node.value, node.place, Node(node.place, None)
        if isinstance(node.value, dict) and len(node.value) == 1:
            [(word, given)] = node.value.items()
            return word, node.keys[word], given
        place = list(node.keys.values())[1] if len(node.keys) > 1 else node.place
        words = (
            _("each condition is one word, or one 'word: parameters', after a '-' of its own")
            if what == "condition"
            else _("each action is one word, or one 'word: parameters', after a '-' of its own")
        )
        self.problems.note(place, words)
        return None

    def _call(self, registry: Registry, word: str, place: Position, given: Node) -> Call | None:
        if word not in registry:
            words = [*registry, *(("all", "any", "not") if registry is self.conditions else ())]
            unknown = (
                _("unknown condition {word!r}; {hint}")
                if registry is self.conditions
                else _("unknown action {word!r}; {hint}")
            )
            hint = suggest_nearest(word, words)
            self.problems.note(place, unknown.format(word=word, hint=hint))
            return None
        if given.value is None:
            given = Node(place, None)
        said = read_parameters(registry[word], given, self.problems, known=self.known)
        return None if said is None else Call(word, said, place, _text(word, given.plain))


def _text(word: str, given: Any) -> str:
    if given is None:
        return word
    if isinstance(given, dict):
        return f"{word}({', '.join(f'{name}={_short(value)}' for name, value in given.items())})"
    return f"{word}({_short(given)})"


def _short(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def calls_of(condition: Condition) -> Iterator[Call]:
    """List every condition of a group, however deep."""
    if isinstance(condition, Call):
        yield condition
    else:
        for part in condition.parts:
            yield from calls_of(part)


def parts_of(group: ConditionGroup) -> Iterator[Condition]:
    """List every condition and group within a group."""
    for part in group.parts:
        yield part
        if isinstance(part, ConditionGroup):
            yield from parts_of(part)


def _clashes(calls: tuple[Call, ...]) -> Iterator[tuple[Position, str]]:
    kinds: dict[tuple[str, str], Position] = {}
    for call in calls:
        kind = _kind(call)
        if kind and kind in kinds:
            words = (
                _("{word}: {kind!r} is owed once only, see line {line}")
                if kind[1]
                else _("{word}: this message is owed once only, see line {line}")
            )
            line = kinds[kind].line
            yield call.place, words.format(word=call.word, kind=kind[1], line=line)
        if kind:
            kinds.setdefault(kind, call.place)
    for call in calls:
        flag = call.parameters.get("flag")
        for kind_name in (kind for channel, kind in kinds if channel == "sms"):
            if call.word == "update_flag" and FLAG_OF.get(kind_name) == flag:
                words = _("{flag} is set by the acceptance of {kind!r}, not by hand")
                yield call.place, words.format(flag=flag, kind=kind_name)


def _sent_kind(word: str, _place: Position, given: Node) -> str:
    """Name the kind that a send_sms is about, right or wrong; '' for other actions."""
    said = given.plain if isinstance(given.value, dict) else {"template": given.value}
    return str(said.get("once") or said.get("template")) if word == "send_sms" else ""


def _kind(call: Call) -> tuple[str, str] | None:
    once = call.parameters.get("once")
    if call.word == "send_sms":
        return "sms", kind_of(call.parameters["template"], once)
    return (_CHANNEL_OF[call.word], once or "") if call.word in _CHANNEL_OF else None


def required_calls(condition: Condition) -> Iterator[Call]:
    """List the conditions outside of any `not`."""
    if isinstance(condition, Call):
        yield condition
    elif condition.word != "not":
        for part in condition.parts:
            yield from required_calls(part)
