"""SENS: the sandbox's own service in simulated time; what it accepts goes to the oracle at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

from naverplace.clock import SEOUL
from sandbox.sens import create_sens_app
from sandbox.state import World
from trials.year.kernel import Kernel
from trials.year.troubles import DAY, Troubles

KEPT = 30 * 3600.0  # messages stay in the log for look-ups this long; real ones for 90 days
LAG, SLOW = 3.0, 60.0  # seconds until a message stands in the log


class SimulatedWorld(World):
    """The sandbox's world on the kernel's clock."""

    kernel: Kernel

    def now(self) -> datetime:
        """Tell the simulated time."""
        return datetime.fromtimestamp(self.kernel.now, SEOUL)


class Sens:
    """The service, as one WSGI application."""

    def __init__(self, kernel: Kernel, troubles: Troubles, accepted: Callable[..., None]) -> None:
        self.world = SimulatedWorld()
        self.world.kernel = kernel
        self.app = create_sens_app(self.world)
        self.kernel, self.troubles, self.accepted = kernel, troubles, accepted
        self._seen = 0
        self._swept = kernel.now

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        trouble = self.troubles.at("sens", self.kernel.now)
        slow = trouble is not None and trouble.kind == "log slow"
        self.world.sens.list_lag_seconds = SLOW if slow else LAG
        answer = self.app(environ, start_response)
        for message in self.world.messages[self._seen :]:
            self._tell(message)
        self._seen = len(self.world.messages)
        self._sweep()
        return answer

    def _tell(self, message: dict[str, Any]) -> None:
        self.accepted(
            at=self.kernel.now,
            to=message["to"],
            subject=message["subject"],
            text=message["original"],
        )

    def _sweep(self) -> None:
        """Forget what nobody will look up any more."""
        if self.kernel.now - self._swept < DAY / 4:
            return
        self._swept = self.kernel.now
        since = datetime.fromtimestamp(self.kernel.now - KEPT, SEOUL).isoformat()
        self.world.messages = [m for m in self.world.messages if m["at"] >= since]
        self._seen = len(self.world.messages)
