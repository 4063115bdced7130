"""Faults on demand: what can go wrong between a client and a service, on real sockets."""

from __future__ import annotations

import contextlib
import io
import select
import socket
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.test import run_wsgi_app

from sandbox.problems import HTML_STUB, problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.state import Seen, World

PLAIN_KINDS = (
    "timeout_before",  # the request arrives, nothing is done, and no answer ever comes
    "timeout_after",  # it is done, and no answer ever comes
    "drop_before",  # nothing is done, and the connection is closed
    "drop_after",  # it is done, and the connection is closed
    "html",  # 200 with a web page; nothing is done
    "truncate",  # it is done; the connection breaks in the middle of the answer
    "truncate_text",  # it is done; half of the answer, sent as if it were whole
    "expire_session",  # every Naver log-in ends, then the request goes on
    "hook_before",  # nothing is done; `value` is called, then the connection is closed
    "hook_after",  # it is done; `value` is called, then the connection is closed
    "hook_then",  # `value` is called, then the request goes on
)
SERVICES = ("nid", "partner", "sens", "telegram", "slack", "aws")
HOLD_SECONDS = 60.0


@dataclass
class Fault:
    """One thing that goes wrong.

    It hits requests of `service` whose "METHOD path?query" (of AWS: "POST / Operation") holds
    `match`: the first `after` of them pass, then `times` are hit (None: all). Kinds are
    PLAIN_KINDS, `status:<code>`, `status_after:<code>` (it is done, and the answer is an error) and
    `latency:<seconds>`. `value` is, for a status 429, the seconds
    to wait; for AWS the exception's name; for a time-out the seconds until the line goes dead.
    """

    service: str
    match: str = ""
    kind: str = "status:503"
    after: int = 0
    times: int | None = 1
    value: Any = None
    seen: int = field(default=0, compare=False)
    hits: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in PLAIN_KINDS and not _is_numbered(self.kind):
            raise ValueError(
                f"unknown fault {self.kind!r}; use status[_after]:<code>, latency:<seconds>, "
                f"{', '.join(PLAIN_KINDS)}"
            )
        if self.service not in SERVICES:
            raise ValueError(f"unknown service {self.service!r}; use {', '.join(SERVICES)}")

    @property
    def number(self) -> float:
        return float(self.kind.partition(":")[2] or 0)

    def strikes(self, service: str, line: str) -> bool:
        """Tell whether this request is hit, and count it."""
        if service != self.service or self.match not in line:
            return False
        self.seen += 1
        if self.seen <= self.after or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True


def _is_numbered(kind: str) -> bool:
    name, _, number = kind.partition(":")
    try:
        if name in ("status", "status_after"):
            return bool(HTTPStatus(int(number)))
        return name == "latency" and 0 <= float(number) < 3600
    except ValueError:
        return False


class Dropped(ConnectionError):
    """The connection is gone; werkzeug ends the request without a word."""


class FaultyService:
    """A service behind a line that can break; it also writes down every request."""

    def __init__(self, app: WSGIApplication, *, service: str, world: World) -> None:
        self.app, self.service, self.world = app, service, world

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, or fail to."""
        started = time.monotonic()
        seen = self._write_down(environ)
        try:
            status, headers, body = self._serve(environ, seen)
        finally:
            seen.seconds = time.monotonic() - started
        if seen.status == "open":
            seen.status = int(status.split()[0])
        # The server adds the Date of the world's clock; an app's own would be a second one.
        start_response(status, [(k, v) for k, v in headers if k.lower() != "date"])
        return [body]

    def _serve(
        self, environ: WSGIEnvironment, seen: Seen
    ) -> tuple[str, list[tuple[str, str]], bytes]:
        fault = self._strike(seen)
        kind = fault.kind if fault else ""
        if fault is None:
            return self._ask(environ)
        if kind.startswith("status:"):
            return problem(self.service, int(fault.number), fault.value)
        if kind.startswith("status_after:"):
            self._ask(environ)
            return problem(self.service, int(fault.number), fault.value)
        if kind == "html":
            page = HTML_STUB.encode()
            return "200 OK", [("Content-Type", "text/html; charset=utf-8")], page
        if kind == "hook_then":
            fault.value()
            return self._ask(environ)
        if kind == "expire_session":
            with self.world.lock:
                self.world.cookies.kill_all()
            return self._ask(environ)
        if kind.endswith("_before"):
            self._lose(environ, fault, seen)
        status, headers, body = self._ask(environ)
        if kind.endswith("_after"):
            self._lose(environ, fault, seen)
        headers = [(k, v) for k, v in headers if k.lower() != "content-length"]
        half = body[: len(body) // 2]
        length = len(half) if kind == "truncate_text" else len(body)
        seen.status = "truncated"
        return status, [*headers, ("Content-Length", str(length))], half

    def _write_down(self, environ: WSGIEnvironment) -> Seen:
        from sandbox.state import Seen

        body = _read_body(environ)
        target = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"])
        if operation := environ.get("HTTP_X_AMZ_TARGET"):
            target += f" {operation}"
        headers = {
            name[5:].replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        seen = Seen(
            self.service,
            method=str(environ["REQUEST_METHOD"]),
            target=target,
            headers=headers,
            body=body,
            at=self.world.now(),
        )
        self.world.requests.append(seen)
        return seen

    def _strike(self, seen: Seen) -> Fault | None:
        """Wait as long as latency says, and pick the first fault that hits."""
        with self.world.lock:
            wait = self.world.latency.get(self.service, 0.0)
            found = None
            for fault in self.world.faults:
                slow = fault.kind.startswith("latency:")
                if (found is None or slow) and fault.strikes(self.service, seen.line):
                    wait += fault.number if slow else 0.0
                    found = found if slow else fault
            released = self.world.released
        if wait:
            released.wait(wait)
        return found

    def _ask(self, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], bytes]:
        answer, status, headers = run_wsgi_app(self.app, environ, buffered=True)
        return status, list(headers), b"".join(answer)

    def _lose(self, environ: WSGIEnvironment, fault: Fault, seen: Seen) -> None:
        """End the connection without an answer: at once, or after the client has waited."""
        if fault.kind.startswith("hook"):
            fault.value()
        line: socket.socket = environ["werkzeug.socket"]
        if fault.kind.startswith("timeout"):
            ends = time.monotonic() + float(fault.value or HOLD_SECONDS)
            released = self.world.released
            while time.monotonic() < ends and not _hung_up(line) and not released.wait(0.02):
                pass
        seen.status = "dropped"  # before the client can notice
        _close(line)
        raise Dropped


def _read_body(environ: WSGIEnvironment) -> bytes:
    stream = environ["wsgi.input"]
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = stream.read() if environ.get("wsgi.input_terminated") else stream.read(length)
    if len(body) < length:
        raise Dropped  # the client gave up half way: no service acts on half a request
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)
    return body


def _hung_up(line: socket.socket) -> bool:
    readable, _, _ = select.select([line], [], [], 0)
    try:
        return bool(readable) and not line.recv(1, socket.MSG_PEEK)
    except OSError:
        return True


def _close(line: socket.socket) -> None:
    with contextlib.suppress(OSError):  # the client may have been faster
        line.shutdown(socket.SHUT_RDWR)
