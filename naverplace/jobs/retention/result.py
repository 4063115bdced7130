"""What retention has found and removed, place by place; pure, and nothing here names a customer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class LocationResult:
    """One place that personal data can be in."""

    name: str
    days: float  # what happened longer ago has no place here
    seen: int = 0  # things in it
    old: int = 0  # of them, older than that and free to go
    removed: int = 0
    left: int = 0  # old, free to go, and still there at the end
    kept: Mapping[str, int] = field(default_factory=dict)  # older, and why each has to stay
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class RetentionResult:
    """One retention, summed up."""

    now: str
    dry_run: bool
    places: tuple[LocationResult, ...]

    @property
    def problems(self) -> tuple[str, ...]:
        """List what a person has to look at."""
        return tuple(f"{place.name}: {why}" for place in self.places for why in place.problems)

    @property
    def left(self) -> int:
        """Count what should be gone and is not."""
        return sum(place.left for place in self.places)

    @property
    def clean(self) -> bool:
        """Tell whether no personal data is older than it may be."""
        return not self.left and not self.problems

    def rows(self) -> list[dict[str, Any]]:
        """List the places as a table's rows."""
        return [
            {
                "place": place.name,
                "older than": f"{place.days:g} days",
                "in it": place.seen,
                "old": place.old,
                "removed": place.removed,
                "left": place.left,
                "kept": ", ".join(f"{count} {why}" for why, count in place.kept.items()),
            }
            for place in self.places
        ]

    def as_json(self) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        removed = sum(place.removed for place in self.places)
        return {**asdict(self), "clean": self.clean, "removed": removed, "left": self.left}


def retention_message(done: RetentionResult) -> str:
    """Word it for the owner; empty when there is nothing that somebody must do."""
    if done.clean:
        return ""
    lines = ["🗑 보관 기간이 지난 개인정보가 남아 있습니다"]
    lines += [f"- {p.name}: {p.left}건 ({p.days:g}일 경과)" for p in done.places if p.left]
    lines += [f"- {problem}" for problem in done.problems]
    return "\n".join([*lines, "docs/privacy.md"])
