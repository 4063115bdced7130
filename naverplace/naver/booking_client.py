"""Reads all bookings of a store, counted and paged (L5-L8; outside-services: Naver API query)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

import requests

from naverplace.base.clock import SEOUL, Clock
from naverplace.base.errors import BadResponse, ServiceUnavailable, SessionExpired
from naverplace.base.http import get_with_retry
from naverplace.naver import booking_api
from naverplace.naver.booking_api import Window
from naverplace.naver.session import NaverSession
from naverplace.settings.schema import NaverSettings

log = logging.getLogger(__name__)

Raw = dict[str, Any]
T = TypeVar("T")
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True)
class Listing:
    """All bookings of one store and status, each once."""

    raws: tuple[Raw, ...] = field(repr=False)
    expected: int  # what Naver counted
    pages: int  # requests for pages, also of readings that did not add up
    duplicates_dropped: int


def completed_window(now: datetime, days: int) -> Window:
    """Tell the visit times of which completed bookings are read.

    It goes from the start of the day `days` days ago, in Seoul, to the end of today. The legacy
    stamped local times as UTC, nine hours off (L8).
    """
    today = now.astimezone(SEOUL).replace(hour=0, minute=0, second=0, microsecond=0)
    return Window(today - timedelta(days=days), today + timedelta(days=1) - MILLISECOND)


def split_window(window: Window, *, days: int) -> list[Window]:
    """Split a range into ranges of at most `days` days, without gap or overlap.

    Naver counts in milliseconds and includes both ends, so the next range starts one after.
    """
    start, last = _cut(window.start), _cut(window.end)
    if last < start:
        raise ValueError("a window must not end before it starts")
    parts = []
    while start <= last:
        end = min(start + timedelta(days=days) - MILLISECOND, last)
        parts.append(Window(start, end))
        start = end + MILLISECOND
    return parts


def _cut(moment: datetime) -> datetime:
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class BookingClient:
    """One thread's reader of the booking API."""

    def __init__(self, session: NaverSession, settings: NaverSettings, clock: Clock) -> None:
        self.session, self.settings, self.clock = session, settings, clock
        self._snapshot = session.snapshot()
        self._asked = False

    def count(self, store_id: str, status: str, window: Window | None = None) -> int:
        """Count a store's bookings of one status, by visit time if there is a window."""
        return sum(self._count(store_id, status, part) for part in self._parts(window))

    def bookings(self, store_id: str, status: str, window: Window | None = None) -> Listing:
        """Read all of a store's bookings of one status, by visit time if there is a window.

        Raises SessionExpired, LoginFailed, BadResponse, Transient; also when Naver keeps counting
        more than it lists, for then somebody's booking would be missing.
        """
        readings = [self._read_with_reread(store_id, status, part) for part in self._parts(window)]
        found: dict[str, Raw] = {}
        for reading in readings:
            found |= reading.found
        return Listing(
            raws=tuple(found.values()),
            expected=sum(reading.expected for reading in readings),
            pages=sum(reading.pages for reading in readings),
            duplicates_dropped=sum(reading.received for reading in readings) - len(found),
        )

    def _parts(self, window: Window | None) -> list[Window] | list[None]:
        if window is None:
            return [None]  # confirmed bookings have no date limit (L8)
        return split_window(window, days=self.settings.max_days_per_request)

    def _read_with_reread(self, store_id: str, status: str, window: Window | None) -> _Reading:
        """Read a list again when it is shorter than its count.

        A booking that is cancelled while we turn the page moves the next ones up, and the first of
        them is on neither page.
        """
        first = self._read(store_id, status, window)
        if first.whole:
            return first
        log.warning("store %s: %s; reading again", store_id, first.sum)
        again = self._read(store_id, status, window)
        again.pages += first.pages
        if again.whole:
            return again
        raise ServiceUnavailable(
            f"{booking_api.SERVICE}: store {store_id}: {again.sum} {status} bookings, also when "
            "read again: one may be missing, so none is used"
        )

    def _read(self, store_id: str, status: str, window: Window | None) -> _Reading:
        reading = _Reading(self._count(store_id, status, window))
        while not reading.complete(self.settings.page_size):
            reading.add(self._page(store_id, status, window, page=reading.pages))
        return reading

    def _count(self, store_id: str, status: str, window: Window | None) -> int:
        base = self.settings.partner_url
        return self._ask(
            booking_api.count_url(base, store_id),
            params=self._parameters(status, window, page=0),
            headers=booking_api.count_headers(base, store_id),
            read=lambda answer: booking_api.read_count(answer, store_id),
        )

    def _page(self, store_id: str, status: str, window: Window | None, *, page: int) -> list[Raw]:
        return self._ask(
            booking_api.list_url(self.settings.partner_url, store_id),
            params=self._parameters(status, window, page=page),
            headers={},  # a list needs none (outside-services: Naver API headers)
            read=lambda answer: booking_api.read_page(answer, store_id),
        )

    def _parameters(self, status: str, window: Window | None, *, page: int) -> dict[str, str]:
        size, no_cache = self.settings.page_size, self.clock.epoch_ms()
        return booking_api.parameters(
            status, page=page, size=size, no_cache=no_cache, window=window
        )

    def _ask(
        self,
        url: str,
        *,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        read: Callable[[requests.Response], T],
    ) -> T:
        """Ask again as often as the session can be renewed, and once more when it is good.

        Raises BadResponse when a good session is refused: then it is about the store.
        """

        def ask() -> T:
            self._pause()
            answer = get_with_retry(
                self._snapshot.http,
                url,
                service=booking_api.SERVICE,
                policy=booking_api.retry_policy_of(self.settings),
                params=params,
                headers=headers,
                read=read,
            )
            self.session.absorb_cookies(self._snapshot)
            return answer

        renewed = True
        while renewed:  # ends, since the session refuses when the run's one login is spent
            try:
                return ask()
            except SessionExpired:
                renewed = self._renew()
        try:
            return ask()
        except SessionExpired as error:
            raise BadResponse(
                f"{error}; yet the session is good: does this account manage the store?"
            ) from error

    def _renew(self) -> bool:
        """Make the session good again; tell whether it was not good before."""
        before = self._snapshot.generation
        self.session.renew(before)
        self._snapshot = self.session.snapshot()
        return self._snapshot.generation != before

    def _pause(self) -> None:
        if self._asked:
            time.sleep(self.settings.pause_seconds)
        self._asked = True


@dataclass
class _Reading:
    expected: int
    pages: int = 0
    received: int = 0
    found: dict[str, Raw] = field(default_factory=dict)
    _last: int = 0  # bookings on the last page
    _new: int = 0  # of them, how many were not known yet

    def add(self, raws: Sequence[Raw]) -> None:
        before = len(self.found)
        for raw in raws:
            self.received += 1
            # Without an id it cannot be told from others: quarantine must see it all the same.
            # Of two versions the newer one counts.
            self.found[str(raw.get("bookingId") or f"no id {self.received}")] = raw
        self.pages += 1
        self._last, self._new = len(raws), len(self.found) - before

    @property
    def whole(self) -> bool:
        return len(self.found) >= self.expected

    @property
    def sum(self) -> str:
        return f"Naver counts {self.expected} and lists {len(self.found)}"

    def complete(self, size: int) -> bool:
        """Tell whether no page is left to read.

        A short page is the last one, unless some are missing still: Naver may cut pages shorter
        than we ask for. A page without anything new ends it, lest we turn pages for ever.
        """
        if self.pages == 0:
            return self.expected == 0
        return self._new == 0 or (self._last < size and self.whole)
