"""The two wires, replaced at the vendors' edge: a client of DynamoDB, and connections to SENS.

The library's own code signs, connects, sends, reads and words its errors; only the socket under
`Wire`, and the client that `boto3` would make, are ours. Every call takes simulated time before
and after it is carried out, so that runs interleave there, die there and are frozen there.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import RemoteDisconnected
from typing import Any
from unittest.mock import patch
from wsgiref.types import WSGIApplication

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from naverplace.messaging.single_send_http import SingleSendClient
from sandbox.memory_dynamodb.tables import MemoryTables, refusal
from trials.year.fate import Fate
from trials.year.troubles import Troubles

ATTEMPTS = 8  # as the setting aws.attempts says: botocore repeats by itself
OPERATIONS = (
    "get_item",
    "batch_get_item",
    "put_item",
    "update_item",
    "delete_item",
    "scan",
    "query",
)


class Line:
    """A run's DynamoDB client: botocore's retries over a service that may be away."""

    def __init__(self, tables: MemoryTables, troubles: Troubles, fate: Fate) -> None:
        self.tables, self.troubles, self.fate = tables, troubles, fate
        for operation in OPERATIONS:
            setattr(self, operation, self._method(operation))

    def _method(self, operation: str) -> Callable[..., dict[str, Any]]:
        def call(**request: Any) -> dict[str, Any]:
            return self._call(operation, request)

        return call

    def _call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        fate = self.fate
        fate.boundary()
        for attempt in range(ATTEMPTS):
            fate.kernel.sleep(0.004 + fate.luck.random() * 0.008)
            kind = self.troubles.strikes("dynamodb", fate)
            if kind in ("", "answer lost"):
                answer = self.tables.call(operation, request)
                fate.kernel.sleep(0.002)
                if not kind:
                    fate.boundary()
                    return answer
            last = attempt + 1 == ATTEMPTS
            fate.kernel.sleep(10.0 if kind == "answer lost" else 0.0 if last else 0.2 * 2**attempt)
        fate.boundary()
        raise self._error(operation, kind)

    def _error(self, operation: str, kind: str) -> Exception:
        if kind == "throttled":
            return refusal(operation, "ProvisionedThroughputExceededException", "slow down")
        if kind == "internal":
            return refusal(operation, "InternalServerError", "try again", status=500)
        if kind == "answer lost":
            return ReadTimeoutError(endpoint_url="memory://")
        return EndpointConnectionError(endpoint_url="memory://")


@dataclass
class Response:
    """An answer, as `http.client` gives it."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    length: int = 0  # of the body, what is not there yet

    def read(self, most: int) -> bytes:
        """Read the body."""
        return self.body[:most]

    def getheaders(self) -> list[tuple[str, str]]:
        """List the headers."""
        return self.headers


@dataclass
class Connection:
    """One connection to SENS, in the place of `http.client`'s own."""

    app: WSGIApplication
    troubles: Troubles
    fate: Fate
    read_timeout: float
    kind: str = ""  # the trouble that strikes this request
    auto_open: int = 1
    _request: Callable[[], Response] | None = None
    _response: Response | None = None
    _method: str = ""

    @property
    def sock(self) -> Connection:
        """Stand in for the socket too: its time-out is known."""
        return self

    def settimeout(self, seconds: float) -> None:
        """Take the seconds to wait for an answer."""
        self.read_timeout = seconds

    def connect(self) -> None:
        """Connect, unless nobody is there."""
        self.fate.boundary()
        self.fate.kernel.sleep(0.01 + self.fate.luck.random() * 0.03)
        self.kind = self.troubles.strikes("sens", self.fate)
        if self.kind == "unreachable":
            self.fate.kernel.sleep(5.0)
            raise TimeoutError("timed out")

    def request(self, method: str, target: str, *, body: bytes | None, headers: Any) -> None:
        """Send the request; what becomes of it shows in the answer."""
        self._method = method
        self._request = lambda: asked(self.app, method, target, headers, body or b"")

    def getresponse(self) -> Response:
        """Wait for the answer; raises as `http.client` does when none comes."""
        assert self._request is not None  # noqa: S101 - the library sends before it reads
        fate, kind = self.fate, self._struck()
        fate.kernel.sleep(0.02 + fate.luck.random() * 0.08)
        if kind.startswith("status "):
            return self._refused(int(kind.removeprefix("status ")))
        if kind in ("dropped before", "timed out before", "accepted late"):
            if kind == "accepted late":
                self._later(self._request)
            self._lose(kind)
        response = self._request()
        if kind in ("dropped after", "timed out after"):
            self._lose(kind)
        if kind == "503 after":
            response = self._refused(503)
        if kind == "half an answer":
            response.body = response.body[: len(response.body) // 2]
        fate.kernel.sleep(0.02 + fate.luck.random() * 0.1)
        fate.boundary()
        return response

    def _struck(self) -> str:
        if self.kind == "log away":
            return "status 503" if self._method == "GET" else ""
        if self.kind == "log slow":  # the world's own: its look-ups lag
            return ""
        return self.kind

    def _refused(self, status: int) -> Response:
        body = json.dumps({"status": status, "errorMessage": "the year says no"}).encode()
        headers = [("Retry-After", "2")] if status == 429 else []
        return Response(status, headers, body)

    def _later(self, request: Callable[[], Response]) -> None:
        """Let SENS take the request long after its sender has given up."""
        at = self.fate.kernel.now + self.read_timeout + self.fate.luck.uniform(1.0, 45.0)
        self.fate.kernel.spawn(at, lambda: [request()].clear())

    def _lose(self, kind: str) -> None:
        if kind.startswith("dropped"):
            raise RemoteDisconnected("Remote end closed connection without response")
        self.fate.kernel.sleep(self.read_timeout)
        raise TimeoutError("timed out")

    def close(self) -> None:
        """Hang up."""


def asked(
    app: WSGIApplication, method: str, target: str, headers: Mapping[str, str], body: bytes
) -> Response:
    """Ask a WSGI application one question."""
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "RAW_URI": target,
        "SERVER_NAME": "sens",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()},
    }
    response = Response(0, [], b"")

    def start(status: str, found: list[tuple[str, str]], _: Any = None) -> Callable[[bytes], Any]:
        response.status, response.headers = int(status.split()[0]), found
        return lambda _: None

    response.body = b"".join(app(environ, start))
    return response


@dataclass
class Switchboard:
    """Puts every connection of the library through to the run that makes it."""

    app: WSGIApplication
    troubles: Troubles
    find_fate: Callable[[], Fate]
    connections: int = field(default=0)

    @contextmanager
    def switched(self) -> Iterator[None]:
        """Take the place of the library's sockets."""

        def connection(wire: SingleSendClient, *where: object) -> Any:
            self.connections += 1
            return Connection(self.app, self.troubles, self.find_fate(), wire.read_timeout)

        with patch.object(SingleSendClient, "_connection", connection):
            yield
