"""A service behind a line that can break, on real sockets."""

from __future__ import annotations

import contextlib
import io
import logging
import select
import socket
import time
from collections.abc import Iterable, Iterator
from threading import Event
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.test import run_wsgi_app

from sandbox.callers import MARK, take_caller
from sandbox.faults import Fault
from sandbox.problems import HTML_STUB, Answer, problem
from sandbox.request_log import Seen
from sandbox.state import World

HOLD_SECONDS = 60.0
log = logging.getLogger("sandbox")


class Dropped(ConnectionError):
    """The connection is gone; werkzeug ends the request without a word."""


class Trickled(bytes):
    """A body that comes byte by byte."""

    seconds = 0.0  # between two bytes

    def pieces(self, released: Event) -> Iterator[bytes]:
        """Give one byte after another, until the world is begun anew."""
        for byte in self:
            if released.wait(self.seconds):
                return
            yield bytes([byte])


class FaultyService:
    """A service behind a line that can break; it also writes down every request."""

    def __init__(self, app: WSGIApplication, *, service: str, world: World) -> None:
        self.app, self.service, self.world = app, service, world

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request, or fail to."""
        started = time.monotonic()
        seen = self._read(environ)
        callers = self.world.callers
        if callers.enter(seen):
            self.world.requests.append(seen)
            try:
                status, headers, body = self._serve(environ, seen)
            finally:
                seen.seconds = time.monotonic() - started
                callers.leave(seen)
        else:
            status, headers, body = self._refuse(seen)
        if seen.status == "open":
            seen.status = int(status.split()[0])
        # The server adds the Date of the world's clock; an app's own would be a second one.
        start_response(status, [(k, v) for k, v in headers if k.lower() != "date"])
        return body.pieces(self.world.released) if isinstance(body, Trickled) else [body]

    def _serve(self, environ: WSGIEnvironment, seen: Seen) -> Answer:
        fault = self._strike(seen)
        kind = fault.kind if fault else ""
        if fault is None:
            return self._ask(environ, seen)
        if kind.startswith("status:"):
            return problem(self.service, int(fault.number), fault.value)
        if kind.startswith("status_after:"):
            self._ask(environ, seen)
            return problem(self.service, int(fault.number), fault.value)
        if kind == "html":
            page = HTML_STUB.encode()
            return "200 OK", [("Content-Type", "text/html; charset=utf-8")], page
        if kind == "json":
            return "200 OK", [("Content-Type", "application/json")], str(fault.value).encode()
        if kind == "hook_then":
            fault.value()
            return self._ask(environ, seen)
        if kind == "expire_session":
            with self.world.lock:
                self.world.cookies.kill_all()
            return self._ask(environ, seen)
        if kind in ("raw", "raw_after"):
            self._write(environ, fault, seen)
        if kind.endswith("_before"):
            self._lose(environ, fault, seen)
        status, headers, body = self._ask(environ, seen)
        if kind.endswith("_after"):
            self._lose(environ, fault, seen)
        if kind.startswith("trickle:"):
            slow = Trickled(body)
            slow.seconds = fault.number
            return status, headers, slow
        headers = [(k, v) for k, v in headers if k.lower() != "content-length"]
        half = body[: len(body) // 2]
        length = len(half) if kind == "truncate_text" else len(body)
        seen.status = "truncated"
        return status, [*headers, ("Content-Length", str(length))], half

    def _read(self, environ: WSGIEnvironment) -> Seen:
        body = _read_body(environ)
        target = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ["PATH_INFO"])
        if caller := take_caller(environ):
            target = target.removeprefix(MARK + caller)
        if operation := environ.get("HTTP_X_AMZ_TARGET"):
            target += f" {operation}"
        headers = {
            name[5:].replace("_", "-").lower(): str(value)
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        return Seen(
            self.service,
            method=str(environ["REQUEST_METHOD"]),
            target=target,
            headers=headers,
            body=body,
            at=self.world.now(),
            caller=caller,
        )

    def _strike(self, seen: Seen) -> Fault | None:
        """Wait as long as latency says, and pick the first fault that hits."""
        with self.world.lock:
            wait = self.world.latency.get(self.service, 0.0)
            found = None
            for fault in self.world.faults:
                if fault.holding.encode() not in seen.body:
                    continue
                slow = fault.kind.startswith("latency:")
                if (found is None or slow) and fault.strikes(self.service, seen.line):
                    wait += fault.number if slow else 0.0
                    found = found if slow else fault
            released = self.world.released
        if wait:
            released.wait(wait)
        return found

    def _refuse(self, seen: Seen) -> Answer:
        log.warning("refused: %s of %r, who is not expected", seen.line, seen.caller)
        return problem(self.service, 403)

    def _ask(self, environ: WSGIEnvironment, seen: Seen) -> Answer:
        if not self.world.callers.still_expected(seen):
            return self._refuse(seen)
        answer, status, headers = run_wsgi_app(self.app, environ, buffered=True)
        return status, list(headers), b"".join(answer)

    def _write(self, environ: WSGIEnvironment, fault: Fault, seen: Seen) -> None:
        """Write on the line what the fault says, past HTTP's rules, and hang up."""
        if fault.kind == "raw_after":
            self._ask(environ, seen)
        line: socket.socket = environ["werkzeug.socket"]
        seen.status = "raw"
        released = self.world.released
        with contextlib.suppress(OSError):  # the client has hung up
            for piece in fault.value():
                if released.is_set():
                    break
                if isinstance(piece, float):
                    if released.wait(piece) or _hung_up(line):
                        break
                else:
                    line.sendall(piece)
        _close(line)
        raise Dropped

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
