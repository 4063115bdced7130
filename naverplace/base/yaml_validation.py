"""Reading YAML as typed values, with pydantic's mistakes told in the file's own places."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import ErrorDetails, core_schema

from naverplace.base.registry import suggest_nearest
from naverplace.base.translation import gettext as _
from naverplace.base.yaml_nodes import ErrorList, Loc, Node, Position, load_yaml

T = TypeVar("T")


@dataclass(frozen=True)
class Matching:
    """Annotates a text that must match a pattern; who reads the mistake sees `right` instead."""

    pattern: str
    right: str  # what it should be made of
    for_editors: str = ""  # the pattern of the JSON Schema, when JavaScript reads it otherwise

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Check the text after it has been read as one."""
        return core_schema.no_info_after_validator_function(self._check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Give editors the pattern."""
        return {**handler(schema), "pattern": self.for_editors or self.pattern}

    def _check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            words = _("{value!r} cannot be used here: it should be {right}")
            raise ValueError(words.format(value=value, right=_(self.right)))
        return value


class YamlModel(BaseModel):
    """A mapping of a YAML file; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def read_yaml(kind: type[T], path: Path) -> T:
    """Read a file as a type or pydantic model. Raises RulesError with every mistake."""
    problems = ErrorList()
    node = load_yaml(path, problems)
    read = validate_node(kind, node, problems) if node else None
    problems.raise_if_any()
    assert read is not None  # noqa: S101 - every way to None has noted a problem
    return read


def validate_node(
    kind: type[T], node: Node, problems: ErrorList, *, context: Any = None
) -> T | None:
    """Read a node as a type or pydantic model; None, with its problems noted, when it is none.

    `context` is handed to validators that must know more than the value.
    """
    try:
        read: T = _adapter(cast(Hashable, kind)).validate_python(node.plain, context=context)
        return read
    except ValidationError as error:
        details = error.errors(include_url=False)
        for detail in details:
            if not _follows(detail, details):
                problems.note(_place_of(detail, node), _words_of(detail, kind))
        return None


@cache
def _adapter(kind: Hashable) -> TypeAdapter[Any]:
    return TypeAdapter(cast(Any, kind))


def _follows(detail: ErrorDetails, details: list[ErrorDetails]) -> bool:
    loc, others = detail["loc"], [other for other in details if other is not detail]
    if detail["type"] == "missing":
        beside = [str(o["loc"][-1]) for o in others if o["type"] == "extra_forbidden"]
        return bool(get_close_matches(str(loc[-1]), beside))
    # Wrong items do not count, so that a list of them is also too short.
    return detail["type"] == "too_short" and any(o["loc"][: len(loc)] == loc for o in others)


def _place_of(detail: ErrorDetails, node: Node) -> Position:
    """Find a mistake; a validator may name the piece to point at as `find`."""
    loc = detail["loc"]
    if detail["type"] == "extra_forbidden":
        return node.locate((*loc, "[key]"))
    if detail["type"] == "missing":
        return node.locate(loc[:-1])
    find = detail.get("ctx", {}).get("find", "")
    return node.at(loc).find(find) if find else node.locate(loc)


def _words_of(detail: ErrorDetails, kind: Any) -> str:
    loc = detail["loc"]
    last = str(loc[-1]) if loc else ""
    if detail["type"] == "extra_forbidden":
        hint = suggest_nearest(last, _keys_of(kind, loc[:-1]))
        return _("unknown key {key!r}; {hint}").format(key=last, hint=hint)
    if detail["type"] == "missing":
        return _("key {key!r} is missing").format(key=last)
    words = _expected(detail)
    key = next((s for s in reversed(loc) if isinstance(s, str) and s != "[key]"), "")
    return f"{key}: {words}" if key and last != "[key]" else words


def _expected(detail: ErrorDetails) -> str:
    """Word what would be right, where pydantic tells what it found."""
    known, kind = detail.get("ctx", {}), detail["type"]
    if kind == "value_error":
        return str(known["error"])
    if kind == "too_short" and known["min_length"] > 1:
        return _("should have {min_length} entries").format(**known)
    families = {
        "bool": _("should be true or false"),
        "int": _("should be a whole number"),
        "float": _("should be a number"),
        "finite": _("should be a number"),
        "string_type": _("should be a text; what else it looks like, put into quotes"),
        "date": _("should be a day like 2025-12-24"),
        "time": _("should be a time of day like 08:00"),
        "dict": _("should be keys with their values"),
        "mapping": _("should be keys with their values"),
        "model": _("should be keys with their values"),
        "list": _("should be a list"),
        "tuple": _("should be a list"),
        "too_short": _("should not be empty"),
        "string_too_short": _("should not be empty"),
        "too_long": _("should have at most {max_length} entries"),
        "greater_than": _("should be more than {gt:g}"),
        "greater_than_equal": _("should be {ge:g} or more"),
        "less_than_equal": _("should be {le:g} or less"),
        "literal": _("should be {expected}"),
        "enum": _("should be {expected}"),
    }
    words = families.get(kind) or families.get(kind.partition("_")[0])
    return words.format(**known) if words else detail["msg"]


def _keys_of(kind: Any, loc: Loc) -> list[str]:
    """List the keys that the model at this location has; none when it has no fixed ones."""
    kind = _bare(kind)
    for step in loc:
        if _is_model(kind):
            kind = _bare(kind.model_fields[str(step)].annotation)
        elif parts := [part for part in get_args(kind) if part is not ...]:
            kind = _bare(parts[-1])
    return list(kind.model_fields) if _is_model(kind) else []


def _bare(kind: Any) -> Any:
    if get_origin(kind) is Annotated:
        return _bare(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        return _bare(next(part for part in get_args(kind) if part is not type(None)))
    return kind


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
