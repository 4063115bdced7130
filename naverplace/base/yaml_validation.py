"""Reading YAML as typed values, with pydantic's mistakes told in the file's own places."""

from __future__ import annotations

from difflib import get_close_matches
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from naverplace.base.registry import suggest_nearest
from naverplace.base.yaml_nodes import ErrorList, Loc, Node, Position

T = TypeVar("T")
_PLAIN_WORDS = {
    "dict_type": "should be keys with their values",
    "model_type": "should be keys with their values",
    "list_type": "should be a list",
    "tuple_type": "should be a list",
    "too_short": "should not be empty",
    "string_too_short": "should not be empty",
}


def validate_node(
    kind: type[T], node: Node, problems: ErrorList, *, context: Any = None
) -> T | None:
    """Read a node as a type or pydantic model; None, with its problems noted, when it is none.

    `context` is handed to validators that must know more than the value.
    """
    try:
        return TypeAdapter(kind).validate_python(node.plain, context=context)
    except ValidationError as error:
        details = error.errors(include_url=False)
        for detail in details:
            if not _follows(detail, details):
                problems.note(_place_of(detail, node), _words_of(detail, kind))
        return None


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
        return f"unknown key {last!r}; {suggest_nearest(last, _keys_of(kind, loc[:-1]))}"
    if detail["type"] == "missing":
        return f"key {last!r} is missing"
    name = ".".join(str(step) for step in loc if step != "[key]")
    text = _PLAIN_WORDS.get(detail["type"], detail["msg"])
    text = text.removeprefix("Value error, ").removeprefix("Input ")
    return f"{name}: {text[:1].lower()}{text[1:]}" if name else text


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
