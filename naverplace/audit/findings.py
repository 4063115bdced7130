"""What an audit finds: contradictions, claims that nothing shows, and what holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """How a check ended."""

    CONTRADICTION = "contradiction"  # two places of the document cannot both be true
    UNSHOWN = "unshown"  # the document claims what it does not show, or cannot know
    HOLDS = "holds"


@dataclass(frozen=True)
class Finding:
    """One check that was made, with the places that it compared."""

    kind: Kind
    check: str
    words: str
    lines: tuple[int, ...] = ()

    def __str__(self) -> str:
        if not self.lines:
            return self.words
        where = ", ".join(map(str, self.lines))
        return f"{self.words} (line{'s' if len(self.lines) > 1 else ''} {where})"


@dataclass(frozen=True)
class Audit:
    """Everything that one audit has found, in the order of its checks."""

    findings: tuple[Finding, ...]

    def of(self, kind: Kind) -> tuple[Finding, ...]:
        """List the findings of one kind."""
        return tuple(finding for finding in self.findings if finding.kind is kind)

    @property
    def contradictions(self) -> tuple[Finding, ...]:
        """List what cannot be true."""
        return self.of(Kind.CONTRADICTION)

    @property
    def checked(self) -> int:
        """Count the checks that found something to compare."""
        return len(self.contradictions) + len(self.of(Kind.HOLDS))

    def as_json(self) -> dict[str, Any]:
        """Turn the audit into plain JSON values."""
        return {
            kind.value: [
                {"check": f.check, "words": f.words, "lines": list(f.lines)} for f in self.of(kind)
            ]
            for kind in Kind
        }


def lines_of(*numbers: int | Sequence[int]) -> tuple[int, ...]:
    """List line numbers, each once, in order."""
    flat = [n for part in numbers for n in ([part] if isinstance(part, int) else part)]
    return tuple(sorted(set(flat)))


def told(holds: bool, check: str, words: str, lines: Sequence[int]) -> Finding:
    """Make the finding of a check that either holds or is a contradiction."""
    return Finding(Kind.HOLDS if holds else Kind.CONTRADICTION, check, words, lines_of(lines))


def unshown(check: str, words: str, *lines: int) -> Finding:
    """Make the finding of a claim that the document does not show."""
    return Finding(Kind.UNSHOWN, check, words, lines_of(lines))
