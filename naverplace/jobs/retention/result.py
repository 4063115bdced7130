"""What retention has found and removed, place by place; pure, and nothing here names a customer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from naverplace.domain.troubles import Source, Trouble, TroubleKind
from naverplace.reporting.owner_messages import Look


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

    def look(self, now: datetime) -> Look:
        """Tell what somebody must do, place by place."""
        kind = TroubleKind.PERSONAL_DATA_LEFT
        troubles = tuple(
            Trouble(kind, place.name, detail="; ".join(_said(place)))
            for place in self.places
            if place.left or place.problems
        )
        return Look(Source.RETENTION, now, troubles, {kind: None})


def _said(place: LocationResult) -> Iterator[str]:
    if place.left:
        yield f"{place.left}건 ({place.days:g}일 경과)"
    yield from place.problems
