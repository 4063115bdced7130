"""One booking as the comparison sees it, read from the inputs alone: no code shared with the rules.

A wrong reading in frames, identity or engine must not be made here as well, or nobody would see it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.domain.message_kinds import FLAGS
from naverplace.migration.legacy_rows import fatal_reason
from naverplace.pipeline.capture.inputs import DecisionKey, Inputs, due_of

TWO_HOURS = timedelta(hours=2)
WORDS = ("네이버", "인스타", "원본")  # L10
YEARS = timedelta(days=400)  # a start further away is implausible on both sides of now
TIME_FORMAT = "%Y-%m-%d %H:%M:%S"
# Mobile and safe numbers (outside-services: Korean phone numbers).
_REACHABLE = re.compile(r"010\d{8}|01[16789]\d{7,8}|050[2-8]\d{7,8}")
_UTC = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_FOREIGN = re.compile(r"[^\d\s().+-]")

Item = Mapping[str, Any]


@dataclass(frozen=True)
class BookingView:
    """One booking, both lists, and every item of its number."""

    number: str  # "{businessId}_{bookingId}"
    store_id: str
    name: str = field(repr=False)
    phone: str = field(repr=False)  # as Naver gives it
    digits: str | None = field(repr=False)  # national; None: no message can reach it
    start: datetime | None  # aware, Seoul, cut to the minute; None: unreadable
    legacy_start: datetime | None  # as the legacy reads it, its year in two digits (L10)
    fatal: bool  # its row ends the legacy's run (L27)
    ends_well: bool
    confirmed: bool
    completed: bool
    option: bool
    own: Item | None = field(repr=False)  # under the very key that the legacy asks for
    alike: tuple[Item, ...] = field(repr=False)  # the same phone in another spelling
    now: datetime

    @property
    def fit(self) -> bool:
        """Tell whether a message may be sent for it at all."""
        near = self.start is not None and abs(self.start - self.now) <= YEARS
        near &= self.number.replace("_", "").isdigit()  # without an id it says None
        return near and self.ends_well and self.digits is not None

    @property
    def both(self) -> bool:
        """Tell whether it stands in both lists: it completed while they were read."""
        return self.confirmed and self.completed

    @property
    def known(self) -> Item | None:
        """Give the item that is this person's, however the phone is written."""
        return self.own or max(self.alike, key=_told, default=None)

    @property
    def moved(self) -> bool:
        """Tell whether the item has another start than Naver tells."""
        known = self.known
        return bool(known and self.start and _recorded(known) not in (None, self.start))

    @property
    def ahead(self) -> timedelta:
        """Give the time until the start; far below zero when nobody can read it."""
        return self.start - self.now if self.start else -YEARS

    def key(self, kind: str) -> DecisionKey:
        """Name a decision about it; what has no readable start is due at the run's moment."""
        return DecisionKey(self.number, kind, due_of(kind, self.start or self.now, self.now))

    def kinds(self) -> tuple[str, ...]:
        """Name the kinds of messages that are decided for it."""
        early = ("confirmation", "guide") if self.confirmed else ()
        return (*early, "event") if self.completed else early


def booking_views(inputs: Inputs) -> dict[str, BookingView]:
    """Read every booking of a run by its number; of one that stands twice the completed one."""
    items: dict[str, list[tuple[str, Item]]] = {}
    for (number, phone), item in inputs.items.items():
        items.setdefault(number, []).append((phone, item))
    early = {number_of(raw): raw for raw in reversed(inputs.confirmed)}
    late = {number_of(raw): raw for raw in reversed(inputs.completed)}
    fatal = {number_of(r) for r in (*inputs.confirmed, *inputs.completed) if fatal_reason(r)}
    views = {}
    for number in dict.fromkeys((*map(number_of, inputs.confirmed), *late)):
        raw = late.get(number) or early[number]
        phone = str(raw.get("phone") or "")
        end, start, key = _utc(raw, "endDateTime"), start_of(raw), cut(phone)
        known = items.get(number, [])
        views[number] = BookingView(
            number=number,
            store_id=str(raw.get("businessId")),
            name=str(raw.get("name") or ""),
            phone=phone,
            digits=national(phone),
            start=start,
            legacy_start=_folded(raw),
            fatal=number in fatal,
            ends_well=not (start and end) or end.replace(second=0) > start,
            confirmed=number in early,
            completed=number in late,
            option=_has_option(raw),
            own=next((item for p, item in known if p == key), None),
            alike=tuple(item for p, item in known if p != key and same_number(uncut(p), phone)),
            now=inputs.now.astimezone(SEOUL),
        )
    return views


