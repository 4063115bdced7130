"""What table `session` holds: the legacy's cookies, and what became of the last login."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from http.cookiejar import Cookie as HeldCookie
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from requests.cookies import RequestsCookieJar, create_cookie

from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock, parse_time
from naverplace.base.errors import CoolingDown, LoginFailed
from naverplace.redaction.redactor import REDACTOR
from naverplace.settings.schema import NaverSettings

log = logging.getLogger(__name__)
Cookie = dict[str, Any]

COOKIES_ID = "1"  # the legacy's key (L1)
LOGIN_ID = "naverplace-login"  # ours; the legacy never asks for it
LONGEST_COOLDOWN = timedelta(days=1)
LOGIN_COOKIES = ("NID_AUT", "NID_SES")  # both are needed (outside-services: Naver cookies)
PERSISTED_COOKIES = (*LOGIN_COOKIES, "NID_JKL", "nid_inf")  # a login; the rest is chatter


def read_cookies(stored: object, *, home: str) -> list[Cookie] | None:
    """Read the attribute `cookies` of the session item; None when it holds no cookie.

    `home` becomes the domain of a cookie without one. Raises ValueError when it is not the legacy's
    format.
    """
    cookies = json.loads(stored.strip() or "[]") if isinstance(stored, str) else stored
    if not cookies:
        return None
    if not isinstance(cookies, list) or not all(
        isinstance(cookie, Mapping)
        and isinstance(cookie.get("name"), str)
        and isinstance(cookie.get("value"), str)
        for cookie in cookies
    ):
        raise ValueError("not a list of Selenium cookies")
    return [
        {**normalise_cookie(cookie), "domain": cookie.get("domain") or home} for cookie in cookies
    ]


def write_cookies(cookies: Iterable[Mapping[str, Any]]) -> str:
    """Write cookies as the legacy's JSON text."""
    return json.dumps([normalise_cookie(cookie) for cookie in cookies], ensure_ascii=False)


def normalise_cookie(cookie: Mapping[str, Any]) -> Cookie:
    """Copy a cookie with a whole `expiry`, which Selenium insists on; unknown keys are kept."""
    copy = dict(cookie)
    if "expiry" in copy:
        try:
            copy["expiry"] = int(float(copy["expiry"]))
        except (TypeError, ValueError, OverflowError):
            del copy["expiry"]
    return copy


def identity(cookie: Mapping[str, Any]) -> tuple[str, str, str]:
    """Tell cookies apart as a browser does."""
    return cookie["name"], cookie.get("domain") or "", cookie.get("path") or "/"


