"""Values in DynamoDB's typed form: where they stand in an item, and how they compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

Item = Mapping[str, Any]  # attribute -> {"S": "..."} and so on
MISSING: Any = None  # no typed value is None
_RANK = ("S", "N", "B")


class Invalid(Exception):
    """What DynamoDB answers with a ValidationException."""


class Scope(NamedTuple):
    """What an expression is read against."""

    item: Item
    names: Mapping[str, str]
    values: Mapping[str, Any]


Operand = Callable[[Scope], Any]
Test = Callable[[Scope], bool]


class Update(NamedTuple):
    """A parsed update: what is set from what, and what is removed."""

    sets: tuple[tuple[Path, Operand], ...]
    removes: tuple[Path, ...]


class Path(NamedTuple):
    """Where in an item: names and placeholders from the top, and indexes of lists."""

    steps: tuple[str | int, ...]

    def real(self, names: Mapping[str, str]) -> list[str | int]:
        """Put the names in the placeholders' places."""
        return [_named(step, names) for step in self.steps]

    def read(self, scope: Scope) -> Any:
        """Read the value that stands there, None when there is none."""
        at: Any = {"M": scope.item}
        for step in self.real(scope.names):
            inside = at.get("L" if isinstance(step, int) else "M")
            if isinstance(step, int):
                at = inside[step] if inside and step < len(inside) else MISSING
            else:
                at = inside.get(step) if inside else MISSING
            if at is MISSING:
                return MISSING
        return at


def _named(step: str | int, names: Mapping[str, str]) -> str | int:
    if not isinstance(step, str) or not step.startswith("#"):
        return step
    if step not in names:
        raise Invalid(f"An expression attribute name used in expression is not defined: {step}")
    return names[step]


def plain(value: Any) -> Any:
    """Make a typed value comparable: numbers by value, sets without order."""
    ((kind, inside),) = value.items()
    if kind == "N":
        return kind, Decimal(inside)
    if kind == "M":
        return kind, {name: plain(part) for name, part in inside.items()}
    if kind == "L":
        return kind, [plain(part) for part in inside]
    if kind in ("SS", "NS", "BS"):
        return kind, frozenset(Decimal(part) if kind == "NS" else part for part in inside)
    return kind, inside


def equal(left: Any, right: Any) -> bool:
    """Tell whether two values are equal; what is missing equals nothing."""
    return left is not MISSING and right is not MISSING and plain(left) == plain(right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def test(left: Any, right: Any) -> bool:
        if left is MISSING or right is MISSING:
            return False
        (one, a), (other, b) = plain(left), plain(right)
        return one == other and one in _RANK and compare(a, b)

    return test


COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": equal,
    # What is missing differs from everything, as DynamoDB has it.
    "<>": lambda left, right: not equal(left, right),
    "<": _ordered(lambda a, b: a < b),
    "<=": _ordered(lambda a, b: a <= b),
    ">": _ordered(lambda a, b: a > b),
    ">=": _ordered(lambda a, b: a >= b),
}


def begins_with(value: Any, start: Any) -> bool:
    """Tell whether a text begins with another."""
    return bool(value and start and "S" in value and value["S"].startswith(start.get("S", "\0")))


def contains(value: Any, part: Any) -> bool:
    """Tell whether a text, list or set holds a part."""
    if not value or not part:
        return False
    if "S" in value:
        return "S" in part and part["S"] in value["S"]
    inside = value.get("L") or [{"S": entry} for entry in value.get("SS", [])]
    return any(equal(entry, part) for entry in inside)


def size_of(value: Any) -> Any:
    """Give the size of a text or collection as a number."""
    if value is MISSING:
        return MISSING
    ((kind, inside),) = value.items()
    size = len(inside.encode()) if kind == "S" else len(inside)
    return {"N": str(size)} if kind not in ("N", "BOOL", "NULL") else MISSING


def sum_of(left: Operand, right: Operand, sign: int) -> Operand:
    """Add two numbers, or subtract."""

    def value(scope: Scope) -> Any:
        one, other = left(scope), right(scope)
        if one is MISSING:
            raise Invalid("The provided expression refers to an attribute that does not exist")
        if "N" not in one or "N" not in other:
            raise Invalid("An operand in the update expression has an incorrect data type")
        return {"N": str(Decimal(one["N"]) + sign * Decimal(other["N"]))}

    return value


def given(word: str, scope: Scope) -> Any:
    """Give the value of a placeholder."""
    if word not in scope.values:
        raise Invalid(f"An expression attribute value used in expression is not defined: {word}")
    return scope.values[word]
