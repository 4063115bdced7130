"""The owner's session with Naver: restored from the table, checked by one request, renewed once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import requests

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock
from naverplace.base.errors import (
    BadResponse,
    BrowserMissing,
    ClockWrong,
    CoolingDown,
    LoginFailed,
    NaverPlaceError,
    NoScreen,
    PageChanged,
    SessionExpired,
    Transient,
)
from naverplace.base.http import get_with_retry, make_session, read_date
from naverplace.naver import booking_api
from naverplace.naver.session_store import (
    Cookie,
    SessionStore,
    has_login,
    lasting,
    merge,
    same,
    to_jar,
)
from naverplace.settings.schema import NaverSettings, Settings

STORES = 3  # that are asked at most


@dataclass(frozen=True)
class SessionProbe:
    """Counts one store's bookings; the answer's date is compared with our clock as well."""

    settings: NaverSettings
    clock: Clock
    store_ids: Sequence[str]
    max_skew: timedelta

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


log = logging.getLogger(__name__)


class Authenticator(Protocol):
    """Who can log in, and check cookies in a browser; `naverplace.naver.login` has the real one."""

    def log_in(self) -> list[Cookie]:
        """Log in and give the cookies. Raises LoginFailed or Transient."""
        ...

    def check_in_browser(self, cookies: Sequence[Cookie]) -> bool:
        """Tell whether a browser with these cookies counts as logged in (L3)."""
        ...


@dataclass(frozen=True)
class BrowserLogin:
    """Logs in with a real browser; what drives it is imported when it is needed, which is rare."""

    settings: NaverSettings

    def log_in(self) -> list[Cookie]:
        """Log in and give the cookies. Raises LoginFailed or Transient."""
        from naverplace.naver.login import NaverAuthenticator

        return NaverAuthenticator(self.settings).log_in()

    def check_in_browser(self, cookies: Sequence[Cookie]) -> bool:
        """Tell whether a browser with these cookies counts as logged in (L3)."""
        from naverplace.naver.login import NaverAuthenticator

        return NaverAuthenticator(self.settings).check_in_browser(cookies)


@dataclass(frozen=True)
class SessionSnapshot:
    """One thread's way to Naver, good for one generation of the session."""

    http: requests.Session = field(repr=False)
    generation: int
    given: tuple[Cookie, ...] = field(repr=False)  # the cookies that it started with


