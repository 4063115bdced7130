"""Whether Naver knows our cookies, by one request that any run makes anyway.

One store may be broken at Naver, or not be ours any more: before we believe that nobody knows us,
or that Naver is down, a few other stores are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import requests

from naverplace.base.clock import Clock
from naverplace.base.errors import BadResponse, ClockWrong, SessionExpired, Transient
from naverplace.base.http import get_with_retry, read_date
from naverplace.naver import booking_api
from naverplace.settings.schema import NaverSettings

STORES = 3  # that are asked at most


class SessionProbe:
    """Counts one store's bookings; the answer's date is compared with our clock as well."""

    def __init__(
        self,
        settings: NaverSettings,
        clock: Clock,
        *,
        store_ids: Sequence[str],
        max_skew_seconds: float,
    ) -> None:
        self.settings, self.clock, self.store_ids = settings, clock, tuple(store_ids)[:STORES]
        self.max_skew = timedelta(seconds=max_skew_seconds)

    def is_logged_in(self, http: requests.Session) -> bool:
        """Tell whether Naver knows these cookies. Raises Transient, ClockWrong, BadResponse.

        A fault of Naver's is no answer, or a bad day at Naver would lead to logins.
        """
        return self._is_known(http) or (self._get_service_cookies(http) and self._is_known(http))

    def _is_known(self, http: requests.Session) -> bool:
        fault: BadResponse | Transient | None = None
        for store_id in self.store_ids:
            try:
                self._count(http, store_id)
            except SessionExpired:
                continue
            except (BadResponse, Transient) as error:
                fault = error
            else:
                return True
        if fault is not None:
            raise fault
        return False

    def _count(self, http: requests.Session, store_id: str) -> None:
        base = self.settings.partner_url
        asked_at = self.clock.now()

        def read(answer: requests.Response) -> int:
            self._check_clock(answer, asked_at=asked_at)
            return booking_api.read_count(answer, store_id)

        get_with_retry(
            http,
            booking_api.count_url(base, store_id),
            service=booking_api.SERVICE,
            policy=booking_api.retry_policy_of(self.settings),
            params=booking_api.parameters("RC03", page=0, size=1, no_cache=self.clock.epoch_ms()),
            headers=booking_api.count_headers(base, store_id),
            read=read,
        )

    def _get_service_cookies(self, http: requests.Session) -> bool:
        """Open the owner's page; did it set cookies? (outside-services: Naver cookies)."""
        before = _content(http)
        get_with_retry(
            http,
            booking_api.page_url(self.settings.partner_url, self.store_ids[0]),
            service=booking_api.SERVICE,
            policy=booking_api.retry_policy_of(self.settings),
            read=lambda answer: answer.status_code,
        )
        return not _content(http) <= before

    def _check_clock(self, answer: requests.Response, *, asked_at: datetime) -> None:
        date = read_date(answer.headers.get("Date", ""))
        if date is None:
            return
        now = self.clock.now()
        # Naver wrote the date between question and answer, and cut it to the second.
        skew = max(asked_at - date - timedelta(seconds=1), date - now, timedelta())
        if skew > self.max_skew:
            raise ClockWrong(
                f"our clock says {now:%Y-%m-%d %H:%M:%S}, Naver's is {skew.total_seconds():.0f} s "
                f"away; more than {self.max_skew.total_seconds():.0f} s is too much to decide by"
            )


def _content(http: requests.Session) -> set[tuple[str, str, str, str | None]]:
    return {(held.name, held.domain, held.path, held.value) for held in http.cookies}
