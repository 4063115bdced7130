"""The policy of every request, and questions: patience, and the vendors' errors in our words.

Whatever asks a service has a `Deadline` for its whole exchange and reads at most `LARGEST`. Only
questions are asked again; what sends something goes through `messaging.single_send_http`.
"""

from __future__ import annotations

import math
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.response import BaseHTTPResponse

from naverplace.base.errors import Permanent, ServiceUnavailable, Throttled, Transient

T = TypeVar("T")
DEADLINE = 60.0  # seconds until an answer is whole: its bytes may trickle for ever
LARGEST = 16 * 1024 * 1024  # bytes of an answer, decompressed: 200 bookings have 2 MB

_PIECE = 64 * 1024
_exchange = threading.local()  # the Deadline by which this thread asks


class Deadline:
    """Hangs up on a service when one exchange with it takes longer than so many seconds.

    Time-outs of sockets count from byte to byte. Within it, this thread's connections of
    `WatchedPools` tell by themselves which line is theirs; others call `watch`.
    """

    def __init__(self, seconds: float) -> None:
        self.over = False
        self.ends = time.monotonic() + seconds
        self._line: socket.socket | None = None
        self._lock = threading.Lock()

    def watch(self, line: socket.socket) -> None:
        """Hang up on this line when the time is over; at once when it is."""
        with self._lock:
            self._line = line
        if self.over:
            self.hang_up()

    def hang_up(self) -> None:
        """End the exchange, whatever has come of it."""
        with self._lock:
            self.over = True
            if self._line is not None:
                try:
                    # Of the socket below TLS, whose own would pull the ground from under a reader.
                    socket.socket.shutdown(self._line, socket.SHUT_RDWR)
                except OSError:  # the other side was faster
                    return

    def __enter__(self) -> Deadline:
        _exchange.deadline = self
        _timer.add(self)
        return self

    def __exit__(self, *error: object) -> None:
        _timer.remove(self)
        with self._lock:
            self._line = None
        _exchange.deadline = None

    @staticmethod
    def of_thread() -> Deadline | None:
        """Give the deadline of the exchange that this thread is in."""
        return getattr(_exchange, "deadline", None)


class _Timer:
    """Hangs up for every deadline of this process in one thread: one each costs 2 ms of a call."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open: set[Deadline] = set()
        self._wakes = math.inf
        self._thread: threading.Thread | None = None

    def add(self, deadline: Deadline) -> None:
        with self._changed:
            self._open.add(deadline)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, daemon=True, name="deadlines")
                self._thread.start()
            elif deadline.ends < self._wakes:
                self._changed.notify()

    def remove(self, deadline: Deadline) -> None:
        with self._changed:
            self._open.discard(deadline)

    def _watch(self) -> None:
        while True:
            for deadline in self._late():
                deadline.hang_up()

    def _late(self) -> list[Deadline]:
        """Wait until a deadline is over, and take those that are."""
        with self._changed:
            while True:
                now = time.monotonic()
                if late := [deadline for deadline in self._open if deadline.ends <= now]:
                    self._open.difference_update(late)
                    return late
                self._wakes = min((deadline.ends for deadline in self._open), default=math.inf)
                # 65 years of waiting is more than a lock can.
                self._changed.wait(min(self._wakes - now, 3600.0))


_timer = _Timer()
# A fork has no thread, and may have the lock of one.
os.register_at_fork(after_in_child=_timer.__init__)  # type: ignore[misc]


class Watched:
    """What makes a connection of urllib3 tell the deadline about its line."""

    sock: Any

    def getresponse(self) -> BaseHTTPResponse:
        """Wait for an answer, within the deadline of this thread if it has one."""
        if deadline := Deadline.of_thread():
            deadline.watch(self.sock)
        return super().getresponse()  # type: ignore[misc, no-any-return]


class _Http(Watched, HTTPConnection):  # type: ignore[misc]
    pass


class _Https(Watched, HTTPSConnection):  # type: ignore[misc]
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class _WatchedAdapter(HTTPAdapter):
    """The way of requests to a service, by connections that a deadline can hang up."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}

    def proxy_manager_for(self, *args: Any, **options: Any) -> Any:
        manager = super().proxy_manager_for(*args, **options)
        manager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
        return manager


