"""Questions over HTTP: time-outs, patience, and the vendors' errors in our words.

Only for questions, which may be asked again; what sends something goes through
`messaging.single_send_http`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlsplit

import requests
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from urllib3.exceptions import LocationParseError

from naverplace.base.errors import Permanent, ServiceUnavailable, Throttled, Transient

T = TypeVar("T")


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
    attempts: int = 3
    wait: float = 1.0  # seconds


def make_session() -> requests.Session:
    """Make a session, which never retries by itself, and never authenticates either."""
    session = requests.Session()
    # A ~/.netrc would add an Authorization header that Naver never asked for.
    session.auth = lambda request: request
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
            answer = session.get(
                url,
                params=dict(params or {}),
                headers=dict(headers or {}),
                timeout=(policy.connect_timeout, policy.read_timeout),
                allow_redirects=False,
            )
        except (LocationParseError, InvalidSchema, InvalidURL, MissingSchema):
            raise Permanent(f"{service}: the address in the settings is none") from None
        except (requests.RequestException, UnicodeError) as error:
            # The cause would show the whole URL in every traceback.
            raise ServiceUnavailable(
                f"{service}: no whole answer from {_place(url)} ({type(error).__name__})"
            ) from None
        _judge(answer, service=service, place=_place(url))
        return read(answer)

    return retry(once, attempts=policy.attempts, wait=policy.wait)


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
