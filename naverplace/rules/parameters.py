"""What YAML may say to a condition or action: read off the function's own signature.

Positional is what the engine gives; keyword-only is what YAML may say, with its type and default.
"""

from __future__ import annotations

import inspect
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Annotated, Any, TypeVar, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    Strict,
    ValidationInfo,
    WithJsonSchema,
    create_model,
)

from naverplace.base.clock import SEOUL, parse_time
from naverplace.base.korean_text import name_signs
from naverplace.base.registry import suggest_nearest
from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_
from naverplace.base.yaml_nodes import ErrorList, Node
from naverplace.base.yaml_validation import Matching, validate_node
from naverplace.domain.booking import BookingStatus
from naverplace.domain.extra_fields import Field as BookingField
from naverplace.domain.message_kinds import FLAGS
from naverplace.domain.stores import Store
from naverplace.rules.templates import Template

F = TypeVar("F", bound=Callable[..., Any])
_AGREE = "__agree__"


@dataclass(frozen=True)
class ValidationContext:
    """What parameters may refer to; None: nobody knows, since its file cannot be read."""

    stores: Mapping[str, Store] | None = field(default_factory=dict)
    fields: Mapping[str, BookingField] | None = field(default_factory=dict)
    templates: Mapping[str, Template] = field(default_factory=dict)
    template_names: Collection[str] | None = ()  # those with mistakes too: no rule is blamed


@dataclass(frozen=True)
class _OneOf:
    """Checks a word against those that are known, and names the nearest one."""

    unknown: str  # "unknown flag {word!r}; {hint}"
    known: Callable[[ValidationContext], Collection[str] | None]

    def check(self, value: str, info: ValidationInfo[ValidationContext]) -> str:
        """Refuse what is not known. Raises ValueError."""
        words = self.known(info.context)
        if words is not None and value not in words:
            hint = suggest_nearest(value, list(words))
            raise ValueError(_(self.unknown).format(word=value, hint=hint))
        return value


def _one_of(
    unknown: str, known: Callable[[ValidationContext], Collection[str] | None]
) -> AfterValidator:
    return AfterValidator(_OneOf(unknown, known).check)


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


_QUOTES = "\"'“”‘’„‟‚‛«»「」『』`´＂＇"


def _keyword(value: str) -> str:
    """Refuse a keyword that no option's name can hold, or that every one holds."""
    if not value or value != value.strip():
        words = _("keyword {value!r} is blank, or begins or ends with a blank")
        raise ValueError(words.format(value=value))
    for sign in value:
        if sign in _QUOTES:
            words = _("keyword {value!r} holds the quotation mark {sign}: leave it out")
        elif sign in ",，、､;；":
            words = _("keyword {value!r} holds {sign}; write a list: [가, 나]")
        elif sign != " " and unicodedata.category(sign) in ("Zs", "Cf", "Cc", "Mn"):
            words = _("keyword {value!r} holds {sign}, which nobody sees: type it anew")
        else:
            continue
        raise ValueError(words.format(value=value, sign=name_signs(sign)))
    return value


