"""Whether Naver knows our cookies, by one request that any run makes anyway."""

from __future__ import annotations

from datetime import datetime, timedelta

import requests

from naverplace import partner
from naverplace.clock import Clock
from naverplace.errors import ClockWrong, SessionExpired
from naverplace.http import ask, read_date
from naverplace.settings import NaverSettings


class LightCheck:
    """Counts one store's bookings; the answer's date is compared with our clock as well."""

    def __init__(
        self, settings: NaverSettings, clock: Clock, *, store_id: str, max_skew_seconds: float
    ) -> None:
        self.settings, self.clock, self.store_id = settings, clock, store_id
        self.max_skew = timedelta(seconds=max_skew_seconds)

    def passes(self, http: requests.Session) -> bool:
        """Tell whether Naver knows these cookies. Raises Transient, ClockWrong, BadResponse.

        A fault of Naver's is no answer, or a bad day at Naver would lead to logins.
        """
        return self._is_known(http) or (self._get_service_cookies(http) and self._is_known(http))

    def _is_known(self, http: requests.Session) -> bool:
        base = self.settings.partner_url
        asked_at = self.clock.now()

        def read(answer: requests.Response) -> int:
            self._check_clock(answer, asked_at=asked_at)
            return partner.read_count(answer, self.store_id)

        try:
            ask(
                http,
                partner.count_url(base, self.store_id),
                service=partner.SERVICE,
                patience=partner.patience_of(self.settings),
                params=partner.parameters("RC03", page=0, size=1, no_cache=self.clock.epoch_ms()),
                headers=partner.count_headers(base, self.store_id),
                read=read,
            )
        except SessionExpired:
            return False
        return True

    def _get_service_cookies(self, http: requests.Session) -> bool:
        """Open the owner's page, and tell whether it set cookies; the API may want them (2.5)."""
        before = _content(http)
        ask(
            http,
            partner.page_url(self.settings.partner_url, self.store_id),
            service=partner.SERVICE,
            patience=partner.patience_of(self.settings),
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
