"""Which intended difference a decision must show; each predicate is the law of one accepted id.

A law holds both ways: where it says that the sides differ, alike is as unexplained as unlike is
where no law says so. Otherwise a rule that was taken back would hide behind its own exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator

from naverplace.base.errors import Permanent
from naverplace.base.yaml_validation import YamlModel, read_yaml
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.migration.parity.booking_view import TWO_HOURS, BookingView
from naverplace.migration.parity.values import AcceptedId

EVENING = 20  # o'clock: the hour of the event (L13)
_UNSURE = ("claimed", "in_doubt", "refused", "failed", "accepted", "delivered")


@dataclass(frozen=True)
class Law:
    """When the sides must differ about one message, and which of them sends it then."""

    id: str
    legacy_sends: bool
    holds: Callable[[BookingView, str], bool]


def _set(item: Mapping[str, Any] | None, kind: str) -> bool:
    return bool(item) and item.get(FLAG_OF[kind]) is True  # type: ignore[union-attr]


def _unfit(view: BookingView, _: str) -> bool:
    return not view.fit


def _newest(view: BookingView, kind: str) -> bool:
    # The legacy makes the item of an unknown one by its first list, and finds it by the second.
    return view.both and (kind != "event" or view.known is None)


def _spelled(view: BookingView, kind: str) -> bool:
    return view.own is None and kind != "event" and _set(view.known, kind) and not _anew(view)


def _anew(view: BookingView) -> bool:
    """Tell whether a guide is owed for a new time, whose window is not open yet."""
    return view.moved and view.ahead > TWO_HOURS


def _past(view: BookingView, kind: str) -> bool:
    return kind == "confirmation" and view.ahead <= timedelta()


def _at_once(view: BookingView, kind: str) -> bool:
    open_ = kind == "confirmation" and view.ahead > timedelta() and not view.both
    return open_ and view.fit and bool(view.known) and not _set(view.known, kind)


def _exactly(view: BookingView, kind: str) -> bool:
    at = kind == "guide" and view.ahead == TWO_HOURS and not view.both
    return at and view.fit and view.own is not None and not _set(view.own, kind)


def _spelled_event(view: BookingView, kind: str) -> bool:
    event = kind == "event" and view.own is None and bool(view.alike) and view.fit
    return event and view.option and not _set(view.known, kind) and view.now.hour == EVENING


def _odd_flag(view: BookingView, kind: str) -> bool:
    """For the legacy a flag that does not equal False is owed nothing (L12, L13)."""
    own = view.own
    if own is None or not view.fit or kind == "confirmation" or _set(own, kind):
        return False
    if kind == "guide":
        return _in_window(view) and not (_is_false(own, "remind_sms") and "confirm_sms" in own)
    return view.option and view.now.hour == EVENING and not _is_false(own, "option_sms")


def _unread(view: BookingView, kind: str) -> bool:
    """A row that the legacy cannot read is decided here, as far as it tells what is needed."""
    if not view.fatal or not view.fit or _set(view.known, kind):
        return False
    if kind == "event":
        return view.option and view.now.hour == EVENING and view.known is not None
    return _in_window(view) if kind == "guide" else view.ahead > timedelta() and not view.both


def _in_window(view: BookingView) -> bool:
    return timedelta() < view.ahead <= TWO_HOURS and not view.both


def _is_false(item: Mapping[str, Any], flag: str) -> bool:
    return bool(item.get(flag) == 0)  # as Python's `== False`: null and what is empty are not


def legacy_owes(view: BookingView, kind: str, moments: Sequence[datetime]) -> bool:
    """Tell whether the legacy sends this, comparing with the time at these moments (L11-L13, L29).

    Between the first and the last of several, whenever it may have.
    """
    start, own = view.legacy_start, view.own
    first, last = moments[0], moments[-1]
    if start is None:
        return False
    if kind == "event":
        open_ = _is_false(own, "option_sms") if own is not None else view.confirmed
        return view.completed and view.option and open_ and EVENING in (first.hour, last.hour)
    if own is None:  # it puts the item, and confirms at any time
        return kind == "confirmation" or (start - last <= TWO_HOURS and first < start)
    open_ = _is_false(own, "remind_sms") and "confirm_sms" in own
    open_ &= kind == "guide" or _is_false(own, "confirm_sms")
    return open_ and first < start and start - last < TWO_HOURS


def legacy_raises(view: BookingView, status: str, moments: Sequence[datetime]) -> bool:
    """Tell whether the legacy misses a flag in the item while it decides, and goes on (L17)."""
    own, start = view.own, view.legacy_start
    if own is None or start is None:
        return False
    if status == "RC08":
        return "option_sms" not in own
    near = moments[0] < start and start - moments[-1] < TWO_HOURS
    late = near and _is_false(own, "remind_sms") and "confirm_sms" not in own
    return "remind_sms" not in own or late


LAWS = (
    Law(AcceptedId.UNFIT, True, _unfit),
    Law(AcceptedId.NEWEST, True, _newest),
    Law(AcceptedId.PAST, True, _past),
    Law(AcceptedId.SPELLED, True, _spelled),
    Law(AcceptedId.EXACTLY, False, _exactly),
    Law(AcceptedId.DIED, False, _unread),
    Law(AcceptedId.AT_ONCE, False, _at_once),
    Law(AcceptedId.FLAG, False, _odd_flag),
    Law(AcceptedId.SPELLED, False, _spelled_event),
)
# What no comparison of decisions from one moment's inputs can show, with where it is proven.
NOT_VISIBLE = {
    "korean-time-always": "both sides are given the same moment",
    "no-event-at-night": "a replay decides at one moment; lateness comes after it",
    "unreadable-is-not-new": "a bundle holds only what could be read",
}


def law_for(view: BookingView, kind: str, *, legacy_sends: bool) -> str:
    """Name the accepted difference that this decision must show; '' when there must be none."""
    return next(
        (law.id for law in LAWS if law.legacy_sends == legacy_sends and law.holds(view, kind)), ""
    )


def held_back(view: BookingView, kind: str) -> str:
    """Name the class of a message that only the ledger holds back: its outcome is not proven."""
    entry = (view.known or {}).get(f"message_{kind}")
    state = entry.get("state") if isinstance(entry, Mapping) else None
    return AcceptedId.ACCEPTANCE if state in _UNSURE else ""


class Accepted(YamlModel):
    """One entry of accepted-differences.yaml."""

    id: str
    reason: Annotated[str, AfterValidator(str.strip)]
    legacy: tuple[str, ...]  # L-numbers
    test: str


class _File(YamlModel):
    differences: tuple[Accepted, ...]


def load_accepted(path: Path) -> dict[str, Accepted]:
    """Read the accepted differences by id. Raises Permanent: an id without law, or a wrong file.

    What the owner has taken out of the file is not accepted any more: it stays unexplained.
    """
    accepted = {entry.id: entry for entry in read_yaml(_File, path).differences}
    for wrong in sorted(accepted.keys() - set(AcceptedId) - NOT_VISIBLE.keys()):
        raise Permanent(
            f"{path}: id {wrong!r} has no law in accepted_differences.py: write one, or say in "
            "NOT_VISIBLE why none can be"
        )
    return accepted
