"""What one run decided from, as values that can be kept and decided again; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from naverplace.base.clock import SEOUL
from naverplace.domain.effects import RecordKey, store_of_booking

GUIDE_BEFORE = timedelta(hours=2)
EVENING = 20


class DecisionKey(NamedTuple):
    """What decisions are matched by, never by position: a message of a booking, for when."""

    booking_num: str  # "{businessId}_{bookingId}"
    kind: str  # confirmation | guide | event | any word a rule names with `once`
    due: datetime  # aware; from when on it is owed, computed alike for both sides

    @property
    def store_id(self) -> str:
        """Give Naver's id of the booking's store."""
        return store_of_booking(self.booking_num)


@dataclass(frozen=True)
class Inputs:
    """What one run decides from: enough to decide again, on either side, with the same outcome."""

    run_id: str
    now: datetime  # aware, Asia/Seoul
    store_ids: tuple[str, ...]
    confirmed: Sequence[Mapping[str, Any]] = field(repr=False)  # RC03, raw, in the order read
    completed: Sequence[Mapping[str, Any]] = field(repr=False)  # RC08
    items: Mapping[RecordKey, Mapping[str, Any]] = field(repr=False)  # table `sms`, plain values
    rules_version: str = ""  # a hash of every file below rules_dir
    settings_version: str = ""  # a hash of every setting that is no secret


def due_of(kind: str, start: datetime, now: datetime) -> datetime:
    """Tell the due time of a booking's message by its kind, its start and the run's moment.

    Alike for both sides: they disagree on when they send, and would match nothing by that.

    guide: two hours before the start; event: 20:00 of the run's day; any other: the start.
    """
    if kind == "guide":
        return start.astimezone(SEOUL) - GUIDE_BEFORE
    if kind == "event":
        return now.astimezone(SEOUL).replace(hour=EVENING, minute=0, second=0, microsecond=0)
    return start.astimezone(SEOUL)
