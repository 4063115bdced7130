"""What the tests of the session and of the booking API need again and again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock
from naverplace.base.errors import NaverPlaceError
from naverplace.naver.session import NaverSession, open_naver_session
from naverplace.naver.session_store import Cookie
from naverplace.settings.schema import NaverSettings, Settings
from sandbox.naver.bookings import a_booking
from sandbox.request_log import Seen
from sandbox.server import Sandbox

STORE, OTHER = "1051707", "951291"


class Doorkeeper:
    """Logs in at the sandbox's Naver without a browser, and counts how often it was asked."""

    def __init__(self, world: Sandbox, *, fails: NaverPlaceError | None = None) -> None:
        self.sandbox, self.fails = world, fails
        self.logins = 0
        self.checks = 0
        self.says_valid = True
        self._lock = Lock()

    def log_in(self) -> list[Cookie]:
        with self._lock:
            self.logins += 1
        if self.fails is not None:
            raise self.fails
        world = self.sandbox.world
        return list(world.cookies.issue(world.now()).selenium_cookies())

    def check_in_browser(self, cookies: Sequence[Cookie]) -> bool:
        self.checks += 1
        return self.says_valid


def a_table(settings: Settings) -> StateTable:
    return StateTable(open_dynamodb(settings.aws), settings.aws.session_table)


def open_it(
    settings: Settings,
    authenticator: Any,
    *,
    naver: NaverSettings | None = None,
    clock: Clock | None = None,
    probe_stores: Sequence[str] = (STORE,),
) -> NaverSession:
    return open_naver_session(
        settings.model_copy(update={"naver": naver}) if naver else settings,
        table=a_table(settings),
        clock=clock or settings.make_clock(),
        authenticator=authenticator,
        probe_stores=probe_stores,
    )


def seen_by(world: Sandbox, service: str, what: str = "") -> list[Seen]:
    return [s for s in world.world.requests if s.service == service and what in s.line]


def put_bookings(
    world: Sandbox, count: int, *, store: str = STORE, status: str = "RC03"
) -> list[dict[str, Any]]:
    """Replace a store's bookings; ids grow with the start, as Naver orders them."""
    noon: datetime = world.world.now().replace(minute=0, second=0, microsecond=0)
    step = timedelta(hours=1) if status == "RC03" else timedelta(hours=-1)
    bookings = [
        a_booking(store, 5000 + n, noon + step * (n + 1), status=status) for n in range(count)
    ]
    world.world.stores[store] = list(bookings)
    return bookings
