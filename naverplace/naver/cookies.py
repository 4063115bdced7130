"""Cookies in Selenium's form, as the legacy stores them (L1), and in `requests`' form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from http.cookiejar import Cookie as HeldCookie
from typing import Any

from requests.cookies import RequestsCookieJar, create_cookie

Cookie = dict[str, Any]

LOGIN_COOKIES = ("NID_AUT", "NID_SES")  # both are needed (outside-services: Naver cookies)
PERSISTED_COOKIES = (
    *LOGIN_COOKIES,
    "NID_JKL",
    "nid_inf",
)  # what a login consists of; the rest is chatter


def read_cookies(stored: object, *, home: str) -> list[Cookie] | None:
    """Read the attribute `cookies` of the session item; None when it holds no cookie.

    `home` becomes the domain of a cookie without one. Raises ValueError when it is not the legacy's
    format.
    """
    cookies = json.loads(stored.strip() or "[]") if isinstance(stored, str) else stored
    if not cookies:
        return None
    if not isinstance(cookies, list) or not all(_is_cookie(cookie) for cookie in cookies):
        raise ValueError("not a list of Selenium cookies")
    return [
        {**normalise_cookie(cookie), "domain": cookie.get("domain") or home} for cookie in cookies
    ]


def _is_cookie(cookie: object) -> bool:
    return (
        isinstance(cookie, Mapping)
        and isinstance(cookie.get("name"), str)
        and isinstance(cookie.get("value"), str)
    )


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
    return _content(some) == _content(others)


def _content(cookies: Sequence[Mapping[str, Any]]) -> set[tuple[str, str, str, str]]:
    return {(*identity(cookie), cookie["value"]) for cookie in cookies}


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
