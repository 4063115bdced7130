"""The tree of everything that can go wrong, and whether trying again may help."""

from __future__ import annotations

from collections.abc import Sequence

from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_


class NaverPlaceError(Exception):
    """Every error that this library raises on purpose."""


class Transient(NaverPlaceError):
    """Trying again may help: nothing was carried out."""


class ServiceUnavailable(Transient):
    """A service could not be reached, or answered a question with 5xx."""


class Throttled(Transient):
    """A service asked us to wait."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after  # seconds


class TooLate(Transient):
    """A send was held back, because its time had passed; if it is still owed, a later run sends."""


class OutcomeUnknown(NaverPlaceError):
    """A send may or may not have been accepted; only the provider's own log can tell."""


class Permanent(NaverPlaceError):
    """Trying again does not help before somebody changes something."""


class _Listed(Permanent):
    """A permanent error that carries every problem found, one a line."""

    title = "problems"

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join([f"{_(self.title)}:", *(f"  {p}" for p in self.problems)])


class SettingsError(_Listed):
    """One or more settings are wrong or missing; `problems` lists them all."""

    title = N_("settings are wrong or missing")


class RulesError(_Listed):
    """Rules, templates, fields or stores are wrong; each problem starts `file:line:column:`."""

    title = N_("the YAML files are wrong")


class CannotDecide(Permanent):
    """A condition or action lacks what it needs for one booking; its text names no person."""


class ClockWrong(Permanent):
    """This machine's clock and the outside world's differ too much to decide by."""


class SessionExpired(Permanent):
    """Naver no longer knows our cookies."""


class LoginFailed(Permanent):
    """The login did not succeed; `advice` tells the person on duty what to do."""

    reason = "login_failed"
    needs_person = False  # a person can make it go on, and nobody else
    advice = "look at the login page by hand: naverplace login --headed"


class WrongPassword(LoginFailed):
    """Naver refused the user name or the password."""

    reason = "wrong_password"
    advice = (
        "correct NAVERPLACE_NAVER__USERNAME and NAVERPLACE_NAVER__PASSWORD, then: naverplace login"
    )


class CaptchaRequired(LoginFailed):
    """Naver asks for a captcha, which only a person may answer."""

    reason = "captcha"
    needs_person = True
    advice = "log in by hand: naverplace login --headed"


class NewDevice(LoginFailed):
    """Naver asks whether this new device shall be registered."""

    reason = "new_device"
    needs_person = True
    advice = "register this machine by hand: naverplace login --headed"


class TwoStep(LoginFailed):
    """Naver waits for the second step of a two-step login."""

    reason = "two_step"
    needs_person = True
    advice = "confirm on the owner's phone: naverplace login --headed"


class Protected(LoginFailed):
    """Naver has locked the account for its protection."""

    reason = "protected"
    needs_person = True
    advice = "release the account at Naver, then: naverplace login --headed"


class PageChanged(LoginFailed):
    """The login page is not the one we know, or the browser could not show it."""

    reason = "page_changed"


class BrowserMissing(LoginFailed):
    """Chromium or its driver is not there, or does not start; nothing was sent to Naver."""

    reason = "browser_missing"
    advice = (
        "install both in one version: apt-get install chromium chromium-driver; or name them with "
        "NAVERPLACE_NAVER__CHROMIUM_PATH and NAVERPLACE_NAVER__CHROMEDRIVER_PATH"
    )


class NoScreen(BrowserMissing):
    """A login by hand needs a screen; nothing was sent to Naver."""

    reason = "no_screen"
    advice = "run it on a machine with a screen: naverplace login --headed"


class CoolingDown(LoginFailed):
    """An earlier login failed, and repeated attempts lock an account."""

    reason = "cooling_down"
    advice = "mend the cause of the earlier failure, then: naverplace login"

    def __init__(self, message: str, *, after: str = "") -> None:
        super().__init__(message)
        self.after = after  # reason of the failure that began it


class BadResponse(Permanent):
    """A service answered something that is not its interface."""


class Refused(Permanent):
    """A service refused one message, so that nothing was accepted."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.code = code
