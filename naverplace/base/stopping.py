"""Being asked to end: a run then begins nothing new, finishes what is under way, and tells."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from naverplace.base.errors import Transient

SIGNALS = (signal.SIGTERM, signal.SIGHUP)


class Stopped(Transient):
    """A run was asked to end before it was done; the next one goes on."""


class StopRequest:
    """Whether, and why, a run is to begin nothing new; threads may share it."""

    def __init__(self) -> None:
        self._why = ""
        self._at = float("inf")
        self._why_then = ""

    def ask(self, why: str) -> None:
        """Ask the run to end now."""
        self._why = self._why or why

    def ask_in(self, seconds: float, why: str) -> None:
        """Ask it to end so many seconds from now."""
        self._at, self._why_then = time.monotonic() + seconds, why

    @property
    def why(self) -> str:
        """Say why it is to end; empty while it is not."""
        return self._why or (self._why_then if time.monotonic() >= self._at else "")

    def check(self) -> None:
        """Raise Stopped when it is to end."""
        if why := self.why:
            raise Stopped(why)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGHUP for the request to end, in the main thread, meanwhile."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def asked(number: int, _frame: FrameType | None) -> None:
            self.ask(f"the process was asked to end ({signal.Signals(number).name})")

        before = {number: signal.signal(number, asked) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
