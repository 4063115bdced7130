"""How long the phases and the outside calls of a run took, also when they run side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

Span = tuple[float, float]  # begin and end, in seconds


@dataclass(frozen=True)
class Calls:
    """The outside calls of one kind."""

    count: int
    wall: float  # seconds in which at least one of them was under way
    summed: float  # seconds of all of them added up; more than `wall` when they ran side by side


class PhaseTimer:
    """Measures phases by name; a phase lasts from its first part's start to its last part's end.

    Calls are measured one by one, so that what lies between them is not counted.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._phases: dict[str, list[Span]] = {}
        self._calls: dict[str, list[Span]] = {}

    def phase(self, name: str) -> AbstractContextManager[None]:
        """Count the time inside the `with` to the phase, also when it raises."""
        return self._measure(self._phases, name)

    def call(self, name: str) -> AbstractContextManager[None]:
        """Count the time inside the `with` as one call, also when it raises."""
        return self._measure(self._calls, name)

    @contextmanager
    def _measure(self, spans: dict[str, list[Span]], name: str) -> Iterator[None]:
        begin = time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                spans.setdefault(name, []).append((begin, time.monotonic()))

    def note(self, name: str, begin: float, end: float) -> None:
        """Count a call that was measured elsewhere, by time.monotonic()."""
        with self._lock:
            self._calls.setdefault(name, []).append((begin, end))

    def spans(self) -> dict[str, Span]:
        """List when each phase began and ended, in seconds since the stopwatch was made."""
        began = self._started
        with self._lock:
            phases = sorted(self._phases.items(), key=lambda phase: min(phase[1]))
            return {
                name: (min(parts)[0] - began, max(end for _, end in parts) - began)
                for name, parts in phases
            }

    def calls(self, *names: str) -> Calls:
        """Sum up the calls of these names together."""
        with self._lock:
            spans = sorted(span for name in names for span in self._calls.get(name, ()))
        wall, until = 0.0, float("-inf")
        for begin, end in spans:
            wall += max(0.0, end - max(begin, until))
            until = max(until, end)
        return Calls(len(spans), wall, sum(end - begin for begin, end in spans))

    def seconds(self) -> float:
        """Tell the seconds since the stopwatch was made."""
        return time.monotonic() - self._started
