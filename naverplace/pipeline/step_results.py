"""What the steps of a run hand on to each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from naverplace.domain.effects import Effect, Notify
from naverplace.domain.results import Decisions
from naverplace.ledger.ownership import Ownership
from naverplace.quality.circuit_breaker import Halt


@dataclass(frozen=True)
class StoreBatch:
    """What reading one store's bookings gave; `error` says why it gave nothing."""

    store_id: str
    confirmed: int = 0
    completed: int = 0
    pages: int = 0
    frame: pd.DataFrame | None = field(default=None, repr=False)
    error: str = ""


@dataclass(frozen=True)
class DecisionResult:
    """What was decided, and about how many bookings."""

    decisions: Decisions
    bookings: int
    halts: Mapping[str, Halt] = field(default_factory=dict)  # by the breaker; nothing is owed there
    owners: Mapping[str, Ownership] = field(default_factory=dict)  # by store

    def effects_of(self, store_id: str) -> tuple[Effect, ...]:
        """List one store's effects, without the lines for the owner."""
        return tuple(
            effect
            for effect in self.decisions.effects
            if not isinstance(effect, Notify) and store_of(effect) == store_id
        )

    def notices(self) -> tuple[Effect, ...]:
        """List the lines that rules owe the owner."""
        return tuple(e for e in self.decisions.effects if isinstance(e, Notify))


def store_of(effect: Effect) -> str:
    """Name the store that an effect is for."""
    return effect.key.store_id
