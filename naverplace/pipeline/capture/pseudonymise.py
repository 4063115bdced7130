"""What of a booking and of an item may stand in a bundle, under pseudonyms; pure.

Only what the tables at the end of this file list gets in, so whatever Naver adds to its answers
stays out by itself. Fields of fields.yaml get in when they are not personal and their path is plain
names with dots.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from naverplace.domain.effects import RecordKey
from naverplace.domain.extra_fields import Field
from naverplace.domain.message_kinds import FLAGS
from naverplace.domain.records import PREFIX, reserved_since
from naverplace.pipeline.capture.inputs import Inputs
from naverplace.pipeline.capture.pseudonyms import Pseudonyms

Allowed = Mapping[str, Callable[[Any], Any]]  # what may be kept, and in which form
UNKNOWN = "?"  # for what was there and may not be told: it stays there, and stays unreadable
_PLAIN_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_PERSONAL = re.compile(r"(?i)(^|\.)(name|phone|email|user|userId|ip|\w*(address|form|request)\w*)$")
_WORD = re.compile(r"[A-Za-z0-9_]{1,32}")
_NUMBER = re.compile(r"[0-9]{1,18}")
_PHONE, _MAIL = re.compile(r"\d(?:[\s().-]*\d){8,}"), re.compile(r"\S+@\S+")


def pseudonymise(inputs: Inputs, names: Pseudonyms, fields: Sequence[Field] = ()) -> Inputs:
    """Keep of a run's inputs what decides, with nobody to be recognised in it."""
    return replace(
        inputs,
        confirmed=[booking(raw, names, fields) for raw in inputs.confirmed],
        completed=[booking(raw, names, fields) for raw in inputs.completed],
        items=dict(item(key, values, names) for key, values in inputs.items.items()),
    )


def booking(raw: object, names: Pseudonyms, fields: Sequence[Field] = ()) -> dict[str, Any]:
    """Keep one booking of Naver's; a value of the wrong kind stays wrong, and says nothing."""
    if not isinstance(raw, Mapping):
        return {}
    people: Allowed = {
        "name": lambda value: _changed(value, names.name),
        "phone": lambda value: _changed(value, names.phone),
    }
    kept = _kept(raw, {**BOOKING, **people})
    for field in fields:
        if not field.personal and _PLAIN_PATH.fullmatch(field.path):
            _copy(raw, kept, field.path)
    return kept


def item(
    key: RecordKey, values: Mapping[str, Any], names: Pseudonyms
) -> tuple[RecordKey, dict[str, Any]]:
    """Keep one item of table `sms`: keys, flags, times and where its messages stand."""
    key = RecordKey(key.booking_num, names.key_phone(key.phone))
    people: Allowed = {
        "booking_num": lambda _: key.booking_num,
        "phone": lambda _: key.phone,
        "name": lambda value: _changed(value, names.name),
    }
    kept = _kept(values, {**ITEM, **people})
    for name, value in values.items():
        if name.startswith(PREFIX) and _WORD.fullmatch(name):
            kept[name] = _kept(value, MESSAGE) if isinstance(value, Mapping) else UNKNOWN
    return key, kept


def plain_text(value: Any) -> Any:
    """Take phones and mail addresses out of a shop's text; other values stay as they are."""
    if not isinstance(value, str):
        return value
    return _PHONE.sub(lambda found: re.sub(r"\d", "0", found.group()), _MAIL.sub(UNKNOWN, value))


def _kept(values: Mapping[str, Any], allowed: Allowed) -> dict[str, Any]:
    return {key: change(values[key]) for key, change in allowed.items() if key in values}


def _snapshot(value: object) -> Any:
    if isinstance(value, Mapping):
        return _kept(value, SNAPSHOT)
    return UNKNOWN if value else value


def _options(value: object) -> Any:
    if not isinstance(value, list):
        return UNKNOWN if value else value
    return [_kept(row, OPTION) if isinstance(row, Mapping) else UNKNOWN for row in value]


def _changed(value: object, change: Any) -> Any:
    """Change a text, or a number that stands in for one; nothing else can be a name or phone."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int("".join(re.findall(r"\d", change(str(value)))) or 0)
    return {} if isinstance(value, Mapping) else [] if value else None


def _identifier(value: object) -> Any:
    if isinstance(value, int) or (isinstance(value, str) and _NUMBER.fullmatch(value.strip())):
        return value
    return UNKNOWN if value else value


def _word(value: object) -> Any:
    return value if isinstance(value, str) and _WORD.fullmatch(value) else UNKNOWN


def _time(value: object) -> Any:
    """Keep what is a time or nothing; anything else would be free text."""
    if value is None or value == "":
        return value
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return UNKNOWN
    return value if isinstance(value, str) else UNKNOWN


def _flag(value: object) -> Any:
    # A reserved flag is the number 1, which is not True for us and is true for the legacy.
    return value if not value or _is_number(value) else UNKNOWN


def _is_number(value: object) -> bool:
    return value is None or (hasattr(value, "__int__") and not isinstance(value, str))


def _number(value: object) -> Any:
    return value if _is_number(value) else UNKNOWN


def _copy(raw: Mapping[str, Any], kept: dict[str, Any], path: str) -> None:
    """Copy one declared value to its place, unless its name says that it is about a person."""
    *above, last = path.split(".")
    source: Any = raw
    for name in above:
        source = source.get(name) if isinstance(source, Mapping) else None
    if not isinstance(source, Mapping) or last not in source or _PERSONAL.search(path):
        return
    value = source[last]
    if isinstance(value, Mapping | list):
        return
    place = kept
    for name in above:
        below = place.setdefault(name, {})
        if not isinstance(below, dict):
            return
        place = below
    place.setdefault(last, plain_text(value))


OPTION: Allowed = {
    "name": lambda value: plain_text(value) if isinstance(value, str) else None,
    **dict.fromkeys(("bookingCount", "price"), _number),
}
SNAPSHOT: Allowed = {"startDateTime": _time, "endDateTime": _time, "bookingOptionJson": _options}
BOOKING: Allowed = {
    "bookingId": _identifier,
    "businessId": _identifier,
    "bookingStatusCode": _word,
    "regDateTime": _time,
    "confirmedDateTime": _time,
    "completedDateTime": _time,
    "cancelledDateTime": _time,
    "snapshotJson": _snapshot,
    "bookingOptionJson": _options,
}
ITEM: Allowed = {
    **dict.fromkeys(("booking_time", "option_time"), _time),
    **dict.fromkeys(FLAGS, _flag),
    **dict.fromkeys(map(reserved_since, FLAGS), _time),
}
MESSAGE: Allowed = {  # where one message of an item stands
    **dict.fromkeys(("state", "token"), _word),
    **dict.fromkeys(("attempt", "refusals", "epoch"), _number),
    **dict.fromkeys(("claimed_at", "settled_at", "due", "expires", "for_start"), _time),
}
