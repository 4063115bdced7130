"""Which intended difference a decision must show; each predicate is the law of one accepted id.

A law holds both ways: where it says that the sides differ, alike is as unexplained as unlike is
where no law says so. Otherwise a rule that was taken back would hide behind its own exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from naverplace.base.errors import Permanent
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.migration.parity.booking_view import TWO_HOURS, BookingView
from naverplace.migration.parity.values import (
    ACCEPTANCE,
    AT_ONCE,
    EXACTLY,
    EXPIRED,
    MOVED,
    NAMED,
    NATIONAL,
    NEWEST,
    PAST,
    PLAIN,
    SPELLED,
    SUBJECT,
    UNFIT,
)

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
    found = kind == "event" and view.own is None and bool(view.alike) and view.fit
    return found and view.option and not _set(view.known, kind) and view.now.hour == 20


LAWS = (
    Law(UNFIT, True, _unfit),
    Law(NEWEST, True, _newest),
    Law(PAST, True, _past),
    Law(SPELLED, True, _spelled),
    Law(EXACTLY, False, _exactly),
    Law(AT_ONCE, False, _at_once),
    Law(SPELLED, False, _spelled_event),
)
# Classes of other aspects: texts, the item afterwards, swallowed errors.
OF_OTHER_ASPECTS = (NAMED, PLAIN, SUBJECT, NATIONAL, MOVED, EXPIRED, ACCEPTANCE)
# What no comparison of decisions from one moment's inputs can show, with where it is proven.
NOT_VISIBLE = {
    "korean-time-always": "both sides are given the same moment",
    "no-event-at-night": "a replay decides at one moment; lateness comes after it",
    "unreadable-is-not-new": "a bundle holds only what could be read",
}
VISIBLE = frozenset({law.id for law in LAWS} | set(OF_OTHER_ASPECTS))


def law_for(view: BookingView, kind: str, *, legacy_sends: bool) -> str:
    """Name the accepted difference that this decision must show; '' when there must be none."""
    return next(
        (law.id for law in LAWS if law.legacy_sends == legacy_sends and law.holds(view, kind)), ""
    )


def held_back(view: BookingView, kind: str) -> str:
    """Name the class of a message that only the ledger holds back: its outcome is not proven."""
    entry = (view.known or {}).get(f"message_{kind}")
    state = entry.get("state") if isinstance(entry, Mapping) else None
    return ACCEPTANCE if state in _UNSURE else ""


class Accepted(NamedTuple):
    """One entry of accepted-differences.yaml."""

    reason: str
    legacy: tuple[str, ...]  # L-numbers
    test: str


def load_accepted(path: Path) -> dict[str, Accepted]:
    """Read the accepted differences by id. Raises Permanent: an id without law, or a wrong file.

    What the owner has taken out of the file is not accepted any more: it stays unexplained.
    """
    try:
        entries = yaml.safe_load(path.read_text("utf-8"))["differences"]
        found = {
            str(entry["id"]): Accepted(
                " ".join(entry["reason"].split()), tuple(entry["legacy"]), str(entry["test"])
            )
            for entry in entries
        }
    except (
        OSError,
        UnicodeDecodeError,
        yaml.YAMLError,
        KeyError,
        TypeError,
        AttributeError,
    ) as error:
        raise Permanent(f"{path}: no list of differences ({type(error).__name__})") from None
    for wrong in sorted(found.keys() - VISIBLE - NOT_VISIBLE.keys()):
        raise Permanent(
            f"{path}: id {wrong!r} has no law in accepted_differences.py: write one, or say in "
            "NOT_VISIBLE why none can be"
        )
    return found
