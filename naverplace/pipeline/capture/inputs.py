"""What one run decided from, as values that can be kept and decided again; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from naverplace.base.clock import SEOUL, parse_time
from naverplace.base.errors import Permanent
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
    rules_version: str = ""  # of the rulebook that decided
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


def to_json(inputs: Inputs) -> dict[str, Any]:
    """Turn inputs into values that `dumps` can write; items as rows of key and values."""
    items = [[*key, dict(item)] for key, item in sorted(inputs.items.items())]
    return {**vars(inputs), "items": items}


def from_json(form: object) -> Inputs:
    """Read inputs back. Raises Permanent, without quoting any of it."""
    try:
        assert isinstance(form, Mapping)  # noqa: S101 - caught below
        return Inputs(
            run_id=str(form["run_id"]),
            now=aware(form["now"]),
            store_ids=tuple(form["store_ids"]),
            confirmed=list(form["confirmed"]),
            completed=list(form["completed"]),
            items={RecordKey(number, phone): item for number, phone, item in form["items"]},
            rules_version=str(form.get("rules_version", "")),
            settings_version=str(form.get("settings_version", "")),
        )
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise Permanent(f"these are no inputs of a run ({type(error).__name__})") from None


def aware(text: object) -> datetime:
    """Read a time with its zone. Raises ValueError."""
    if (read := parse_time(text)) is None:
        raise ValueError("no time with a zone")
    return read


def dumps(form: Any) -> str:
    """Write one line of JSON, alike for alike values; decimals as numbers, times in ISO 8601.

    Raises TypeError for what JSON does not know.
    """
    text = json.dumps(form, ensure_ascii=False, separators=(",", ":"), default=_plain)
    if text.isprintable():  # half an emoji is not, and has no bytes in UTF-8
        return text
    return json.dumps(form, separators=(",", ":"), default=_plain)


def _plain(value: object) -> int | float | str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")
