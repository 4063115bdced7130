"""DynamoDB's condition and update expressions on items in the typed form, parsed once each.

Covers what a client of tables may say short of sets' ADD and DELETE; what it does not cover it
refuses loudly. A differential test holds it to moto.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sandbox.memory_dynamodb.values import (
    COMPARE,
    MISSING,
    Invalid,
    Operand,
    Path,
    Scope,
    Test,
    Update,
    begins_with,
    contains,
    equal,
    given,
    size_of,
    sum_of,
)

_TOKEN = re.compile(r"\s*(<>|<=|>=|[=<>(),.\[\]+-]|[#:]?[A-Za-z0-9_]+)")


def holds(text: str, scope: Scope) -> bool:
    """Tell whether a condition holds for an item."""
    return condition(text)(scope)


def updated(text: str, scope: Scope) -> dict[str, Any]:
    """Give the item as an update leaves it; what it sets is read from the item before."""
    update = update_of(text)
    found = [(path.real(scope.names), operand(scope)) for path, operand in update.sets]
    item = dict(scope.item)
    for steps, value in found:
        if value is MISSING:
            raise Invalid("The provided expression refers to an attribute that does not exist")
        _put(item, steps, value)
    for path in update.removes:
        _put(item, path.real(scope.names), MISSING)
    return item


def _put(item: dict[str, Any], steps: list[str | int], value: Any) -> None:
    """Set or remove one place of a copied item, copying the maps on the way to it."""
    at = item
    for step in steps[:-1]:
        inside = at.get(str(step))
        if not isinstance(inside, dict) or "M" not in inside:
            raise Invalid("The document path provided in the update expression is invalid")
        copied = dict(inside["M"])
        at[str(step)] = {"M": copied}
        at = copied
    if value is MISSING:
        at.pop(str(steps[-1]), None)
    else:
        at[str(steps[-1])] = value


@lru_cache(maxsize=1000)
def condition(text: str) -> Test:
    """Parse a condition."""
    return _Parser(text).whole_condition()


@lru_cache(maxsize=1000)
def update_of(text: str) -> Update:
    """Parse an update."""
    return _Parser(text).whole_update()


@lru_cache(maxsize=1000)
def placeholders(text: str) -> frozenset[str]:
    """List the placeholders that an expression uses."""
    return frozenset(re.findall(r"[#:][A-Za-z0-9_]+", text))


class _Parser:
    """Reads one expression from left to right."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        self.tokens: list[str] = []
        at = 0
        while text[at:].strip():
            match = _TOKEN.match(text, at)
            if match is None:
                raise Invalid(f"Invalid expression: {text!r}")
            self.tokens.append(match[1])
            at = match.end()

    def whole_condition(self) -> Test:
        return self._end(self._or())

    def whole_update(self) -> Update:
        sets: list[tuple[Path, Operand]] = []
        removes: list[Path] = []
        while self.at < len(self.tokens):
            word = self._next().upper()
            if word not in ("SET", "REMOVE"):
                raise NotImplementedError(f"update clause {word} in {self.text!r}")
            while True:
                path = self._path()
                if word == "SET":
                    self._expect("=")
                    sets.append((path, self._value()))
                else:
                    removes.append(path)
                if not self._take(","):
                    break
        return Update(tuple(sets), tuple(removes))

    def _or(self) -> Test:
        found = [self._and()]
        while self._take("OR"):
            found.append(self._and())
        return found[0] if len(found) == 1 else lambda scope: any(t(scope) for t in found)

    def _and(self) -> Test:
        found = [self._not()]
        while self._take("AND"):
            found.append(self._not())
        return found[0] if len(found) == 1 else lambda scope: all(t(scope) for t in found)

    def _not(self) -> Test:
        if self._take("NOT"):
            inner = self._not()
            return lambda scope: not inner(scope)
        if self._take("("):
            inside = self._or()
            self._expect(")")
            return inside
        return self._test()

    def _test(self) -> Test:
        word = self._peek()
        if word in ("attribute_exists", "attribute_not_exists"):
            (path,) = self._arguments(1, paths=True)
            wanted = word == "attribute_exists"
            return lambda scope: (path(scope) is not MISSING) is wanted
        if word in ("begins_with", "contains"):
            left, right = self._arguments(2)
            test = begins_with if word == "begins_with" else contains
            return lambda scope: test(left(scope), right(scope))
        return self._comparison(self._operand())

    def _comparison(self, left: Operand) -> Test:
        sign = self._next()
        if sign.upper() == "BETWEEN":
            low = self._operand()
            self._expect("AND")
            high, not_more = self._operand(), COMPARE["<="]
            return lambda s: not_more(low(s), left(s)) and not_more(left(s), high(s))
        if sign.upper() == "IN":
            self._expect("(")
            choices = [self._operand()]
            while self._take(","):
                choices.append(self._operand())
            self._expect(")")
            return lambda scope: any(equal(left(scope), choice(scope)) for choice in choices)
        if sign not in COMPARE:
            raise Invalid(f"Invalid expression: {sign!r} in {self.text!r}")
        compare, right = COMPARE[sign], self._operand()
        return lambda scope: compare(left(scope), right(scope))

    def _value(self) -> Operand:
        """Read what a SET sets: an operand, or a sum of two."""
        left = self._operand()
        for sign, factor in (("+", 1), ("-", -1)):
            if self._take(sign):
                return sum_of(left, self._operand(), factor)
        return left

    def _operand(self) -> Operand:
        word = self._peek()
        if word == "size":
            (inner,) = self._arguments(1)
            return lambda scope: size_of(inner(scope))
        if word == "if_not_exists":
            path, other = self._arguments(2)

            def first(scope: Scope) -> Any:
                found = path(scope)
                return other(scope) if found is MISSING else found

            return first
        if word == "list_append":
            first_list, second_list = self._arguments(2)
            return lambda scope: {"L": [*first_list(scope)["L"], *second_list(scope)["L"]]}
        if word.startswith(":"):
            self._next()
            return lambda scope: given(word, scope)
        return self._path().read

    def _arguments(self, count: int, *, paths: bool = False) -> list[Operand]:
        self._next()
        self._expect("(")
        found = [self._path().read if paths else self._operand()]
        while self._take(","):
            found.append(self._operand())
        self._expect(")")
        if len(found) != count:
            raise Invalid(f"Incorrect number of operands in {self.text!r}")
        return found

    def _path(self) -> Path:
        steps: list[str | int] = [self._name()]
        while True:
            if self._take("."):
                steps.append(self._name())
            elif self._take("["):
                steps.append(int(self._next()))
                self._expect("]")
            else:
                return Path(tuple(steps))

    def _name(self) -> str:
        word = self._next()
        if not re.fullmatch(r"#?[A-Za-z0-9_]+", word):
            raise Invalid(f"Invalid expression: {word!r} in {self.text!r}")
        return word

    def _peek(self) -> str:
        if self.at >= len(self.tokens):
            raise Invalid(f"Invalid expression: it ends early: {self.text!r}")
        return self.tokens[self.at]

    def _next(self) -> str:
        word = self._peek()
        self.at += 1
        return word

    def _take(self, word: str) -> bool:
        found = self.at < len(self.tokens) and self.tokens[self.at].upper() == word
        self.at += found
        return found

    def _expect(self, word: str) -> None:
        if not self._take(word):
            raise Invalid(f"Invalid expression: {word!r} is missing in {self.text!r}")

    def _end(self, found: Test) -> Test:
        if self.at < len(self.tokens):
            raise Invalid(f"Invalid expression: {self.tokens[self.at]!r} in {self.text!r}")
        return found
