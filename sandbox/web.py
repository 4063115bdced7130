"""One service's web server: threaded, on loopback, on the world's clock, gone when stopped."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any
from wsgiref.types import WSGIApplication

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from sandbox.faults import SERVICES
from sandbox.faulty_service import FaultyService
from sandbox.state import World

HOST = "127.0.0.1"
JOIN_SECONDS = 5.0
BACKLOG = 64
log = logging.getLogger("sandbox")


class WebService:
    """A WSGI app behind a line that can break; binds its port at once, serves from `start`.

    The control API's line never breaks, and nobody writes its requests down.
    """

    def __init__(self, app: WSGIApplication, *, service: str, world: World, port: int = 0) -> None:
        class Handler(_QuietHandler):
            def date_time_string(self, timestamp: float | None = None) -> str:
                # The library compares this header with its clock.
                return super().date_time_string(timestamp or world.now().timestamp())

        if service in SERVICES:
            app = FaultyService(app, service=service, world=world)
        self._server = _Server(HOST, port, app, handler=Handler)
        self.url = f"http://{HOST}:{self._server.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name=f"sandbox-{service}",
            daemon=True,
        )

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Close every connection, end every thread and free the port."""
        self._server.shutdown()
        self._thread.join(JOIN_SECONDS)
        self._server.server_close()
        self._server.end_all()


class _Server(ThreadedWSGIServer):
    def __init__(self, host: str, port: int, app: WSGIApplication, *, handler: Any) -> None:
        # With a socket of our own, a taken port is an OSError; werkzeug would exit the process.
        with socket.create_server((host, port), backlog=BACKLOG) as bound:
            super().__init__(host, port, app, handler=handler, fd=bound.fileno())
        self._open: dict[threading.Thread, socket.socket] = {}
        self._guard = threading.Lock()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        me = threading.current_thread()
        with self._guard:
            self._open[me] = request
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self._guard:
                self._open.pop(me, None)

    def end_all(self) -> None:
        """End connections that are still open, such as a browser's idle ones."""
        with self._guard:
            left = dict(self._open)
        for line in left.values():
            try:
                line.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("a connection was closed by its client first")
        for thread in left:
            thread.join(JOIN_SECONDS)


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        if type == "error":
            log.error(message.rstrip(), *args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass  # World.requests is the log
