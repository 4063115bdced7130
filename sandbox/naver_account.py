"""The owner's Naver account, and the log-ins that are alive (outside-services: Naver cookies)."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Event

MODES = (
    "ok",
    "wrong_password",
    "new_device",
    "captcha",
    "two_step",
    "protected",
    "hang",
)
KEPT_FOR = timedelta(days=30)  # NID_SES with 'stay signed in' (outside-services: Naver cookies)
UNKEPT_FOR = timedelta(hours=12)


@dataclass
class Account:
    """One owner's account; `mode` says how the login site treats the next attempt."""

    username: str = "sandbox-owner"
    password: str = "sa\"nd\\b'ox-1"  # a value pasted into JavaScript would break
    mode: str = "ok"
    captcha_answer: str = "7봄"
    two_step_approved: bool = False
    attempts: int = 0
    attempts_by_id: dict[str, int] = field(default_factory=dict)
    hang_seconds: float = 60.0
    released: Event = field(default_factory=Event)  # ends a hanging answer at once

    def attempted(self, username: str) -> None:
        """Count one sent form, right or wrong."""
        self.attempts += 1
        self.attempts_by_id[username] = self.attempts_by_id.get(username, 0) + 1

    def matches(self, username: str, password: str) -> bool:
        """Tell whether id and password are this account's."""
        return (username, password) == (self.username, self.password)


@dataclass(frozen=True)
class Login:
    """One log-in: the two cookies that prove it, and until when they do."""

    aut: str
    ses: str
    expires: datetime  # by the world's clock
    lasts: timedelta
    kept: bool

    @classmethod
    def at(cls, now: datetime, *, keep: bool, lifetime: timedelta | None = None) -> Login:
        """Make a new log-in with cookie values nobody has guessed before."""
        lasts = lifetime or (KEPT_FOR if keep else UNKEPT_FOR)
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(48), now + lasts, lasts, keep)

    def selenium_cookies(self, host: str = "127.0.0.1") -> list[dict[str, object]]:
        """List the cookies as Selenium's `get_cookies` gives them, and the legacy stores them."""
        cookies: list[dict[str, object]] = []
        for name, value in (("NID_AUT", self.aut), ("NID_SES", self.ses)):
            cookie: dict[str, object] = {
                "name": name,
                "value": value,
                "domain": host,
                "path": "/",
                "httpOnly": True,
                "secure": False,
                "sameSite": "Lax",
            }
            if self.kept:
                # A browser reckons Max-Age by the machine's clock, not by this world's.
                cookie["expiry"] = int(time.time() + self.lasts.total_seconds())
            cookies.append(cookie)
        return cookies

    def session_item(self) -> dict[str, str]:
        """Write this log-in as the item of table `session` (L1)."""
        return {"id": "1", "cookies": json.dumps(self.selenium_cookies())}


@dataclass
class Logins:
    """The log-ins that Naver accepts."""

    alive: list[Login] = field(default_factory=list)

    def issue(self, now: datetime, *, keep: bool = True) -> Login:
        """Log the owner in."""
        login = Login.at(now, keep=keep)
        self.alive.append(login)
        return login

    def valid(self, aut: str | None, ses: str | None, now: datetime) -> bool:
        """Tell whether both cookies belong to one log-in that has not expired."""
        return any(
            (login.aut, login.ses) == (aut, ses) and now < login.expires for login in self.alive
        )

    def kill_all(self) -> None:
        """End every log-in, as a log-in elsewhere or a new password does."""
        self.alive.clear()
