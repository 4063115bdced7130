"""What stands in the items after a run, on both sides: the legacy's flags and its booking_time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

from naverplace.domain.effects import RecordKey
from naverplace.domain.message_kinds import KIND_OF_FLAG
from naverplace.migration.parity.accepted_differences import EXPIRED, MOVED, SPELLED, UNFIT
from naverplace.migration.parity.booking_view import TWO_HOURS, BookingView, cut, same_number, uncut
from naverplace.migration.parity.values import SystemOutput
from naverplace.pipeline.capture.inputs import Inputs

TIME = "booking_time"
_FORMAT = "%Y-%m-%d %H:%M:%S"


class FieldDifference(NamedTuple):
    """One field of a booking's items that the sides leave differently."""

    field: str
    legacy: Any
    new: Any
    because: str


class _View(NamedTuple):
    """A person's items after the run, taken together: a flag counts wherever it stands."""

    keys: frozenset[RecordKey]
    flags: Mapping[str, bool]
    time: str | None  # of the item that was written, else of the known one; None: no item


def keys_by_number(side: SystemOutput) -> dict[str, list[RecordKey]]:
    """Give the items that were written, by booking."""
    found: dict[str, list[RecordKey]] = {}
    for key in side.flags:
        found.setdefault(key.booking_num, []).append(key)
    return found


def item_differences(
    view: BookingView,
    inputs: Inputs,
    *,
    sides: tuple[SystemOutput, SystemOutput],
    written: tuple[list[RecordKey], list[RecordKey]],
    decided: Mapping[str, tuple[str, bool]],
) -> Iterator[FieldDifference]:
    """Compare a booking's items after the run; `decided` has the class of every kind that differs,
    and whether it is the legacy that sends.

    A flag follows its message, so it has its message's class, on the side that sends; only moves
    and expired marks write without one.
    """
    if not written[0] and not written[1] and not view.moved:
        return
    for key in sorted({*written[0], *written[1]}):
        if not _is_theirs(key, view):
            was, now = ("written" if key in keys else "-" for keys in written)
            yield FieldDifference("item of another phone", was, now, "")
    old, new = (_view(view, inputs, s, k) for s, k in zip(sides, written, strict=True))
    for flag, kind in KIND_OF_FLAG.items():
        if old.flags[flag] != new.flags[flag]:
            because, legacy_sends = decided.get(kind, ("", False))
            if legacy_sends != old.flags[flag]:
                because = ""
            because = because or _of_move(view, flag, old, new) or _of_unfit(view, old, new)
            yield FieldDifference(flag, old.flags[flag], new.flags[flag], because)
    if old.time is None and new.time is not None:
        marked = view.fit and view.ahead <= timedelta() and not any(new.flags.values())
        yield FieldDifference("item", "none", "made", EXPIRED if marked else "")
    elif old.time is not None and new.time is None and not any(why for why, _ in decided.values()):
        yield FieldDifference("item", "made", "none", _of_unfit(view, old, new))
    elif old.time and new.time and _moves(view):
        wanted = f"{view.start:{_FORMAT}}"
        right = new.time == wanted
        if old.time != new.time or not right:
            yield FieldDifference(TIME, old.time, new.time, MOVED if right else "")
    elif old.time and new.time and old.time != new.time:
        yield FieldDifference(TIME, old.time, new.time, "")
    if old.keys and new.keys and old.keys != new.keys:
        yield FieldDifference(
            "phone", "as it is written now", "as it was known", _of_key(view, old, new)
        )


def _view(view: BookingView, inputs: Inputs, side: SystemOutput, written: list[RecordKey]) -> _View:
    mine = {key for key in written if _is_theirs(key, view)}
    items = [side.flags[key] for key in sorted(mine)]
    before = [item for item in (view.own, *view.alike) if item and _key(item) not in mine]
    flags = {flag: any(i.get(flag) is True for i in (*items, *before)) for flag in KIND_OF_FLAG}
    shown = items[0] if items else view.known
    return _View(frozenset(mine), flags, str(shown.get(TIME)) if shown else None)


def _is_theirs(key: RecordKey, view: BookingView) -> bool:
    return key.phone == cut(view.phone) or same_number(uncut(key.phone), view.phone)


def _moves(view: BookingView) -> bool:
    """Tell whether the item must be brought to the new start: who is fit, and known."""
    return view.fit and view.moved


def _of_move(view: BookingView, flag: str, old: _View, new: _View) -> str:
    """A guide is owed anew for a new time whose window was not open yet."""
    anew = flag == "remind_sms" and _moves(view) and view.ahead > TWO_HOURS
    return MOVED if anew and old.flags[flag] and not new.flags[flag] else ""


def _of_unfit(view: BookingView, old: _View, new: _View) -> str:
    """SENS refuses what cannot be a number, yet the legacy has noted it as sent (L14)."""
    return UNFIT if not view.fit and old.keys and not new.keys else ""


def _of_key(view: BookingView, old: _View, new: _View) -> str:
    one_person = view.own is None and bool(view.alike)
    known = {_key(item) for item in view.alike}
    return SPELLED if one_person and new.keys <= known and len(old.keys) == 1 else ""


def _key(item: Mapping[str, Any]) -> RecordKey:
    return RecordKey(str(item.get("booking_num")), str(item.get("phone")))