def _plain_value(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise ValueError(_("should be a text, a number, true or false"))
    return value


def _day(value: Any) -> date:
    if isinstance(value, date):  # made by our own code
        return value
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return date.fromisoformat(value)
    except (TypeError, ValueError):
        pass
    raise ValueError(_("should be a day like 2025-12-24"))


KNOWN = "x-known"  # in a JSON Schema: the names of the shop that belong here


def _listed(kind: Any) -> BeforeValidator:
    """Take one value for a list of it."""
    several = Annotated[list[kind], Field(min_length=1)]
    return BeforeValidator(_as_list, json_schema_input_type=kind | several)


_STATUSES = [status.value for status in BookingStatus]
_KEYWORD = f"^(?!\\s)[^{_QUOTES},，、､;；\u00a0\u200b\u3000\ufeff]+(?<!\\s)$"
Text = Annotated[str, Strict(), Field(min_length=1)]
Keyword = Annotated[
    str,
    Strict(),
    AfterValidator(_keyword),
    WithJsonSchema({"type": "string", "pattern": _KEYWORD}),
]
Flag = Annotated[
    str,
    _one_of(N_("unknown flag {word!r}; {hint}"), lambda _: FLAGS),
    WithJsonSchema({"enum": [*FLAGS]}),
]
FieldName = Annotated[
    str,
    _one_of(N_("unknown field {word!r}; {hint}"), lambda known: known.fields),
    WithJsonSchema({"type": "string", KNOWN: "fields"}),
]
TemplateName = Annotated[
    str,
    _one_of(N_("unknown template {word!r}; {hint}"), lambda known: known.template_names),
    WithJsonSchema({"type": "string", KNOWN: "templates"}),
]
KnownStoreId = Annotated[
    str,
    Field(coerce_numbers_to_str=True),
    _one_of(N_("unknown store {word!r}; {hint}"), lambda known: known.stores),
    WithJsonSchema({KNOWN: "stores"}),
]
Status = Annotated[
    str,
    _one_of(N_("unknown booking status {word!r}; {hint}"), lambda _: _STATUSES),
    WithJsonSchema({"enum": _STATUSES}),
]
# A name of a rule or of a kind of message is part of an attribute's name in the record.
NAME = r"[\w-]{1,60}"
NAME_RIGHT = N_("letters, digits, - and _ without blanks, 60 at most")
NAME_FOR_EDITORS = r"^[^\s!-,./:-@\[-^`{-~]{1,60}$"
Name = Annotated[str, Matching(NAME, NAME_RIGHT, NAME_FOR_EDITORS)]
# A kind names the message's ledger in the record; a notice's has its channel in front.
Kind = Name
Words = Annotated[tuple[Keyword, ...], Field(min_length=1), _listed(Keyword)]
KnownStoreIds = Annotated[tuple[KnownStoreId, ...], Field(min_length=1), _listed(KnownStoreId)]
Statuses = Annotated[tuple[Status, ...], Field(min_length=1), _listed(Status)]
KnownKind = Annotated[Kind, WithJsonSchema({"type": "string", KNOWN: "kinds"})]
HoursBefore = Annotated[float, Strict(), Field(gt=0, le=168)]
HourOfDay = Annotated[int, Strict(), Field(ge=0, le=23)]
Count = Annotated[int, Strict(), Field(ge=1, le=100)]
LANGUAGE = r"[a-z]{2,3}(-[A-Za-z]{2,8})?"
Language = Annotated[
    str, Matching(LANGUAGE, N_("a language like en, ko or zh-CN"), f"^{LANGUAGE}$")
]
Languages = Annotated[tuple[Language, ...], Field(min_length=1), _listed(Language)]
Switch = Annotated[bool, Strict()]
Day = Annotated[
    date,
    PlainValidator(_day),
    WithJsonSchema({"type": "string", "format": "date", "pattern": r"^\d{4}-\d\d-\d\d$"}),
]
Value = Annotated[
    bool | int | float | str,
    PlainValidator(_plain_value),
    WithJsonSchema({"type": ["string", "number", "boolean"]}),
]
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
            words = (
                _("{word!r} wants its parameters by name: {takes}")
                if takes
                else _("{word!r} takes no parameter")
            )
            problems.note(node.place, words.format(word=word, takes=takes))
            return None
        node = Node(node.place, {only: node}, {only: node.place}, node.source)
    read = validate_node(model, node, problems, context=known)
    if read is None:
        return None
    if wrong := getattr(function, _AGREE, lambda _known, _said: "")(known, read):
        problems.note(node.place, f"{word!r}: {wrong}")
        return None
    return {name: getattr(read, name) for name in model.model_fields}


def not_declared(known: ValidationContext, name: str) -> str:
    """Word that a field which a word of the rules looks at is not declared; '' when it is."""
    if known.fields is None or name in known.fields:
        return ""
    words = _("rules/fields.yaml must declare {name!r}: take the # in front of it away")
    return words.format(name=name)


COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, other: bool(value == other),
    "not_equals": lambda value, other: bool(value != other),
    "at_least": lambda value, other: bool(value >= other),
    "at_most": lambda value, other: bool(value <= other),
    "contains": lambda value, other: any(other in str(part) for part in _as_list(value)),
    "one_of": lambda value, others: value in others,
}
ORDERED, ORDERED_TYPES = ("at_least", "at_most"), ("int", "float", "datetime")
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
    return COMPARISONS[comparison](value, other)


def one_comparison(known: ValidationContext, said: Any) -> str:
    """Check that a field is compared once, and with what its type can be compared with."""
    used = [name for name in COMPARISONS if getattr(said, name) is not None]
    if len(used) != 1:
        return _("needs exactly one of {words}").format(words=", ".join(COMPARISONS))
    comparison = used[0]
    kind = known.fields[said.name].type if known.fields is not None else ""
    if not kind:  # its declaration is wrong, which is told there
        return ""
    about = {"name": said.name, "kind": kind, "comparison": comparison}
    if comparison == "contains":
        words = _("contains needs a text or a list; {name!r} is declared as {kind}")
        return "" if kind in ("str", "list") else words.format(**about)
    if kind == "list":
        words = _("a list is compared with contains only; {name!r} is declared as {kind}")
        return words.format(**about)
    if comparison in ORDERED and kind not in ORDERED_TYPES:
        words = _("{comparison} needs a number or a time; {name!r} is declared as {kind}")
        return words.format(**about)
    value: Any = getattr(said, comparison)
    parts: tuple[Any, ...] = value if isinstance(value, tuple) else (value,)
    for part in parts:
        if not isinstance(part, _TYPES[kind]) or isinstance(part, bool) != (kind == "bool"):
            words = _("{name!r} is declared as {kind}, so it can never be {part!r}")
            return words.format(**about, part=part)
        if kind == "datetime" and parse_time(part, SEOUL) is None:
            return _("{part!r} is no time: write it like '2025-10-22 15:00'").format(part=part)
    return ""
