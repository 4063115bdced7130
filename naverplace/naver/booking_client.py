"""Reads all bookings of a store, page by page (L5-L8; outside-services: Naver API query)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import requests

from naverplace.base.clock import SEOUL, Clock
from naverplace.base.errors import BadResponse, ServiceUnavailable, SessionExpired
from naverplace.base.http import get_with_retry
from naverplace.base.threads import call_at_once
from naverplace.domain.booking import BookingStatus
from naverplace.naver import booking_api
from naverplace.naver.booking_api import Window
from naverplace.naver.request_slots import RequestSlots
from naverplace.naver.session import NaverSession
from naverplace.settings.schema import NaverSettings

log = logging.getLogger(__name__)

Raw = dict[str, Any]
T = TypeVar("T")
MILLISECOND = timedelta(milliseconds=1)
MOST_PAGES, MOST_BOOKINGS = 1000, 10_000  # of one list: more would fill the memory


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
    """Reads stores by the booking API; threads may share it, and the slots are the run's."""

    def __init__(
        self,
        session: NaverSession,
        settings: NaverSettings,
        clock: Clock,
        slots: RequestSlots | None = None,
    ) -> None:
        self.session, self.settings, self.clock = session, settings, clock
        self.slots = slots or RequestSlots(settings.parallel, settings.pause_seconds)

    def count(self, store_id: str, status: str, window: Window | None = None) -> int:
        """Count a store's bookings of one status, by visit time if there is a window."""
        return sum(self._count(store_id, status, part) for part in self._parts(window))

    def bookings(self, store_id: str, status: str, window: Window | None = None) -> tuple[Raw, ...]:
        """Read all of a store's bookings of one status, each once; by visit time with a window.

        Raises SessionExpired, LoginFailed, BadResponse, Transient; also when Naver keeps counting
        more than it lists, for then somebody's booking would be missing.
        """
        parts = [partial(self._read, store_id, status, part) for part in self._parts(window)]
        found: dict[str, Raw] = {}
        for reading in call_at_once(parts, parallel=self.slots.parallel):
            found |= reading.found
        return tuple(found.values())

    def confirmed_and_completed(
        self, store_id: str, window: Window
    ) -> tuple[tuple[Raw, ...], tuple[Raw, ...]]:
        """Read both lists of a store at the same time. Raises as `bookings` does."""
        lists = [
            partial(self.bookings, store_id, BookingStatus.CONFIRMED),
            partial(self.bookings, store_id, BookingStatus.COMPLETED, window),
        ]
        confirmed, completed = call_at_once(lists, parallel=self.slots.parallel)
        return confirmed, completed

    def _parts(self, window: Window | None) -> list[Window] | list[None]:
        if window is None:
            return [None]  # confirmed bookings have no date limit (L8)
        return split_window(window, days=self.settings.max_days_per_request)

    def _read(self, store_id: str, status: str, window: Window | None) -> _Reading:
        """Read a list, by its first page alone where that is known to be all of it."""
        first = self._page(store_id, status, window, page=0, first_look=True)
        if self._is_whole(first, window):
            return _Reading.of(first)
        count = self._count(store_id, status, window)
        if count <= len(first) < self.settings.page_size:
            return _Reading.of(first)
        # Counted before its first page is read: a booking that is cancelled while we turn the page
        # moves the next ones up, and the first of them is on neither page.
        reading = self._read_counted(store_id, status, window, count, len(first))
        if reading.whole:
            return reading
        log.warning("store %s: %s; reading again", store_id, reading.sum)
        count = self._count(store_id, status, window)
        reading = self._read_counted(store_id, status, window, count, len(first))
        if reading.whole:
            return reading
        raise ServiceUnavailable(
            f"{booking_api.SERVICE}: store {store_id}: {reading.sum} {status} bookings, also when "
            "read again: one may be missing, so none is used"
        )

    def _is_whole(self, first: Sequence[Raw], window: Window | None) -> bool:
        """Tell whether a first page tells as much as the count would.

        Naver may cut pages shorter than we ask for, but not one that is shorter than another. Of
        all confirmed bookings none may be wrong: believing it would withhold every guide.
        """
        if not first:
            return window is not None
        if len(first) < self.slots.longest_page:
            return True
        self.slots.longest_page = len(first)
        return False

    def _read_counted(
        self, store_id: str, status: str, window: Window | None, count: int, page_length: int
    ) -> _Reading:
        """Read as many pages as the count says at once, and more while they bring anything new."""
        reading, size = _Reading(count), self.settings.page_size
        while not reading.complete(size):
            if reading.pages >= MOST_PAGES or reading.received >= MOST_BOOKINGS:
                raise BadResponse(
                    f"{booking_api.SERVICE}: store {store_id}: its list does not end after "
                    f"{reading.pages} pages with {reading.received} bookings"
                )
            missing = -(-count // (page_length or size)) - reading.pages
            pages = range(reading.pages, reading.pages + max(1, min(missing, self.slots.parallel)))
            asked = [partial(self._page, store_id, status, window, page=page) for page in pages]
            for raws in call_at_once(asked, parallel=self.slots.parallel):
                reading.add(raws)
        return reading

    def _count(self, store_id: str, status: str, window: Window | None) -> int:
        base = self.settings.partner_url
        return self._ask(
            booking_api.count_url(base, store_id),
            params=self._parameters(status, window, page=0),
            headers=booking_api.count_headers(base, store_id),
            read=lambda answer: booking_api.read_count(answer, store_id),
        )

    def _page(
        self,
        store_id: str,
        status: str,
        window: Window | None,
        *,
        page: int,
        first_look: bool = False,
    ) -> list[Raw]:
        return self._ask(
            booking_api.list_url(self.settings.partner_url, store_id),
            params=self._parameters(status, window, page=page),
            headers={},  # a list needs none (outside-services: Naver API headers)
            read=lambda answer: booking_api.read_page(answer, store_id),
            first_look=first_look,
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
        first_look: bool = False,
    ) -> T:
        """Ask again as often as the session can be renewed, and once more when it is good.

        Raises BadResponse when a good session is refused: then it is about the store.
        """
        generation = self.session.generation

        def ask() -> T:
            nonlocal generation
            with self.slots.connection(self.session) as line:
                generation = line.generation
                answer = get_with_retry(
                    line.http,
                    url,
                    service=booking_api.SERVICE,
                    policy=booking_api.retry_policy_of(self.settings),
                    params=params,
                    headers=headers,
                    read=read,
                )
                self.session.absorb_cookies(line)
            return answer

        with self.slots.slot(first_page=first_look):
            renewed = True
            while renewed:  # ends, since the session refuses when the run's one login is spent
                try:
                    return ask()
                except SessionExpired:
                    self.session.renew(generation)
                    renewed = self.session.generation != generation
            try:
                return ask()
            except SessionExpired as error:
                raise BadResponse(
                    f"{error}; yet the session is good: does this account manage the store?"
                ) from error


@dataclass
class _Reading:
    expected: int
    pages: int = 0
    received: int = 0
    found: dict[str, Raw] = field(default_factory=dict)
    _last: int = 0  # bookings on the last page
    _new: int = 0  # of them, how many were not known yet

    @classmethod
    def of(cls, raws: Sequence[Raw]) -> _Reading:
        """Make it of a list's only page."""
        reading = cls(len(raws))
        reading.add(raws)
        return reading

    def add(self, raws: Sequence[Raw]) -> None:
        before = len(self.found)
        for raw in raws:
            self.received += 1
            # Without an id it cannot be told from others: quarantine must see it all the same.
            # Of two versions the newer one counts.
            self.found[str(raw.get("bookingId") or f"no id {id(raw)}")] = raw
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
        return self.pages > 0 and (self._new == 0 or (self._last < size and self.whole))