def retry(
    call: Callable[[], T],
    *,
    attempts: int,
    wait: float,
    longest: float = 60.0,
    in_time: Callable[[float], bool] = lambda seconds: True,
) -> T:
    """Call again after errors that prove that nothing was carried out, then raise the last one.

    Waits `wait` seconds, doubling, or what the service asks for. Gives up at once when that is more
    than `longest`, or when `in_time(seconds)` says that it would be too late by then.
    """

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, Throttled) else None
        return float(wait * 2 ** (state.attempt_number - 1) if asked is None else asked)

    def stop(state: RetryCallState) -> bool:
        seconds = pause(state)
        return state.attempt_number >= attempts or seconds > longest or not in_time(seconds)

    return Retrying(retry=retry_if_exception_type(Transient), wait=pause, stop=stop, reraise=True)(
        call
    )


def retry_after(seconds: object) -> float | None:
    """Read how many seconds a service asks us to wait; None when it does not say."""
    try:
        asked = float(str(seconds))
    except ValueError:
        return None
    return asked if 0 <= asked < 1e9 else None


@dataclass(frozen=True)
class RetryPolicy:
    """How long one question may take; `wait` doubles after each try."""

    connect_timeout: float  # seconds
    read_timeout: float  # seconds without a byte
    deadline: float = DEADLINE
    attempts: int = 3
    wait: float = 1.0  # seconds


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow nothing: requests reads the address of a redirect also when it must not follow."""


def make_session() -> requests.Session:
    """Make a session, which never retries by itself, never authenticates and follows nothing."""
    session = _Session()
    # A ~/.netrc would add an Authorization header that Naver never asked for.
    session.auth = lambda request: request
    session.mount("http://", _WatchedAdapter())
    session.mount("https://", _WatchedAdapter())
    return session


def get_with_retry(
    session: requests.Session,
    url: str,
    *,
    service: str,
    policy: RetryPolicy,
    read: Callable[[requests.Response], T],
    params: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> T:
    """Ask one question, again while trying again may help; follows no redirect.

    `read` gets any answer that is neither 429 nor 5xx; a Transient that it raises counts as no
    answer. Raises ServiceUnavailable, Throttled, Permanent for an impossible address, and whatever
    `read` raises.
    """

    def once() -> T:
        try:
            with Deadline(policy.deadline) as deadline:
                answer = session.get(
                    url,
                    params=dict(params or {}),
                    headers=dict(headers or {}),
                    timeout=(policy.connect_timeout, policy.read_timeout),
                    allow_redirects=False,
                    stream=True,
                )
                _read_whole(answer, deadline)
        except (LocationParseError, InvalidSchema, InvalidURL, MissingSchema):
            raise Permanent(f"{service}: the address in the settings is none") from None
        except (requests.RequestException, HTTPError, UnicodeError) as error:
            # The cause would show the whole URL in every traceback.
            raise ServiceUnavailable(
                f"{service}: no whole answer from {_place(url)} ({type(error).__name__})"
            ) from None
        _judge(answer, service=service, place=_place(url))
        return read(answer)

    return retry(once, attempts=policy.attempts, wait=policy.wait)


def _read_whole(answer: requests.Response, deadline: Deadline) -> None:
    """Read the body piece by piece, so that neither its time nor its size is without end."""
    body = bytearray()
    try:
        # A piece is what has come, and little of it: one read could unpack to gigabytes.
        while piece := answer.raw.read1(_PIECE, decode_content=True):
            body += piece
            if len(body) > LARGEST:
                raise requests.ConnectionError("the answer is too large")
            if deadline.over:
                break
        if deadline.over:
            raise requests.Timeout("the answer was not whole in time")
        if answer.raw.length_remaining:
            raise requests.ConnectionError("the answer broke off")
    except BaseException:
        answer.close()  # what is left on the line is no answer to the next question
        raise
    answer._content = bytes(body)  # where requests' own reading puts it


def _judge(answer: requests.Response, *, service: str, place: str) -> None:
    if answer.status_code == 429:
        asked = wait_asked(answer.headers)
        raise Throttled(f"{service}: {place} asks us to wait (429)", retry_after=asked)
    if answer.status_code >= 500:
        raise ServiceUnavailable(f"{service}: {place} answered {answer.status_code}")


def wait_asked(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After, which holds seconds or a date; None when it holds neither."""
    text = headers.get("Retry-After", "")
    seconds = retry_after(text)
    if seconds is not None:
        return seconds
    until = read_date(text)
    if until is None:
        return None
    # Both dates are the server's, so our own clock does not matter.
    return max(0.0, (until - (read_date(headers.get("Date", "")) or until)).total_seconds())


def read_date(text: str) -> datetime | None:
    """Read an HTTP date, such as the header Date; None when it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _place(url: str) -> str:
    """Name host and path; a query may hold what no log should."""
    parts = urlsplit(url)
    return f"{parts.hostname}{parts.path}"
