"""Comparing a declared field with what a rule wants, by the field's declared type."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from naverplace.clock import SEOUL
from naverplace.fields import FieldType

Value = bool | int | float | str
_WANTED: dict[FieldType, tuple[type, ...]] = {
    "str": (str,),
    "int": (int, float),
    "float": (int, float),
    "bool": (bool,),
    "datetime": (str,),
    "list": (str, int, float),
}
_ORDERED = ("int", "float", "datetime")


def compare(value: Any, how: str, wanted: Any, *, kind: FieldType) -> bool:
    """Compare a field's value; times are compared as moments, texts without case in `contains`."""
    if kind == "datetime":
        wanted = [_moment(one) for one in wanted] if how == "one_of" else _moment(wanted)
    if how == "equals":
        return bool(value == wanted)
    if how == "not_equals":
        return bool(value != wanted)
    if how == "at_least":
        return bool(value >= wanted)
    if how == "at_most":
        return bool(value <= wanted)
    if how == "one_of":
        return value in wanted
    parts = value if kind == "list" else [value]
    return any(wanted.casefold() in str(part).casefold() for part in parts)


def wrong_comparison(values: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]]) -> str:
    """Say what is wrong with a comparison before it is ever made; nothing when it can be made."""
    told = {how: value for how, value in values.items() if how != "name" and value is not None}
    if not told:
        return "says no comparison, such as equals or at_least"
    declared = known.get("field", {}).get(values["name"])
    if declared is None:
        return ""
    for how, wanted in told.items():
        if mistake := _mistake(declared.type, how, wanted):
            return f"{how}: {values['name']} is of type {declared.type}, {mistake}"
    return ""


def _mistake(kind: FieldType, how: str, wanted: Any) -> str:
    if how == "contains":
        return "" if kind in ("str", "list") else "which contains nothing"
    if kind == "list":
        return "which can only be asked with contains"
    if how in ("at_least", "at_most") and kind not in _ORDERED:
        return "which has no order"
    for one in wanted if isinstance(wanted, list) else [wanted]:
        # To Python, true is an int.
        if not isinstance(one, _WANTED[kind]) or (isinstance(one, bool) and kind != "bool"):
            return f"not {one!r}"
        if kind == "datetime":
            try:
                _moment(str(one))
            except ValueError:
                return f"{one!r} is no time like 2025-10-22T20:00"
    return ""


def _moment(text: str) -> datetime:
    """Read a time of a rule; without zone it is Korean."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo else read.replace(tzinfo=SEOUL)
