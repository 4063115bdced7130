"""What the booking API is asked (outside-services: Naver API query, Naver API times)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.naver_switches import BookingSwitches

Raw = Mapping[str, Any]
SEOUL = ZoneInfo("Asia/Seoul")
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
STATUS = re.compile(r"RC0[1-8]")
CHOICES = {
    "bizItemTypes": ("", "STANDARD"),
    "dateDropdownType": ("", "ENTIRE", "MONTH", "CUSTOM", "DIRECT", "TODAY"),
    "dateFilter": ("", "USEDATE", "REGDATE"),
    "orderBy": ("",),
    "orderByStartDate": ("", "ASC", "DESC"),
    "searchValueCode": ("", "USER_NAME"),
}


class Unprocessable(Exception):
    """The query breaks a rule; the API answers 422."""


@dataclass(frozen=True)
class Query:
    """One understood query; count and list share it, so they always mean the same bookings."""

    item_types: tuple[str, ...]
    statuses: tuple[str, ...]
    paid_statuses: tuple[str, ...]
    by_registration: bool
    since: datetime | None
    until: datetime | None
    order: str
    search: str
    page: int
    size: int

    def select(self, bookings: Sequence[Raw]) -> list[Raw]:
        """List all bookings it means, ordered, before paging."""
        chosen = [raw for raw in bookings if self._means(raw)]
        if self.order:
            chosen.sort(key=lambda raw: used_at(raw) or FAR, reverse=self.order == "DESC")
        return chosen

    def cut(self, bookings: Sequence[Raw]) -> list[Raw]:
        """Cut its page out of the selected bookings; empty past the end."""
        first = self.page * self.size
        return list(bookings[first : first + self.size])

    def _means(self, raw: Raw) -> bool:
        if self.item_types and raw.get("bizItemType") not in self.item_types:
            return False
        if self.statuses and raw.get("bookingStatusCode") not in self.statuses:
            return False
        if self.paid_statuses and raw.get("nPayChargedStatusCode") not in self.paid_statuses:
            return False
        if self.search and self.search not in str(raw.get("name", "")):
            return False
        at = registered_at(raw) if self.by_registration else used_at(raw)
        if at is None:  # broken data cannot be outside a range
            return True
        return (self.since or at) <= at <= (self.until or at)


FAR = datetime(9999, 1, 1, tzinfo=UTC)


def parse_query(args: Mapping[str, str], switches: BookingSwitches) -> Query:
    """Parse the parameters. Raises Unprocessable with the parameter that is wrong."""
    for name, allowed in CHOICES.items():
        if args.get(name, "") not in allowed:
            raise Unprocessable(f"{name}: must be one of {', '.join(filter(None, allowed))}")
    statuses = _words(args.get("bookingStatusCodes", ""))
    for status in statuses:
        if not STATUS.fullmatch(status):
            raise Unprocessable(f"bookingStatusCodes: unknown code {status}")
    since, until = _moment(args, "startDateTime"), _moment(args, "endDateTime")
    _check_range(since, until, switches)
    size = _number(args, "size", 20)
    if not 1 <= size <= switches.max_size:
        raise Unprocessable(f"size: must be between 1 and {switches.max_size}")
    _number(args, "maxDays", 31)
    return Query(
        item_types=_words(args.get("bizItemTypes", "")),
        statuses=statuses,
        paid_statuses=_words(args.get("nPayChargedStatusCodes", "")),
        by_registration=args.get("dateFilter") == "REGDATE",
        since=since,
        until=until,
        order=args.get("orderByStartDate", ""),
        search=args.get("searchValue", ""),
        page=_number(args, "page", 0),
        size=min(size, switches.clamp_size or size),
    )


def used_at(raw: Raw) -> datetime | None:
    """Tell when the visit starts; None when the booking's own data is broken."""
    snapshot = raw.get("snapshotJson") or {}
    return _aware(snapshot.get("startDateTime")) or _aware(raw.get("startDate"))


def registered_at(raw: Raw) -> datetime | None:
    """Tell when the booking was made."""
    return _aware(raw.get("regDateTime"))


def _aware(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=SEOUL)


def _words(value: str) -> tuple[str, ...]:
    return tuple(filter(None, value.split(",")))


def _number(args: Mapping[str, str], name: str, default: int) -> int:
    value = args.get(name) or str(default)
    if not value.isascii() or not value.isdigit():
        raise Unprocessable(f"{name}: must be a number from 0")
    return int(value)


def _moment(args: Mapping[str, str], name: str) -> datetime | None:
    value = args.get(name, "")
    if not value:
        return None
    if not TIMESTAMP.fullmatch(value):
        raise Unprocessable(f"{name}: must be a UTC time like 2025-10-29T15:00:00.000Z")
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise Unprocessable(f"{name}: no such time") from error


def _check_range(since: datetime | None, until: datetime | None, switches: BookingSwitches) -> None:
    if since is None or until is None:
        return
    if since > until:
        raise Unprocessable("startDateTime: must not be after endDateTime")
    limit = switches.max_range_days
    if limit is not None and until - since > timedelta(days=limit):
        raise Unprocessable(f"endDateTime: the range is longer than {limit} days")
