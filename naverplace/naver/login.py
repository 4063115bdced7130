"""Logging in to Naver with a real browser, as the legacy does (L2, L3).

See outside-services: Naver login page, Naver login success.

No password ever stands in an error: what Selenium raises is replaced, not chained.
"""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from urllib.parse import urlencode, urlsplit

from selenium.common.exceptions import TimeoutException, WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support.ui import WebDriverWait
from urllib3.exceptions import HTTPError

from naverplace.base.errors import NoScreen, PageChanged, ServiceUnavailable
from naverplace.naver.browser import Programs, open_browser
from naverplace.naver.login_page import find_obstacle, look, shows_form
from naverplace.naver.session_store import Cookie, fits, has_login, normalise_cookie
from naverplace.settings.schema import NaverSettings

SERVICE = "Naver's login"
POLL_SECONDS = 0.2
SETTLE_SECONDS = 3.0  # the legacy waits this long for a redirect by script (L3)
PERSON_SECONDS = 600.0
_SELENIUM_KEYS = ("name", "value", "domain", "path", "secure", "httpOnly", "expiry", "sameSite")
# `setAttribute` is the legacy's way; the property is what the form sends once a key was pressed.
_FILL = """
const field = document.getElementById(arguments[0]);
field.setAttribute('value', arguments[1]);
field.value = arguments[1];
field.dispatchEvent(new Event('input', {bubbles: true}));
"""
# Where the password goes; without an action it is the page's own address.
_FORM_GOES_TO = """
const form = document.getElementById('pw')?.closest('form');
return new URL(form?.getAttribute('action') || '', document.baseURI).href;
"""
# A dropped connection is no error to the driver: it shows Chromium's own page about it.
_STATUS = """
if (location.protocol === 'chrome-error:') return -1;
return performance.getEntriesByType('navigation')[0]?.responseStatus ?? 0;
"""


