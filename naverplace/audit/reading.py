"""A run summary read as lines, headings, tables and figures; forgiving about its Markdown."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

_MARKUP = re.compile(r"\*\*|`")
_CELL = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Line:
    """One line without its markup; `places` leads from its characters to those of the file."""

    number: int  # from 1
    text: str
    section: str  # its headings, from the outermost to the innermost
    indent: int
    places: tuple[int, ...] = field(repr=False, default=())


@dataclass(frozen=True)
class Figure:
    """A number with its place."""

    value: float
    line: int
    said: str  # the line that says it
    start: int = 0  # columns in the file's own line
    end: int = 0

    def __str__(self) -> str:
        return f"{self.value:g}"


@dataclass(frozen=True)
class Table:
    """A Markdown table; `rows` keep their line numbers."""

    section: str
    head: tuple[str, ...]
    rows: tuple[tuple[Line, tuple[str, ...]], ...]

    def column(self, name: str) -> int | None:
        """Find a column whose head holds this word."""
        return next((at for at, head in enumerate(self.head) if name in head.lower()), None)


class Summary:
    """A run summary, ready to be asked for its figures."""

    def __init__(self, text: str) -> None:
        self.lines = list(_lines(text))
        self.tables = list(_tables(self.lines))
        self._whole = "\n".join(line.text for line in self.lines)
        lengths = (len(line.text) + 1 for line in self.lines)
        self._starts = list(accumulate(lengths, initial=0))[:-1]

    def match(self, pattern: str, *, section: str = "") -> Iterator[tuple[Line, re.Match[str]]]:
        """Find a pattern in the lines of the sections whose headings hold a word."""
        wanted = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
        for line in self._near(wanted):
            if section.lower() in line.section.lower() and (found := wanted.search(line.text)):
                yield line, found

    def _near(self, wanted: re.Pattern[str]) -> list[Line]:
        """List the lines around a pattern's matches: most patterns are in few lines, or in none."""
        near: set[int] = set()
        for found in wanted.finditer(self._whole):
            first, last = (bisect_right(self._starts, place) - 1 for place in found.span())
            near.update(range(first, last + 1))
        return [self.lines[at] for at in sorted(near)]

    def figures(self, *patterns: str, section: str = "") -> list[Figure]:
        """List the figures `n` of patterns, in the order of the lines."""
        found = [
            figure_of(line, match, "n")
            for pattern in patterns
            for line, match in self.match(pattern, section=section)
            if match.group("n")
        ]
        return sorted(found, key=lambda figure: (figure.line, figure.start))

    def first(self, pattern: str, *, section: str = "") -> Figure | None:
        """Give the first figure `n` of a pattern."""
        return next(iter(self.figures(pattern, section=section)), None)


def figure_of(line: Line, match: re.Match[str], group: str | int) -> Figure:
    """Read a group of a match as a number."""
    start, end = match.span(group)
    value = float(match.group(group).replace(",", ""))
    return Figure(value, line.number, line.text, line.places[start], line.places[end - 1] + 1)


def number_in(cell: str) -> float | None:
    """Read the first number of a cell; None when it holds none."""
    found = re.search(r"-?\d+(?:\.\d+)?", cell.replace(",", ""))
    return float(found.group()) if found else None


def _lines(text: str) -> Iterator[Line]:
    headings: dict[int, str] = {}
    code = False
    for number, raw in enumerate(text.splitlines(), 1):
        if raw.lstrip().startswith("```"):
            code = not code
        heading = None if code else re.match(r"(#+)\s+(.*)", raw)
        if heading:
            level = len(heading.group(1))
            headings = {k: v for k, v in headings.items() if k < level}
            headings[level] = heading.group(2)
        gone = {at for found in _MARKUP.finditer(raw) for at in range(*found.span())}
        kept = [at for at in range(len(raw)) if at not in gone]
        plain = "".join(raw[at] for at in kept)
        indent = len(raw) - len(raw.lstrip())
        section = " / ".join(headings[level] for level in sorted(headings))
        yield Line(number, plain, section, indent, (*kept, len(raw)))


def _tables(lines: list[Line]) -> Iterator[Table]:
    at = 0
    while at < len(lines):
        block = []
        while at < len(lines) and lines[at].text.lstrip().startswith("|"):
            block.append(lines[at])
            at += 1
        if len(block) > 2:
            head, _, *rows = block
            names = _cells(head)
            yield Table(head.section, names, tuple((row, _row(row, len(names))) for row in rows))
        at += 1


def _row(line: Line, columns: int) -> tuple[str, ...]:
    cells = _cells(line)
    return cells + ("",) * (columns - len(cells))  # a torn row has fewer than the head


def _cells(line: Line) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in _CELL.split(line.text.strip().strip("|")))
