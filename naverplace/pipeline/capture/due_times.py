"""From when on a message is owed, computed alike for every side; pure.

The sides disagree on when they send; were their own moments in the key, nothing would match.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from naverplace.base.clock import SEOUL

GUIDE_BEFORE = timedelta(hours=2)
EVENING = 20


def due_of(kind: str, start: datetime, now: datetime) -> datetime:
    """Tell the due time of a booking's message by its kind, its start and the run's moment.

    guide: two hours before the start; event: 20:00 of the run's day; any other: the start.
    """
    if kind == "guide":
        return start.astimezone(SEOUL) - GUIDE_BEFORE
    if kind == "event":
        return now.astimezone(SEOUL).replace(hour=EVENING, minute=0, second=0, microsecond=0)
    return start.astimezone(SEOUL)
