"""How a declared field is compared with what a rule says, and which comparisons make sense."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.rules.parameters import ValidationContext

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "equals": lambda value, other: bool(value == other),
    "not_equals": lambda value, other: bool(value != other),
    "at_least": lambda value, other: bool(value >= other),
    "at_most": lambda value, other: bool(value <= other),
    "contains": lambda value, other: any(other in str(part) for part in _parts(value)),
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
        others = other if isinstance(other, tuple) else (other,)
        moments = tuple(map(_moment, others))
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
        if kind == "datetime" and not _is_moment(str(part)):
            return f"{part!r} is no time: write it like '2025-10-22 15:00'"
    return ""


def _parts(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@lru_cache(maxsize=256)
def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=SEOUL)


def _is_moment(text: str) -> bool:
    try:
        _moment(text)
    except ValueError:
        return False
    return True
