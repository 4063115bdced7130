"""How long the phases of a run took, also when parts of one run side by side."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Stopwatch:
    """Measures phases by name; a phase lasts from its first part's start to its last part's end."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = time.monotonic()
        self._spans: dict[str, tuple[float, float]] = {}

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Count the time inside the `with` to the phase, also when it raises."""
        begin = time.monotonic()
        try:
            yield
        finally:
            end = time.monotonic()
            with self._lock:
                first, last = self._spans.get(name, (begin, end))
                self._spans[name] = (min(first, begin), max(last, end))

    def phases(self) -> dict[str, float]:
        """List the phases in the order they began, in seconds."""
        with self._lock:
            spans = sorted(self._spans.items(), key=lambda item: item[1][0])
        return {name: end - begin for name, (begin, end) in spans}

    def seconds(self) -> float:
        """Tell the seconds since the stopwatch was made."""
        return time.monotonic() - self._started
