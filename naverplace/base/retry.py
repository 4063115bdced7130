"""Calling again after errors that prove that nothing was carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception_type

from naverplace.base.errors import Throttled, Transient

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