class NaverSession:
    """A session that many threads read with; at most one login, whatever they meet."""

    def __init__(
        self,
        settings: NaverSettings,
        *,
        store: SessionStore,
        probe: SessionProbe,
        authenticator: Authenticator | None,  # None: whoever may not log in
        looks_only: bool = False,
    ) -> None:
        self.settings, self.store, self.probe = settings, store, probe
        self.authenticator = None if looks_only else authenticator
        self.looks_only = looks_only  # the stored cookies stay as they are
        self.browser_opened = False
        self.generation = 0
        self._lock = threading.RLock()
        self._cookies: list[Cookie] = []
        self._login_spent = False
        self._failure: NaverPlaceError | None = None  # why the run's one login did not succeed

    def open(self) -> None:
        """Restore the stored session, or log in. Raises LoginFailed, ClockWrong, Transient."""
        with self._lock:
            self._cookies = self.store.load() or []
            if not (self._is_logged_in() and self._passes_browser()):
                self._log_in()

    def snapshot(self) -> SessionSnapshot:
        """Give a requests session with the cookies as they are now."""
        with self._lock:
            http = make_session()
            http.cookies = to_jar(self._cookies)
            return SessionSnapshot(http, self.generation, tuple(self._cookies))

    def absorb_cookies(self, snapshot: SessionSnapshot) -> None:
        """Take over cookies that Naver's good answers have set, and store a renewed login."""
        with self._lock:
            if snapshot.generation != self.generation:
                return
            before = self._cookies
            self._cookies = merge(before, snapshot.http.cookies, given=snapshot.given)
            renewed = not same(lasting(self._cookies), lasting(before))
            if self.looks_only or not renewed:
                return
            if not self.store.somebody_else_logged_in():
                self.store.save_if_changed(self._cookies)

    def renew(self, refused: int) -> None:
        """Make the session good again after Naver refused its generation `refused`.

        Returns as well when the session works, so that only one store is refused: ask once more,
        then believe it. Raises SessionExpired when the run's one login is spent, LoginFailed,
        Transient.
        """
        with self._lock:
            if refused != self.generation:
                return  # another thread has renewed it
            if self._failure is not None:
                raise type(self._failure)(str(self._failure)) from self._failure
            if self._is_logged_in():
                return
            if not self._use_other_login():
                self._log_in()
            self.generation += 1

    def _use_other_login(self) -> bool:
        """Use the session of another process, such as the legacy, that has logged in meanwhile."""
        if not self.store.somebody_else_logged_in():
            return False
        self._cookies = self.store.load() or []
        return self._is_logged_in()

    def _is_logged_in(self) -> bool:
        """Ask Naver for one count, and tell whether it knows us. Raises Transient, ClockWrong."""
        if not has_login(self._cookies):
            return False
        snapshot = self.snapshot()
        if not self.probe.is_logged_in(snapshot.http):
            return False
        self.absorb_cookies(snapshot)
        return True

    def _passes_browser(self) -> bool:
        if self.settings.session_check != "browser" or self.authenticator is None:
            return True
        self.browser_opened = True
        return self.authenticator.check_in_browser(self._cookies)

    def _log_in(self) -> None:
        """Log in, store the cookies, and prove that they work; once a run."""
        try:
            if self._login_spent:
                raise SessionExpired(
                    "Naver ended the session again, after the one login of this run"
                )
            self.store.check_cooldown()
            if self.authenticator is None:
                raise SessionExpired(
                    "Naver does not know the stored session any more, and nobody logs in from "
                    "here: log in by `naverplace login`; a run that sends does so by itself"
                )
            self._login_spent = self.browser_opened = True
            self._cookies = self.authenticator.log_in()
            self.store.save_if_changed(self._cookies)
            if not self._is_logged_in():
                raise PageChanged(
                    f"logged in, but Naver's booking API still refuses store "
                    f"{', '.join(self.probe.store_ids)}: does this account manage it?"
                )
            self.store.forget_failures()
        except NaverPlaceError as error:
            self._failure = error
            if isinstance(error, BrowserMissing):
                self.browser_opened = False
            elif isinstance(error, LoginFailed) and not isinstance(error, CoolingDown):
                _note_refusal(self.store, error)
            raise


def _note_refusal(store: SessionStore, error: LoginFailed) -> None:
    """Start a cool-down; when even that fails, the refusal itself stays the error to report."""
    try:
        store.remember_failure(error)
    except NaverPlaceError as unwritten:
        log.error("the refused login could not be remembered: %s", unwritten)


def open_naver_session(
    settings: Settings,
    *,
    table: StateTable,
    clock: Clock,
    probe_stores: Sequence[str],
    authenticator: Authenticator | None = None,
    looks_only: bool = False,
) -> NaverSession:
    """Restore the stored session, or log in once; without an authenticator nobody logs in.

    With `looks_only` nobody logs in either, and no cookie that Naver renews is stored. Raises
    LoginFailed, SessionExpired, ClockWrong, Transient, or what reading the table raises.
    """
    skew = timedelta(seconds=settings.clock.max_skew_seconds)
    session = NaverSession(
        settings.naver,
        store=SessionStore(table, settings.naver, clock),
        probe=SessionProbe(settings.naver, clock, probe_stores[:STORES], skew),
        authenticator=authenticator,
        looks_only=looks_only,
    )
    session.open()
    return session


def log_in_now(settings: Settings, *, headed: bool) -> int:
    """Log in whatever the cool-down says, store the session, and count its cookies.

    `headed` opens a window in which a person logs in. Raises LoginFailed, Transient.
    """
    from naverplace.naver.login import NaverAuthenticator

    table = StateTable(open_dynamodb(settings.aws), settings.aws.session_table)
    store = SessionStore(table, settings.naver, settings.make_clock())
    authenticator = NaverAuthenticator(settings.naver)
    try:
        cookies = authenticator.log_in_by_hand() if headed else authenticator.log_in()
    except LoginFailed as error:
        if not isinstance(error, BrowserMissing | NoScreen):
            _note_refusal(store, error)
        raise
    store.save_if_changed(cookies)
    store.forget_failures()
    return len(cookies)
