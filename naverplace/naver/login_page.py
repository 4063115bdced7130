"""Telling the pages of Naver's login apart (outside-services: Naver login interruptions)."""

from __future__ import annotations

from dataclasses import dataclass

from selenium.common.exceptions import (
    InvalidSessionIdException,
    NoSuchWindowException,
    WebDriverException,
)
from selenium.webdriver.remote.webdriver import WebDriver

from naverplace.base.errors import (
    CaptchaRequired,
    LoginFailed,
    NewDevice,
    Protected,
    TwoStep,
    WrongPassword,
)

# A page of these is still a step of the login, also when it already has the cookies.
_LOGIN_PATHS = ("nidlogin", "/signin", "/login", "finalize", "deviceconfirm", "idsafetyrelease")
# One look in one script: asking element by element would see two pages when one is just leaving.
_LOOK = """
const shown = id => {
  const found = document.getElementById(id);
  return !!found && found.getClientRects().length > 0;
};
const error = document.querySelector('#err_common .error_message');
const text = document.body ? document.body.innerText : '';
return {
  address: (location.origin + location.pathname).toLowerCase(),
  ready: document.readyState === 'complete',
  form: !!(document.getElementById('id') || document.getElementById('pw')),
  error: !!error && error.getClientRects().length > 0 && error.innerText.trim() !== '',
  captcha: ['captchaimg', 'captcha', 'chptcha'].some(shown),
  device: ['new.save', 'new.dontsave'].some(shown),
  two_step: !!document.querySelector('[class*=two_factor]') || text.includes('2단계 인증'),
  locked: ['비정상적인 활동', '보호(잠금)', '이용제한'].some(words => text.includes(words)),
};
"""


_LOCKED = "Naver's login: the account is locked for its protection"


@dataclass(frozen=True)
class Page:
    """What one look at a page has shown."""

    address: str = ""  # without its query
    ready: bool = False
    form: bool = False
    error: bool = False
    captcha: bool = False
    device: bool = False
    two_step: bool = False
    locked: bool = False

    @property
    def left_login(self) -> bool:
        """Tell whether this page is none of the login's own."""
        return (
            self.ready
            and not self.form
            and self.address.startswith(("http://", "https://"))
            and not any(path in self.address for path in _LOGIN_PATHS)
        )

    @property
    def where(self) -> str:
        """Say where the browser stands, for an error."""
        return f"the browser stands at {self.address}" if self.address else "no page was shown"


def look(driver: WebDriver) -> Page:
    """Look at the page; an empty `Page` while one is just being left.

    Raises Selenium's errors when the window is gone.
    """
    try:
        seen = driver.execute_script(_LOOK)
    except (InvalidSessionIdException, NoSuchWindowException):
        raise
    except WebDriverException:
        return Page()
    return Page(**seen)


def shows_form(driver: WebDriver) -> bool:
    """Tell whether the page has loaded and asks for id and password."""
    page = look(driver)
    return page.ready and page.form


def find_obstacle(page: Page) -> LoginFailed | None:
    """Name what stands in the way of the login; None while nothing is certain."""
    if "idsafetyrelease" in page.address:
        return Protected(_LOCKED)
    if not page.ready or not any(path in page.address for path in _LOGIN_PATHS):
        return None  # the words of a front page's news prove nothing
    if page.captcha:
        return CaptchaRequired("Naver's login: a captcha is asked for")
    if page.device:
        return NewDevice("Naver's login: this device is new, and shall be registered or not")
    if page.two_step:
        return TwoStep("Naver's login: the second step of a two-step login is waited for")
    if page.locked and not page.form:
        return Protected(_LOCKED)
    if page.error:
        return WrongPassword("Naver's login: the user name or the password was refused")
    return None