def same(some: Sequence[Mapping[str, Any]], others: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether two lists hold the same names, values and domains; times do not matter."""
    mine, theirs = (
        {(*identity(cookie), cookie["value"]) for cookie in cookies} for cookies in (some, others)
    )
    return mine == theirs


def has_login(cookies: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether the cookies that prove a login are there."""
    names = {cookie["name"] for cookie in cookies if cookie["value"]}
    return names.issuperset(LOGIN_COOKIES)


def fits(cookie: Mapping[str, Any], host: str) -> bool:
    """Tell whether a browser that stands on this host may hold the cookie."""
    domain = str(cookie.get("domain") or "").lstrip(".").lower()
    return not domain or host == domain or host.endswith(f".{domain}")


def to_jar(cookies: Iterable[Mapping[str, Any]]) -> RequestsCookieJar:
    """Fill a jar that sends each cookie to its own domain and path only."""
    jar = RequestsCookieJar()
    for cookie in cookies:
        name, domain, path = identity(cookie)
        jar.set_cookie(
            create_cookie(  # type: ignore[no-untyped-call]
                name,
                cookie["value"],
                domain=domain,
                path=path,
                secure=bool(cookie.get("secure")),
                expires=cookie.get("expiry"),
                rest={"HttpOnly": None} if cookie.get("httpOnly") else {},
            )
        )
    return jar


def merge(
    cookies: Sequence[Cookie], jar: RequestsCookieJar, *, given: Sequence[Cookie]
) -> list[Cookie]:
    """Take over what answers have set in a jar that was filled with `given`.

    A cookie that vanished or was emptied stays as it was: only a checked answer ends a login.
    """
    before = {identity(cookie): cookie["value"] for cookie in given}
    merged = {identity(cookie): dict(cookie) for cookie in cookies}
    for held in jar:
        key = (held.name, held.domain, held.path)
        # What stayed as given may have been renewed by another thread since.
        if held.value and before.get(key) != held.value:
            merged[key] = {**merged.get(key, {}), **_from_jar(held)}
    return list(merged.values())


def _from_jar(held: HeldCookie) -> Cookie:
    cookie: Cookie = {
        "name": held.name,
        "value": held.value,
        "domain": held.domain,
        "path": held.path,
        "secure": held.secure,
        "httpOnly": held.has_nonstandard_attr("HttpOnly"),
    }
    if held.expires is not None:
        cookie["expiry"] = int(held.expires)
    return cookie


def lasting(cookies: Sequence[Cookie]) -> list[Cookie]:
    """Pick the cookies that a login consists of, the only ones worth a write when they change."""
    return [cookie for cookie in cookies if cookie["name"] in PERSISTED_COOKIES]


class SessionStore:
    """Reads and writes the stored session; every read error is an error, never 'no cookies'."""

    def __init__(self, table: StateTable, settings: NaverSettings, clock: Clock) -> None:
        self.table, self.settings, self.clock = table, settings, clock
        self._home = home_of(settings.nid_url)
        self._stored: list[Cookie] | None = None  # as we read or wrote it last

    def load(self) -> list[Cookie] | None:
        """Read the stored cookies, or None when there are none. Raises Transient or Permanent."""
        item = self.table.get(COOKIES_ID) or {}
        try:
            self._stored = read_cookies(item.get("cookies"), home=self._home)
        except ValueError:
            # A fresh login mends it, and nothing of it may be shown.
            log.warning("table 'session' holds cookies in a format that nobody can read")
            self._stored = None
        _keep_secret(self._stored or ())
        return self._stored

    def save_if_changed(self, cookies: Sequence[Cookie]) -> bool:
        """Store cookies when they are others than stored, and tell whether that was so.

        Other attributes of the item stay. Cookies that a page of Smartplace may not hold are left
        out: the legacy adds all of them there (L3), and its browser would refuse them.
        """
        _keep_secret(cookies)
        host = urlsplit(self.settings.smartplace_url).hostname or ""
        shared = [cookie for cookie in cookies if fits(cookie, host)]
        if self._stored is not None and same(shared, self._stored):
            return False
        self.table.update(COOKIES_ID, {"cookies": write_cookies(shared)})
        self._stored = shared
        return True

    def somebody_else_logged_in(self) -> bool:
        """Tell whether the stored cookies are not the ones that we read or wrote last."""
        before = self._stored or []
        return not same(self.load() or [], before)

    def remember_failure(self, error: LoginFailed) -> None:
        """Remember a refused login, so that none is blindly tried again; each time for longer."""
        item = self.table.get(LOGIN_ID) or {}
        failures = _number(item.get("failures")) + 1
        now = self.clock.now()
        first = timedelta(minutes=self.settings.login_cooldown_minutes)
        doubled: timedelta = first * 2 ** min(failures - 1, 20)
        until = now + min(doubled, max(first, LONGEST_COOLDOWN))
        self.table.put(
            {
                "id": LOGIN_ID,
                "reason": error.reason,
                "failures": failures,
                "failed_at": now.isoformat(timespec="seconds"),
                "until": until.isoformat(timespec="seconds"),
            }
        )

    def forget_failures(self) -> None:
        """Remember that a login went well, which ends every cool-down."""
        now = self.clock.now().isoformat(timespec="seconds")
        self.table.put({"id": LOGIN_ID, "failures": 0, "logged_in_at": now})

    def check_cooldown(self) -> None:
        """Raise CoolingDown when an earlier login was refused a short while ago.

        Raises Transient or Permanent when the table cannot be read.
        """
        item = self.table.get(LOGIN_ID) or {}
        failures, until = _number(item.get("failures")), parse_time(item.get("until"))
        if failures and until and until > self.clock.now():
            last = str(item.get("reason", ""))
            raise CoolingDown(
                f"no login is tried before {until:%Y-%m-%d %H:%M}: {failures} in a row were "
                f"refused, the last one for {last}",
                after=last,
            )


def home_of(nid_url: str) -> str:
    """Name the domain of Naver's login cookies: the login site's own, less one label."""
    host = urlsplit(nid_url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        labels = host.split(".")
        return f".{'.'.join(labels[1:])}" if len(labels) > 2 else host
    return host


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return 0


def _keep_secret(cookies: Sequence[Cookie]) -> None:
    REDACTOR.learn(*(cookie["value"] for cookie in cookies if cookie["name"] in LOGIN_COOKIES))