def number_of(raw: Mapping[str, Any]) -> str:
    """Name a raw booking as both systems do (L10)."""
    return f"{raw.get('businessId')}_{raw.get('bookingId')}"


def starts_of(inputs: Inputs) -> dict[str, datetime]:
    """Give every booking's start as its view has it; the run's moment where nobody can read it."""
    lists = (*reversed(inputs.confirmed), *reversed(inputs.completed))
    return {number_of(raw): start_of(raw) or inputs.now for raw in lists}


def start_of(raw: Mapping[str, Any]) -> datetime | None:
    """Read the start in Korean time, cut to the minute (L10)."""
    start = _utc(raw, "startDateTime")
    return start.replace(second=0) if start else None


def same_number(phone: str, other: str) -> bool:
    """Tell whether two spellings are one number."""
    return bool(digits := national(phone)) and digits == national(other)


def national(phone: object) -> str | None:
    """Write a number in national digits; None when no text message can reach it."""
    text = str(phone or "")
    digits = "".join(sign for sign in text if sign in "0123456789")
    digits = digits.removeprefix("00") if digits.startswith("0082") else digits
    if digits.startswith("82"):
        digits = "0" + digits[2:].lstrip("0")
    return None if _FOREIGN.search(text) or not _REACHABLE.fullmatch(digits) else digits


def cut(phone: str) -> str:
    """Cut a phone in three, whatever its length (L10)."""
    return f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"


def uncut(key: str) -> str:
    """Take out the two hyphens that the legacy has put in (L10)."""
    return key[:3] + key[4:8] + key[9:]


def _utc(raw: Mapping[str, Any], name: str) -> datetime | None:
    try:
        text = raw["snapshotJson"][name]
        read = datetime.fromisoformat(text) if _UTC.fullmatch(text) else None
        return read and read.astimezone(SEOUL).replace(microsecond=0)
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _folded(raw: Mapping[str, Any]) -> datetime | None:
    if fatal_reason(raw):
        return None
    read = datetime.strptime(raw["snapshotJson"]["startDateTime"], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007
    local = read + timedelta(hours=9)
    year = local.year % 100
    return local.replace(year=year + (1900 if year > 68 else 2000), second=0, tzinfo=SEOUL)


def _has_option(raw: Mapping[str, Any]) -> bool:
    snapshot = raw.get("snapshotJson")
    listed = (snapshot if isinstance(snapshot, Mapping) else {}).get("bookingOptionJson")
    options = listed or raw.get("bookingOptionJson") or ()
    named = [o for o in options if isinstance(o, Mapping)] if isinstance(options, list) else []
    return any(word in str(option.get("name")) for option in named for word in WORDS)


def _told(item: Item) -> tuple[int, str]:
    entries = sum(name.startswith("message_") for name in item)
    flags = sum(item.get(flag) is True for flag in FLAGS)
    return flags + entries, str(item.get("phone"))


def _recorded(item: Item) -> datetime | None:
    try:
        read = datetime.strptime(str(item.get("booking_time")), TIME_FORMAT)  # noqa: DTZ007
    except ValueError:
        return None
    return read.replace(tzinfo=SEOUL, second=0)
