"""YAML with places, so that every mistake is named by file, line and column.

Stricter than YAML 1.1: only true and false are booleans, 20:50 and 2025-10-22 are texts, a key
stands once, tags and aliases are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from naverplace.base.errors import RulesError
from naverplace.base.korean_text import compose, name_signs
from naverplace.base.translation import gettext as _

Loc = tuple[int | str, ...]


class Position(NamedTuple):
    """A spot in a file, counted from 1."""

    path: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class ErrorList:
    """What is wrong in all files read so far."""

    def __init__(self) -> None:
        self.found: set[tuple[Position, str]] = set()

    def note(self, place: Position, text: str) -> None:
        """Note one problem at its place."""
        self.found.add((place, text))

    def lines(self) -> list[str]:
        """Word every problem as `file:line:column: text`, sorted by file and line."""
        return [f"{place}: {text}" for place, text in sorted(self.found)]

    def raise_if_any(self) -> None:
        """Raise RulesError with every problem."""
        if self.found:
            raise RulesError(self.lines())


@dataclass(frozen=True)
class Node:
    """A value of a YAML file with its place; a mapping's keys are texts, as they are written."""

    place: Position
    value: Any  # None | bool | int | float | str | list[Node] | dict[str, Node]
    keys: Mapping[str, Position] = field(default_factory=dict)
    source: str = field(default="", repr=False)  # what the file says from this place on

    @property
    def plain(self) -> Any:
        """Give the value without places."""
        if isinstance(self.value, dict):
            return {key: node.plain for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain for node in self.value]
        return self.value

    def find(self, text: str) -> Position:
        """Find a text within this node's own lines; the node's place when it is not there."""
        at = self.source.find(text)
        if at < 0:
            return self.place
        before = self.source[:at]
        line = before.count("\n")
        column = len(before) - before.rfind("\n") if line else self.place.column + at
        return Position(self.place.path, self.place.line + line, column)

    def at(self, loc: Loc) -> Node:
        """Find the node of pydantic's location; the nearest one around it when it is gone."""
        node = self
        for step in loc:
            if isinstance(node.value, dict):
                node = node.value.get(str(step), node)
            elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
        return node

    def locate(self, loc: Loc) -> Position:
        """Find the place of pydantic's location; a last step "[key]" means the key itself."""
        if loc[-1:] == ("[key]",):
            return self.at(loc[:-2]).keys[str(loc[-2])]
        return self.at(loc).place


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with fewer guesses about what a word may be."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse an alias: it may contain itself, and a mistake behind it has two places."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "an alias (*) stands here", mark)
        return super().compose_node(parent, index)


for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?[0-9]+\.[0-9]+", list("-+0123456789")),
):
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first
    )


def load_yaml(path: Path, problems: ErrorList) -> Node | None:
    """Read one file; None, with the problem noted, when it is no YAML."""
    place = Position(path.as_posix())
    try:
        text = compose(path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        why = error.strerror or type(error).__name__
        problems.note(place, _("cannot be read: {why}").format(why=why))
        return None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        problems.note(place._replace(line=line), _("is no UTF-8: save the file as UTF-8"))
        return None
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problems.note(_place(place, mark), _parser_words(error, mark))
        return None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        sign = name_signs(chr(error.character))
        words = _("{sign} may not stand in such a file: delete it").format(sign=sign)
        problems.note(place._replace(line=line, column=column), words)
        return None
    except RecursionError:
        problems.note(place, _("is nested too deeply"))
        return None
    if root is None:
        problems.note(place, _("is empty"))
        return None
    return _Reader(place, text, problems).node(root)


def _parser_words(error: yaml.MarkedYAMLError, mark: yaml.Mark | None) -> str:
    """Word what PyYAML found, for people who have never heard of tokens."""
    said, about = str(error.problem or ""), str(error.context or "")
    sign = (mark.buffer or "")[mark.pointer : mark.pointer + 1] if mark else ""
    for found, words in (
        (sign == "\t", _("a tab stands here: indent with blanks")),
        ("cannot start any token" in said, _("no value begins with {sign}: put it into quotes")),
        ("alias" in said, _("aliases (*) are not used here: write the value itself")),
        ("duplicate anchor" in said, _("anchors (&) are not used here: write the value itself")),
        ("quoted scalar" in about, _("a quotation mark is not closed before this place")),
        ("',' or ']'" in said, _("a list that began with [ is not closed by ] before this place")),
        ("',' or '}'" in said, _("what began with {{ is not closed by }} before this place")),
        ("node content" in said, _("a value is missing before this place")),
        ("document" in said, _("a second document begins here: one file is one document")),
        (
            "mapping values" in said,
            _("no ': ' can stand here: look at the indentation, or put the text into quotes"),
        ),
        ("expected ':'" in said, _("a key before this place lacks its ':'")),
        (
            "block end" in said,
            _("is not indented like the lines that it belongs to, or a '-' is missing"),
        ),
    ):
        if found:
            return words.format(sign=repr(sign))
    return _("cannot be understood from here on: compare it with the lines above")


@dataclass(frozen=True)
class _Reader:
    """Turns PyYAML's nodes of one file into ours."""

    file: Position
    text: str
    problems: ErrorList

    def node(self, node: yaml.Node) -> Node:
        place = _place(self.file, node.start_mark)
        source = self.text[node.start_mark.index : node.end_mark.index]
        if isinstance(node, yaml.MappingNode):
            keys: dict[str, Position] = {}
            return Node(place, dict(self._entries(node, keys)), keys, source)
        if isinstance(node, yaml.SequenceNode):
            return Node(place, [self.node(item) for item in node.value], {}, source)
        return Node(place, self._scalar(node, place), {}, source)

    def _entries(
        self, node: yaml.MappingNode, keys: dict[str, Position]
    ) -> Iterator[tuple[str, Node]]:
        for key, value in node.value:
            place = _place(self.file, key.start_mark)
            if not isinstance(key, yaml.ScalarNode):
                self.problems.note(place, _("a key must be one word"))
            elif key.value in keys:
                first = keys[key.value].line
                words = _("key {key!r} stands here twice, see line {line}")
                self.problems.note(place, words.format(key=key.value, line=first))
            else:
                keys[key.value] = place
                yield key.value, self.node(value)

    def _scalar(self, node: yaml.Node, place: Position) -> Any:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind in ("int", "float"):
            try:
                return int(node.value) if kind == "int" else float(node.value)
            except ValueError:  # a tag in front of another word, or thousands of digits
                self.problems.note(place, _("is no number"))
        elif kind not in ("str", "null", "bool"):
            self.problems.note(place, _("tag {tag!r} is not allowed").format(tag=node.tag))
        return {"null": None, "bool": node.value == "true"}.get(kind, node.value)


def _place(file: Position, mark: yaml.Mark | None) -> Position:
    return file._replace(line=mark.line + 1, column=mark.column + 1) if mark else file
