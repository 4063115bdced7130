"""SENS: the sandbox's own service in simulated time; what it accepts goes to the oracle at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from itertools import takewhile
from typing import Any
from urllib.parse import parse_qsl
from wsgiref.types import StartResponse, WSGIEnvironment

from naverplace.base.clock import SEOUL
from sandbox.sens import create_sens_app
from sandbox.state import World
from trials.year.kernel import Kernel
from trials.year.troubles import Troubles

KEPT = 30 * 3600.0  # seconds that a message stays in the log; in the real one 90 days
LAG, SLOW = 0.2, 60.0  # seconds until a message stands in the log


class SimulatedWorld(World):
    """The sandbox's world on the kernel's clock."""

    kernel: Kernel

    def now(self) -> datetime:
        """Tell the simulated time."""
        return datetime.fromtimestamp(self.kernel.now, SEOUL)


class Sens:
    """The service, as one WSGI application."""

    def __init__(
        self,
        kernel: Kernel,
        troubles: Troubles,
        accepted: Callable[..., None],
        noted: Callable[[dict[str, Any], float], None],
    ) -> None:
        self.world = SimulatedWorld()
        self.world.kernel = kernel
        self.app = create_sens_app(self.world)
        self.kernel, self.troubles, self.accepted, self.noted = kernel, troubles, accepted, noted
        self._log: deque[tuple[float, dict[str, Any]]] = deque()
        self._by_request: dict[str, list[dict[str, Any]]] = {}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        trouble = self.troubles.at("sens", self.kernel.now)
        slow = trouble is not None and trouble.kind == "log slow"
        self.world.sens.list_lag_seconds = SLOW if slow else LAG
        if environ["REQUEST_METHOD"] != "POST":
            self.world.messages = self._asked_about(environ)
            return self.app(environ, start_response)
        self.world.messages = []
        answer = self.app(environ, start_response)
        for message in self.world.messages:
            self._keep(message)
        return answer

    def _keep(self, message: dict[str, Any]) -> None:
        while self._log and self._log[0][0] < self.kernel.now - KEPT:
            self._by_request.pop(self._log.popleft()[1]["requestId"], None)
        self._log.append((self.kernel.now, message))
        self._by_request.setdefault(message["requestId"], []).append(message)
        self.noted(message, self.kernel.now)
        self.accepted(
            at=self.kernel.now,
            to=message["to"],
            subject=message["subject"],
            text=message["original"],
        )

    def _asked_about(self, environ: WSGIEnvironment) -> list[dict[str, Any]]:
        """Give the sandbox all that a question can be about, for it looks at every message."""
        query = dict(parse_qsl(str(environ["QUERY_STRING"])))
        name = str(environ["PATH_INFO"]).rpartition("/")[2]
        request_id = query.get("requestId") or name.rpartition("-")[0]
        if request_id in self._by_request:
            return self._by_request[request_id]
        to, since = query.get("to"), query.get("requestStartTime", "")
        # The newest first, until they are older than what is asked for.
        newest = (message for _, message in reversed(self._log))
        recent = takewhile(lambda message: bool(message["requestTime"] >= since), newest)
        return [m for m in recent if to is None or m["to"] == to][::-1]
