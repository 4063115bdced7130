"""A word of a rule and its parameters, read from YAML by the signature of the word's function.

What a function takes by keyword is what YAML may say: names, types and defaults come from there.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any, get_type_hints

import yaml
from pydantic import AfterValidator, TypeAdapter, ValidationError, ValidationInfo

from naverplace.registry import Registry, nearest
from naverplace.yamlsource import Node, Place, Problems

# A condition or action may bring `check(values, known)`, for what no single type can tell.
Known = Mapping[str, Mapping[str, Any]]  # "store" | "template" | "field" -> what is there by name
Check = Callable[[Mapping[str, Any], Known], str]  # the mistake, or nothing


def known(what: str) -> AfterValidator:
    """Make the validator of a name that another file must declare."""

    def one_of_them(value: str, info: ValidationInfo) -> str:
        names = (info.context or {}).get(what)
        if names is not None and value not in names:
            raise ValueError(f"unknown {what} {value!r}; {nearest(value, list(names))}")
        return value

    return AfterValidator(one_of_them)


@dataclass(frozen=True)
class Call:
    """One condition or action as a rule says it: the function and its parameters, both checked."""

    word: str
    function: Callable[..., Any]
    values: Mapping[str, Any]
    text: str  # as it is written
    place: Place

    def __call__(self, context: Any) -> Any:
        """Ask the condition, or let the action make its effect."""
        return self.function(context, **self.values)


def as_written(node: Node) -> str:
    """Write a part of a rule in one line of YAML."""
    text = yaml.safe_dump(
        node.plain, default_flow_style=True, allow_unicode=True, width=10**6, sort_keys=False
    )
    text = text.removesuffix("\n...\n").strip()
    return text[1:-1] if isinstance(node.value, dict) else text


def read_call(node: Node, registry: Registry, known: Known, problems: Problems) -> Call | None:
    """Read `word`, `word: value` or `word: {parameter: value}`; None with the mistakes noted."""
    read = _word(node, registry, problems)
    if read is None:
        return None
    word, place, given = read
    function = registry[word]
    said = f"{registry.what} {word!r}"
    values = _values(_Said(said, function, place), given, known, problems)
    if values is None:
        return None
    check: Check | None = CHECKS.get(function)
    if check and (mistake := check(values, known)):
        problems.note(place, f"{said}: {mistake}")
        return None
    return Call(word, function, MappingProxyType(values), as_written(node), place)


CHECKS: dict[Callable[..., Any], Check] = {}


def checked_by(check: Check) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Name the check that looks at all of a word's parameters together, when rules are loaded."""

    def sign_in(function: Callable[..., Any]) -> Callable[..., Any]:
        CHECKS[function] = check
        return function

    return sign_in


@dataclass(frozen=True)
class _Said:
    """Where a word stands, and which function it means."""

    said: str
    function: Callable[..., Any]
    place: Place


def _word(
    node: Node, registry: Registry, problems: Problems
) -> tuple[str, Place, Node | None] | None:
    if isinstance(node.value, dict) and len(node.value) == 1:
        [(word, given)] = node.value.items()
        place = node.keys[word]
    elif isinstance(node.value, str):
        word, place, given = node.value, node.place, None
    else:
        problems.note(node.place, f"must be one {registry.what}: a word, or `word: parameters`")
        return None
    if word not in registry:
        problems.note(place, f"unknown {registry.what} {word!r}; {nearest(word, list(registry))}")
        return None
    return word, place, given


@lru_cache(maxsize=256)
def parameters_of(function: Callable[..., Any]) -> Mapping[str, tuple[inspect.Parameter, Any]]:
    """List a word's parameters with their types: what its function takes by keyword."""
    hints = get_type_hints(function, include_extras=True)
    return {
        name: (parameter, hints[name])
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }


def _values(
    said: _Said, given: Node | None, known: Known, problems: Problems
) -> dict[str, Any] | None:
    """Read the parameters' values; None with every mistake noted."""
    parameters = parameters_of(said.function)
    nodes = _nodes(said, given, problems)
    if nodes is None:
        return None
    before = len(problems.found)
    values: dict[str, Any] = {}
    for name, node in nodes.items():
        if name not in parameters:
            place = given.keys[name] if given else said.place
            problems.note(
                place, f"{said.said}: unknown parameter {name!r}; {nearest(name, list(parameters))}"
            )
        else:
            values[name] = _value(said, node, name=name, known=known, problems=problems)
    for name, (parameter, _) in parameters.items():
        if parameter.default is parameter.empty and name not in nodes:
            problems.note(said.place, f"{said.said}: parameter {name!r} is missing")
    return values if len(problems.found) == before else None


def _nodes(said: _Said, given: Node | None, problems: Problems) -> dict[str, Node] | None:
    if given is None or given.value is None:
        return {}
    if isinstance(given.value, dict):
        return given.value
    parameters = parameters_of(said.function)
    required = [n for n, (p, _) in parameters.items() if p.default is p.empty]
    for names in (list(parameters), required):
        if len(names) == 1:
            return {names[0]: given}
    takes = f"takes {', '.join(parameters)} by name" if parameters else "takes no parameters"
    problems.note(given.place, f"{said.said} {takes}")
    return None


def _value(said: _Said, node: Node, *, name: str, known: Known, problems: Problems) -> Any:
    kind = parameters_of(said.function)[name][1]
    try:
        # As JSON: dates and statuses are read from text, but no number from text or true.
        return _adapter(said.function, name, kind).validate_json(
            json.dumps(node.plain), strict=True, context=known
        )
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            steps = [step for step in detail["loc"] if isinstance(step, int)]
            text = detail["msg"].removeprefix("Value error, ")
            problems.note(
                node.locate(tuple(steps)), f"{said.said}: {name}: {text[:1].lower()}{text[1:]}"
            )
    return None


_ADAPTERS: dict[tuple[Callable[..., Any], str], TypeAdapter[Any]] = {}


def _adapter(function: Callable[..., Any], name: str, kind: Any) -> TypeAdapter[Any]:
    key = (function, name)
    if key not in _ADAPTERS:
        _ADAPTERS[key] = TypeAdapter(kind)
    return _ADAPTERS[key]
