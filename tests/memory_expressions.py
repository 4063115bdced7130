"""DynamoDB's conditions and updates, as far as the library writes them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

_TOKEN = re.compile(r"\s*(attribute_exists|attribute_not_exists|AND|OR|NOT|<=|=|[()]|[#:\w.]+)")
_MISSING = object()


def holds(
    condition: str, item: Mapping[str, Any], *, names: Mapping[str, str], values: Mapping[str, Any]
) -> bool:
    """Tell whether an item meets a condition; what is missing meets no comparison."""

    def at(path: str) -> Any:
        if path.startswith(":"):
            return values[path]
        found: Any = item
        for part in path.split("."):
            name = names.get(part, part)
            found = found.get(name, _MISSING) if isinstance(found, Mapping) else _MISSING
        return found

    scope = {
        "exists": lambda p: at(p) is not _MISSING,
        "compare": lambda a, o, b: _is(at(a), o, at(b)),
    }
    return bool(eval(_as_python(condition), scope))


def _is(left: Any, sign: str, right: Any) -> bool:
    """Compare as DynamoDB does: a number is never equal to a boolean or a text."""
    if left is _MISSING or _type(left) != _type(right):
        return False
    return bool(left == right if sign == "=" else left <= right)


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "BOOL"
    return "N" if isinstance(value, int | Decimal) else "S" if isinstance(value, str) else "M"


@cache
def _as_python(condition: str) -> str:
    tokens = _TOKEN.findall(condition)
    assert "".join(tokens) == re.sub(r"\s", "", condition), condition
    parts: list[str] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token in ("attribute_exists", "attribute_not_exists"):
            said = "exists" if token == "attribute_exists" else "not exists"
            parts.append(f"({said}({tokens[at + 2]!r}))")
            at += 4
        elif at + 1 < len(tokens) and tokens[at + 1] in ("=", "<="):
            parts.append(f"compare({token!r}, {tokens[at + 1]!r}, {tokens[at + 2]!r})")
            at += 3
        else:
            parts.append(token.lower() if token in ("AND", "OR", "NOT") else token)
            at += 1
    return " ".join(parts)


def apply(
    update: str, item: dict[str, Any], *, names: Mapping[str, str], values: Mapping[str, Any]
) -> None:
    """Change an item by SET and REMOVE of top-level attributes, and by list_append."""
    sets, _, removes = update.removeprefix("SET ").partition(" REMOVE ")
    if "list_append" in sets:
        item["entries"] = [*item.get("entries", []), *values[":value"]]
        return
    for part in sets.split(", "):
        name, _, value = part.partition(" = ")
        item[names.get(name, name)] = values[value]
    for name in filter(None, removes.split(", ")):
        item.pop(names.get(name, name), None)
