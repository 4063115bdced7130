"""Calls that wait for answers, made at the same time on threads of this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


def call_at_once(calls: Sequence[Callable[[], T]], *, parallel: int) -> list[T]:
    """Make these calls, at most `parallel` of them at a time; gives what they give, in their order.

    Raises what the first of them raises; what has not begun by then is not begun any more. One at a
    time is this very thread's work.
    """
    if min(len(calls), parallel) <= 1:
        return [call() for call in calls]
    with ThreadPoolExecutor(min(len(calls), parallel)) as pool:
        futures = [pool.submit(copy_context().run, call) for call in calls]
        try:
            return [future.result() for future in futures]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
