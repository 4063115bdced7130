"""Reading rules: what is asked, what is done, and every mistake with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StrictBool
from pydantic import Field as Key

from naverplace.base.registry import Registry, suggest_nearest
from naverplace.base.yaml_nodes import ErrorList, Node, Position
from naverplace.base.yaml_validation import validate_node
from naverplace.domain.effects import CHANNELS
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.rules.actions import kind_of
from naverplace.rules.parameters import ValidationContext, read_parameters

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


class _RuleEntry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    # The name is the kind of the rule's notices, and so part of an attribute's name.
    rule: Annotated[str, Key(pattern=r"^[\w-]{1,60}$")]
    description: str = ""
    enabled: StrictBool = True
    when: Annotated[list[Any], Key(min_length=1)]
    then: Annotated[list[Any], Key(min_length=1)]


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

    def read(self, node: Node) -> list[Rule]:
        """Read one file's list of rules; mistakes are noted, and their rules left out."""
        if not isinstance(node.value, list):
            self.problems.note(node.place, "must be a list of rules, each beginning with '- rule:'")
            return []
        return [rule for entry in node.value if (rule := self._rule(entry))]

    def _rule(self, node: Node) -> Rule | None:
        before = len(self.problems.found)
        entry = validate_node(_RuleEntry, node, self.problems)
        parts = node.value if isinstance(node.value, dict) else {}
        when = self._conditions("all", parts["when"]) if "when" in parts else None
        then = self._actions(parts["then"]) if "then" in parts else ()
        if entry:
            place = parts["rule"].place
            if first := self.names.get(entry.rule):
                self.problems.note(place, f"rule {entry.rule!r} stands here twice, see {first}")
            self.names.setdefault(entry.rule, place)
        if entry is None or when is None or len(self.problems.found) > before:
            return None
        return Rule(entry.rule, entry.description, entry.enabled, when, then, node.place)

    def _conditions(self, word: str, node: Node) -> ConditionGroup | None:
        if not isinstance(node.value, list):
            self.problems.note(node.place, f"{word!r} needs a list of conditions")
            return None
        if not node.value:
            self.problems.note(node.place, f"{word!r} needs at least one condition")
        parts = [part for entry in node.value if (part := self._condition(entry))]
        return ConditionGroup(
            word, tuple(parts), f"{word}({', '.join(part.text for part in parts)})"
        )

    def _condition(self, node: Node) -> Condition | None:
        said = self._word("condition", node)
        if said is None:
            return None
        word, place, given = said
        if word in ("all", "any"):
            return self._conditions(word, given)
        if word == "not":
            if part := self._condition(given):
                return ConditionGroup("not", (part,), f"not({part.text})")
            return None
        return self._call(self.conditions, word, place=place, given=given)

    def _actions(self, node: Node) -> tuple[Call, ...]:
        if not isinstance(node.value, list):
            self.problems.note(node.place, "'then' needs a list of actions")
            return ()
        calls = []
        for entry in node.value:
            if said := self._word("action", entry):
                word, place, given = said
                calls.append(self._call(self.actions, word, place=place, given=given))
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
        self.problems.note(
            place, f"each {what} is one word, or one 'word: parameters', after a '-' of its own"
        )
        return None

    def _call(self, registry: Registry, word: str, *, place: Position, given: Node) -> Call | None:
        if word not in registry:
            words = [*registry, *(("all", "any", "not") if registry is self.conditions else ())]
            self.problems.note(
                place, f"unknown {registry.what} {word!r}; {suggest_nearest(word, words)}"
            )
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


def _clashes(calls: tuple[Call, ...]) -> Iterator[tuple[Position, str]]:
    kinds: dict[tuple[str, str], Position] = {}
    for call in calls:
        kind = _kind(call)
        if kind and kind in kinds:
            name = kind[1] or "this message"
            yield (
                call.place,
                f"{call.word}: {name!r} is owed once only, see line {kinds[kind].line}",
            )
        if kind:
            kinds.setdefault(kind, call.place)
    for call in calls:
        flag = call.parameters.get("flag")
        for kind_name in (kind for channel, kind in kinds if channel == "sms"):
            if call.word == "update_flag" and FLAG_OF.get(kind_name) == flag:
                yield call.place, f"{flag} is set by the acceptance of {kind_name!r}, not by hand"


def _kind(call: Call) -> tuple[str, str] | None:
    once = call.parameters.get("once")
    if call.word == "send_sms":
        return "sms", kind_of(call.parameters["template"], once)
    return (_CHANNEL_OF[call.word], once or "") if call.word in _CHANNEL_OF else None