class NaverAuthenticator:
    """Gets cookies from the owner's name and password, or from a person at the screen."""

    def __init__(self, settings: NaverSettings, *, headless: bool = True) -> None:
        self.settings, self.headless = settings, headless

    def log_in(self) -> list[Cookie]:
        """Send the name and the password once, and return the cookies in Selenium's form.

        Raises a LoginFailed that says what Naver showed, or Transient when nothing was sent yet.
        """
        with self._visit(headless=self.headless) as driver:
            self._open_form(driver)
            with _in_our_words("the form could not be sent"):
                # A captcha that is there from the start would make every password wrong.
                if trouble := find_obstacle(look(driver)):
                    raise trouble
                self._send_form(driver)
            with _in_our_words("the browser failed after the form was sent"):
                self._wait(driver, self.settings.login_timeout, judging=True)
                return _cookies(driver)

    def log_in_by_hand(self, *, seconds: float = PERSON_SECONDS) -> list[Cookie]:
        """Show the login page, wait until a person has logged in, and return the cookies.

        Raises NoScreen without a DISPLAY, and LoginFailed when nobody logs in within `seconds`.
        """
        if not os.environ.get("DISPLAY"):
            raise NoScreen("a login by hand needs a screen: DISPLAY is not set")
        with self._visit(headless=False) as driver:
            return self.wait_for_person(driver, seconds=seconds)

    def wait_for_person(self, driver: WebDriver, *, seconds: float) -> list[Cookie]:
        """Show the login page in this browser, and wait until somebody has logged in."""
        self._open_form(driver)
        with _in_our_words("the window was closed before the login was complete"):
            self._wait(driver, seconds, judging=False)
            return _cookies(driver)

    def check_in_browser(self, cookies: Sequence[Cookie]) -> bool:
        """Tell whether Naver accepts these cookies, with the legacy's strict check (L3)."""
        with self._visit(headless=self.headless) as driver:
            self._open(driver, self.settings.smartplace_url)
            with _in_our_words("the browser failed while the session was checked"):
                _add_cookies(driver, cookies)
            self._open(driver, f"{self.settings.nid_url}/user2/help/myInfoV2?lang=ko_KR")
            with _in_our_words("the browser failed while the session was checked"):
                return not _turns(
                    driver,
                    lambda shown: "login" in urlsplit(shown.current_url).path,
                    seconds=SETTLE_SECONDS,
                )

    def _visit(self, *, headless: bool) -> AbstractContextManager[WebDriver]:
        programs = Programs(self.settings.chromium_path, self.settings.chromedriver_path)
        return open_browser(programs, page_seconds=self.settings.login_timeout, headless=headless)

    def _open_form(self, driver: WebDriver) -> None:
        query = urlencode({"mode": "form", "url": f"{self.settings.www_url}/"})
        self._open(driver, f"{self.settings.nid_url}/nidlogin.login?{query}")
        with _in_our_words("the login page could not be read"):
            if not _turns(driver, shows_form, seconds=self.settings.login_timeout):
                raise PageChanged(f"{SERVICE}: the page shows no form with id and password")
            places = (driver.current_url, str(driver.execute_script(_FORM_GOES_TO)))
        for place in map(_origin, places):
            if place != _origin(self.settings.nid_url):
                raise PageChanged(f"{SERVICE}: led to {place}, which gets no password from us")

    def _open(self, driver: WebDriver, url: str) -> None:
        """Open a page; nothing has been sent so far, so that a failure may be tried again."""
        host = urlsplit(url).hostname
        try:
            driver.get(url)
            status = driver.execute_script(_STATUS)
        except (WebDriverException, HTTPError) as error:
            raise ServiceUnavailable(
                f"{SERVICE}: no page from {host} ({type(error).__name__})"
            ) from None
        if status == -1:
            raise ServiceUnavailable(f"{SERVICE}: no page from {host}")
        if status == 429 or status >= 500:
            raise ServiceUnavailable(f"{SERVICE}: {host} answered {status}")

    def _send_form(self, driver: WebDriver) -> None:
        for field, secret in (("id", self.settings.username), ("pw", self.settings.password)):
            driver.execute_script(_FILL, field, secret.get_secret_value())
            _hesitate(0.34, 0.54)
        button = driver.find_element(By.ID, "log.login")
        with contextlib.suppress(TimeoutException):  # the page that follows is judged anyway
            button.click()
        _hesitate(1.64, 1.94)

    def _wait(self, driver: WebDriver, seconds: float, *, judging: bool) -> None:
        """Wait until logged in; `judging` gives up at once on a page that wants a person."""
        ends = time.monotonic() + seconds
        page = look(driver)
        while not (page.left_login and has_login(driver.get_cookies())):
            trouble = find_obstacle(page) if judging else None
            if trouble is not None:
                raise trouble
            if time.monotonic() >= ends:
                raise PageChanged(f"{SERVICE}: not logged in after {seconds:.0f} s, {page.where}")
            time.sleep(POLL_SECONDS)
            page = look(driver)


def _origin(url: str) -> str:
    """Give scheme, host and port, in which the port that a scheme has by itself is written out."""
    parts = urlsplit(url)
    with contextlib.suppress(ValueError):  # no number
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        return f"{parts.scheme}://{parts.hostname}:{port}"
    return "an address that cannot be read"


def _cookies(driver: WebDriver) -> list[Cookie]:
    return [normalise_cookie(cookie) for cookie in driver.get_cookies()]


def _add_cookies(driver: WebDriver, cookies: Sequence[Cookie]) -> None:
    host = urlsplit(driver.current_url).hostname or ""
    for cookie in cookies:
        if fits(cookie, host):
            known = {key: cookie[key] for key in _SELENIUM_KEYS if cookie.get(key) is not None}
            with contextlib.suppress(WebDriverException):  # a foreign cookie proves no login
                driver.add_cookie(known)


def _turns(driver: WebDriver, seen: Callable[[WebDriver], bool], *, seconds: float) -> bool:
    try:
        return bool(WebDriverWait(driver, seconds, poll_frequency=POLL_SECONDS).until(seen))
    except TimeoutException:
        return False


def _hesitate(least: float, most: float) -> None:
    """Pause as the legacy does between its steps (L2)."""
    time.sleep(random.uniform(least, most))  # noqa: S311


@contextlib.contextmanager
def _in_our_words(what: str) -> Iterator[None]:
    """Replace what Selenium raises: its texts may quote the page or what was typed."""
    try:
        yield
    except (WebDriverException, HTTPError) as error:
        raise PageChanged(f"{SERVICE}: {what} ({type(error).__name__})") from None
