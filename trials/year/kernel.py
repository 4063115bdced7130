"""Simulated time: one actor runs at a time, and waiting costs nothing.

Every actor has a thread of its own, since the library's code cannot be suspended otherwise. The
turn passes from one to the next when one waits (for an answer, for a lease, for its next try) and
another is due before it: so two runs interleave at their calls, the same way for the same seed.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unittest.mock import patch

from naverplace.base.clock import SEOUL, Clock


class Killed(BaseException):
    """The worker was killed: no handler of the library's may see it as an error."""


class Actor:
    """One thing that happens in simulated time; `context` is whatever its caller wants to find."""

    def __init__(self, work: Callable[[], None], context: Any) -> None:
        self.work, self.context = work, context
        self.gate = threading.Semaphore(0)
        self.thread: threading.Thread | None = None


class Kernel:
    """The clock, and whose turn it is; times are seconds since 1970."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.current: Actor | None = None
        self._waiting: list[tuple[float, int, Actor]] = []
        self._order = itertools.count()
        self._gate = threading.Semaphore(0)
        self._defect: BaseException | None = None

    def spawn(self, at: float, work: Callable[[], None], *, context: Any = None) -> None:
        """Let an actor begin at this time."""
        heapq.heappush(self._waiting, (at, next(self._order), Actor(work, context)))

    def run(self, until: float) -> None:
        """Let everything happen that is due before `until`; raises what an actor raised."""
        while self._waiting and self._waiting[0][0] < until:
            at, _, actor = heapq.heappop(self._waiting)
            self.now, self.current = max(self.now, at), actor
            if actor.thread is None:
                actor.thread = threading.Thread(target=self._perform, args=(actor,), daemon=True)
                actor.thread.start()  # its first step may be over before this returns
            else:
                actor.gate.release()
            self._gate.acquire()
            self.current = None
            if self._defect is not None:
                raise self._defect
        self.now = max(self.now, until)

    def sleep(self, seconds: float) -> None:
        """Wait in simulated time; others get their turn when they are due before."""
        target = self.now + max(0.0, seconds)
        actor = self.current
        if actor is None:
            raise RuntimeError("only an actor can wait in simulated time")
        if self._waiting and self._waiting[0][0] <= target:
            heapq.heappush(self._waiting, (target, next(self._order), actor))
            self._gate.release()
            actor.gate.acquire()
        self.now = max(self.now, target)

    def _perform(self, actor: Actor) -> None:
        try:
            actor.work()
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - the campaign's own thread raises it
            self._defect = error
        finally:
            self._gate.release()


@dataclass(frozen=True)
class SimulatedClock(Clock):
    """The kernel's time as the library reads it."""

    kernel: Kernel = field(default_factory=lambda: Kernel(0.0))

    def now(self) -> datetime:
        """Tell the simulated time."""
        return datetime.fromtimestamp(self.kernel.now, SEOUL)


@contextmanager
def simulated_sleep(kernel: Kernel) -> Iterator[None]:
    """Let `time.sleep` wait, and `time.monotonic` tell, simulated time wherever an actor asks."""
    real_sleep, real_monotonic = time.sleep, time.monotonic

    def acting() -> bool:
        actor = kernel.current
        return actor is not None and threading.current_thread() is actor.thread

    def sleep(seconds: float) -> None:
        if acting():
            kernel.sleep(seconds)
        else:
            real_sleep(seconds)

    def monotonic() -> float:
        return kernel.now if acting() else real_monotonic()

    with patch("time.sleep", sleep), patch("time.monotonic", monotonic):
        yield
