"""What the steps of a run hand on to each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from naverplace.delivery.in_doubt import InDoubtMessage
from naverplace.domain.effects import Effect, Notify
from naverplace.domain.results import ActionResult, Decisions
from naverplace.ledger.store_state import Ownership
from naverplace.naver.session import NaverSession
from naverplace.quality.circuit_breaker import Halt
from naverplace.quality.validation import ValidationResult


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
            if not isinstance(effect, Notify) and effect.key.store_id == store_id
        )

    def notices(self) -> tuple[Effect, ...]:
        """List the lines that rules owe the owner."""
        return tuple(e for e in self.decisions.effects if isinstance(e, Notify))


@dataclass
class RunResults:
    """What the steps of a run have given so far, and why it broke off if it did."""

    session: NaverSession | None = None
    batches: list[StoreBatch] = field(default_factory=list)
    validated: ValidationResult | None = None
    in_doubt: Sequence[InDoubtMessage] = ()  # left by earlier runs, with what became of them
    decided: DecisionResult | None = None
    actions: list[ActionResult] = field(default_factory=list)
    quality_docs: str = ""  # path of the Data Docs
    failure: str = ""
