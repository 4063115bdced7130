"""Bookings with a past: the modelled legacy ran before, and left the table as it stands."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from legacy.model import decide
from legacy.settings import invented_texts
from sandbox.naver import lifecycle
from sandbox.naver.bookings import SEOUL

TEXTS = invented_texts("0310000000")
Item = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True)
class Life:
    """One booking: how Naver shows it now, and when it was made."""

    raw: dict[str, Any]
    start: datetime
    made: datetime

    def at(self, moment: datetime) -> dict[str, Any] | None:
        """Show it as Naver did then; None: nobody had made it yet."""
        if moment < self.made:
            return None
        shown = deepcopy(self.raw)
        ends = lifecycle.ends_at(shown)
        if shown["bookingStatusCode"] == "RC08" and ends and moment < ends:
            shown["bookingStatusCode"] = "RC03"
        return shown


def lived(lives: Iterable[Life], now: datetime, rng: random.Random) -> dict[Key, Item]:
    """Let the legacy run as it did before `now`, and return the table that it left."""
    items: dict[Key, Item] = {}
    lives = list(lives)
    for moment in _moments(now, rng):
        shown = [raw for life in lives if (raw := life.at(moment))]
        outcome = decide(
            _of(shown, "RC03"),
            _of(shown, "RC08"),
            items,
            now=_standing(moment),
            texts=TEXTS,
        )
        items = {key: dict(item) for key, item in outcome.items.items()}
    return items


def _moments(now: datetime, rng: random.Random) -> list[datetime]:
    """List when the legacy ran: yesterday, this day, and 20 minutes ago or before an outage."""
    last = now - timedelta(minutes=rng.choice((20, 20, 40, 150)))
    evening = (now - timedelta(days=1)).replace(hour=20, minute=20)
    return sorted({evening, now - timedelta(hours=5), now - timedelta(hours=3), last})


def _standing(moment: datetime) -> Callable[[], datetime]:
    local = moment.astimezone(SEOUL).replace(tzinfo=None)
    return lambda: local


def _of(shown: Sequence[dict[str, Any]], status: str) -> list[dict[str, Any]]:
    return [raw for raw in shown if raw["bookingStatusCode"] == status]
