"""What YAML may say to a condition or action: read off the function's own signature.

Positional is what the engine gives; keyword-only is what YAML may say, with its type and default.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Annotated, Any, TypeVar, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationInfo,
    create_model,
)

from naverplace.base.clock import SEOUL, parse_time
from naverplace.base.registry import suggest_nearest
from naverplace.base.yaml_nodes import ErrorList, Node
from naverplace.base.yaml_validation import validate_node
from naverplace.domain.booking import BookingStatus
from naverplace.domain.extra_fields import Field as BookingField
from naverplace.domain.message_kinds import FLAGS
from naverplace.domain.stores import Store
from naverplace.rules.templates import Template

F = TypeVar("F", bound=Callable[..., Any])
_AGREE = "__agree__"


@dataclass(frozen=True)
class ValidationContext:
    """What parameters may refer to."""

    stores: Mapping[str, Store] = field(default_factory=dict)
    fields: Mapping[str, BookingField] = field(default_factory=dict)
    templates: Mapping[str, Template] = field(default_factory=dict)
    template_names: Collection[str] = ()  # those with mistakes too: their rules are not blamed


def _one_of(what: str, known: Callable[[ValidationContext], list[str]]) -> AfterValidator:
    def check(value: str, info: ValidationInfo[ValidationContext]) -> str:
        words = known(info.context)
        if value not in words:
            raise ValueError(f"unknown {what} {value!r}; {suggest_nearest(value, words)}")
        return value

    return AfterValidator(check)


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Text = Annotated[str, Strict(), Field(min_length=1)]
Flag = Annotated[str, _one_of("flag", lambda _: list(FLAGS))]
FieldName = Annotated[str, _one_of("field", lambda known: list(known.fields))]
TemplateName = Annotated[str, _one_of("template", lambda known: list(known.template_names))]
KnownStoreId = Annotated[
    str, BeforeValidator(_as_text), _one_of("store", lambda known: list(known.stores))
]
Status = Annotated[str, _one_of("booking status", lambda _: [s.value for s in BookingStatus])]
# A kind names the message's ledger in the record; a notice's has its channel in front.
Kind = Annotated[str, Field(pattern=r"^[\w-]{1,60}$")]
Words = Annotated[tuple[Text, ...], BeforeValidator(_as_list), Field(min_length=1)]
KnownStoreIds = Annotated[tuple[KnownStoreId, ...], BeforeValidator(_as_list), Field(min_length=1)]
Statuses = Annotated[tuple[Status, ...], BeforeValidator(_as_list), Field(min_length=1)]
HoursBefore = Annotated[float, Strict(), Field(gt=0, le=168)]
HourOfDay = Annotated[int, Strict(), Field(ge=0, le=23)]
Count = Annotated[int, Strict(), Field(ge=1, le=100)]
Switch = Annotated[bool, Strict()]
Value = StrictBool | StrictInt | StrictFloat | StrictStr
Values = Annotated[tuple[Value, ...], Field(min_length=1)]


def cross_validate(check: Callable[[ValidationContext, Any], str]) -> Callable[[F], F]:
    """Have a function's parameters checked together; the check words what is wrong, or ''."""

    def sign(function: F) -> F:
        setattr(function, _AGREE, check)
        return function

    return sign


@cache
def parameters_of(function: Callable[..., Any]) -> type[BaseModel]:
    """Make the model of what YAML may say to this function."""
    hints = get_type_hints(function, include_extras=True)
    said: dict[str, Any] = {
        name: (hints[name], ... if said.default is said.empty else said.default)
        for name, said in inspect.signature(function).parameters.items()
        if said.kind is said.KEYWORD_ONLY
    }
    return create_model(function.__name__, __config__=ConfigDict(extra="forbid"), **said)


def only_parameter(function: Callable[..., Any]) -> str | None:
    """Name the parameter that a single value is for: the only one, or the only required one."""
    fields = parameters_of(function).model_fields
    required = [name for name, said in fields.items() if said.is_required()]
    for names in (list(fields), required):
        if len(names) == 1:
            return names[0]
    return None


def read_parameters(
    function: Callable[..., Any], node: Node, problems: ErrorList, *, known: ValidationContext
) -> dict[str, Any] | None:
    """Read a function's parameters; None, with its problems noted, when they are wrong.

    The node is a mapping of parameters, a single value, or nothing.
    """
    model, word = parameters_of(function), function.__name__
    if node.value is None:
        node = Node(node.place, {}, {}, node.source)
    elif not isinstance(node.value, dict):
        only = only_parameter(function)
        if only is None:
            takes = ", ".join(model.model_fields)
            rest = f"wants its parameters by name: {takes}" if takes else "takes no parameter"
            problems.note(node.place, f"{word!r} {rest}")
            return None
        node = Node(node.place, {only: node}, {only: node.place}, node.source)
    read = validate_node(model, node, problems, context=known)
    if read is None:
        return None
    if wrong := getattr(function, _AGREE, lambda _known, _said: "")(known, read):
        problems.note(node.place, f"{word!r}: {wrong}")
        return None
    return {name: getattr(read, name) for name in model.model_fields}


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, other: bool(value == other),
    "not_equals": lambda value, other: bool(value != other),
    "at_least": lambda value, other: bool(value >= other),
    "at_most": lambda value, other: bool(value <= other),
    "contains": lambda value, other: any(other in str(part) for part in _as_list(value)),
    "one_of": lambda value, others: value in others,
}
_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "datetime": (str,),
}


def compare_field(value: Any, comparison: str, other: Any) -> bool:
    """Compare a booking's value; times are compared as moments."""
    if isinstance(value, datetime):
        moments = tuple(parse_time(text, SEOUL) for text in _as_list(other))
        other = moments if isinstance(other, tuple) else moments[0]
    return _COMPARISONS[comparison](value, other)


def one_comparison(known: ValidationContext, said: Any) -> str:
    """Check that a field is compared once, and with what its type can be compared with."""
    used = [name for name in _COMPARISONS if getattr(said, name) is not None]
    if len(used) != 1:
        return f"needs exactly one of {', '.join(_COMPARISONS)}"
    comparison, kind = used[0], known.fields[said.name].type
    declared = f"{said.name!r} is declared as {kind}"
    if comparison == "contains":
        return "" if kind in ("str", "list") else f"contains needs a text or a list; {declared}"
    if kind == "list":
        return f"a list is compared with contains only; {declared}"
    if comparison in ("at_least", "at_most") and kind not in ("int", "float", "datetime"):
        return f"{comparison} needs a number or a time; {declared}"
    value: Any = getattr(said, comparison)
    parts: tuple[Any, ...] = value if isinstance(value, tuple) else (value,)
    for part in parts:
        if not isinstance(part, _TYPES[kind]) or isinstance(part, bool) != (kind == "bool"):
            return f"{declared}, so it can never be {part!r}"
        if kind == "datetime" and parse_time(part, SEOUL) is None:
            return f"{part!r} is no time: write it like '2025-10-22 15:00'"
    return ""
