"""What a run saw and did, as a report is computed from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from naverplace.delivery.in_doubt import InDoubtMessage
from naverplace.domain.results import ActionResult, Decisions
from naverplace.reporting.sent_crosscheck import CrossCheck


@dataclass(frozen=True)
class StoreFacts:
    """What one store's extraction and quality check found, before anything was decided."""

    store_id: str
    alias: str
    confirmed: int = 0  # RC03 bookings received
    completed: int = 0  # RC08 bookings received
    passed: int = 0  # rows that passed the validation
    quarantined: tuple[Mapping[str, Any], ...] = ()  # masked rows with their reasons
    error: str = ""  # why the store could not be read
    stopped: str = ""  # why nothing is sent for the store
    told: str = ""  # the same in the owner's language, with what to do
    pages: int = 0
    owner: str = ""  # who sends for it; '' is unknown, because nothing was decided


@dataclass(frozen=True)
class RunFacts:
    """Everything a report is computed from."""

    run_id: str
    door: str  # flow | lambda | cli
    now: datetime
    dry_run: bool
    stores: tuple[StoreFacts, ...]
    rules: tuple[str, ...]  # the enabled ones
    bookings_decided: int  # after a booking in two lists was counted once
    decisions: Decisions
    results: tuple[ActionResult, ...]
    phases: Mapping[str, float]  # seconds by phase
    seconds: float
    browser_opened: bool
    memory_mb: float
    table_writes: int  # counted by the table itself
    failure: str = ""  # why the run as a whole failed
    doubts: tuple[InDoubtMessage, ...] = ()  # that earlier runs had left, with what became of them
    spans: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # since the start
    calls: Mapping[str, Mapping[str, float]] = field(default_factory=dict)  # count, wall, summed
    allocated_mb: float | None = None
    thresholds: Mapping[str, float] = field(default_factory=dict)
    crosscheck: CrossCheck | None = None  # of what was sent, with the table and SENS's log
