"""What one process simulates, and what it counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.domain.stores import load_stores
from trials.year.lives import LEADS

ROOT = Path(__file__).resolve().parents[2]
BEGIN = datetime(2026, 1, 5, tzinfo=SEOUL)
ALL_STORES = tuple(load_stores(ROOT / "deployments" / "stores.yaml"))
A_DAY = 30.5  # bookings of one store


@dataclass(frozen=True)
class Task:
    """What one process simulates."""

    seed: int
    days: int
    store_ids: tuple[str, ...]
    factor: float = 1.0  # how many times as many troubles as in a year
    stray: float = 0.0004  # share of single calls that fail outside any outage
    a_day: float = A_DAY
    leads: tuple[int, ...] = LEADS
    whole: bool = True  # now and then everything is read, through the real gates
    without: frozenset[str] = frozenset()  # kinds of trouble that are left out: troubles.KINDS
    played: int = 0  # only so many of the days; 0: all


@dataclass
class Tally:
    """What one half has counted."""

    bookings: int = 0
    runs: int = 0
    messages: int = 0
    outages: int = 0
    kills: int = 0
    freezes: int = 0
    overlaps: int = 0
    moves: int = 0
    cancellations: int = 0
    adopted: int = 0
    freed: int = 0
    waited: int = 0
    complete_readings: int = 0
    unbalanced: int = 0
    foreseen: int = 0  # messages that a forecast named
    foreseen_right: int = 0
    foreseen_wrong: int = 0  # misses that nothing explains: the forecast was wrong


def halves(seed: int, days: int, processes: int, **more: Any) -> Sequence[Task]:
    """Share the stores out to processes."""
    return [Task(seed, days, ALL_STORES[part::processes], **more) for part in range(processes)]
