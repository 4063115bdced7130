"""What is tried: a module with one change; and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """A module with one change: its whole text, and the changed lines before and after."""

    module: str
    operator: str
    line: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        operator = self.operator.removeprefix("core/")
        return f"{self.module}:{self.line} {operator}: {self.before} -> {self.after}"


@dataclass(frozen=True)
class Fate:
    """What became of a mutant: killed or not, and by what or why not."""

    killed: bool
    by: str
    cpu: float  # seconds


def mutant_of(module: str, source: str, changed: str, *, operator: str, line: int) -> Mutant:
    """Make the mutant of this changed text."""
    old, new = source.splitlines(), changed.splitlines()
    while old and new and old[0] == new[0]:
        del old[0], new[0]
    while old and new and old[-1] == new[-1]:
        del old[-1], new[-1]
    return Mutant(module, operator, line, _one_line(old), _one_line(new), changed)


def _one_line(lines: Sequence[str]) -> str:
    return " ".join(line.strip() for line in lines)
