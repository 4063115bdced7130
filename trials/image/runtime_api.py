"""Lambda's runtime API on loopback: hands out invocations, and keeps what the function answers."""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
import uuid
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

VERSION = "/2018-06-01/runtime"
ARN = "arn:aws:lambda:ap-northeast-2:000000000000:function:naverplace"
LIMIT_SECONDS = 900  # Lambda's longest


@dataclass
class Invocation:
    """An event on its way, and what came of it."""

    event: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    taken: float = 0.0
    ended: float = 0.0
    answer: Any = None
    error: Any = None
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def seconds(self) -> float:
        """Tell how long the function worked on it."""
        return self.ended - self.taken


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A function that is ended in the middle of its question is no error."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class RuntimeApi:
    """Serves one function; `asked` is set once the function asks for its first event."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.init_error: Any = None
        self._waiting: queue.Queue[Invocation | None] = queue.Queue()
        self._running: dict[str, Invocation] = {}
        self._server = _Server(("127.0.0.1", 0), _handler_for(self))
        self.address = f"127.0.0.1:{self._server.server_port}"

    def environment(self) -> dict[str, str]:
        """List the variables that Lambda sets for a function."""
        return {
            "AWS_LAMBDA_RUNTIME_API": self.address,
            "AWS_LAMBDA_FUNCTION_NAME": "naverplace",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
            "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/naverplace",
            "AWS_LAMBDA_LOG_STREAM_NAME": "2030/01/01/[$LATEST]0",
            "AWS_REGION": "ap-northeast-2",
            "LANG": "en_US.UTF-8",
            "TZ": ":UTC",
            "_HANDLER": "naverplace.handler.lambda_handler",
            "LAMBDA_TASK_ROOT": "/var/task",
        }

    def invoke(self, event: dict[str, Any]) -> Invocation:
        """Hand an event to the function, as soon as it asks for one."""
        one = Invocation(event)
        self._waiting.put(one)
        return one

    def take(self) -> Invocation | None:
        """Wait for an event to hand out; None when the server closes."""
        self.asked.set()
        one = self._waiting.get()
        if one is not None:
            one.taken = time.monotonic()
            self._running[one.id] = one
        return one

    def settle(self, request_id: str, what: str, body: Any) -> bool:
        """Keep a function's answer or error; False for a request nobody has made."""
        one = self._running.pop(request_id, None)
        if one is None:
            return False
        one.ended = time.monotonic()
        one.answer, one.error = (body, None) if what == "response" else (None, body)
        one.over.set()
        return True

    def __enter__(self) -> RuntimeApi:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._waiting.put(None)
        self._server.shutdown()
        self._server.server_close()


def _handler_for(api: RuntimeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path != f"{VERSION}/invocation/next":
                return self._say(404, {"errorType": "NotFound"})
            one = api.take()
            if one is None:
                return self._say(500, {"errorType": "Closed"})
            ends = int((time.time() + LIMIT_SECONDS) * 1000)
            headers = {
                "Lambda-Runtime-Aws-Request-Id": one.id,
                "Lambda-Runtime-Deadline-Ms": str(ends),
                "Lambda-Runtime-Invoked-Function-Arn": ARN,
                "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
            }
            return self._say(200, one.event, headers)

        def do_POST(self) -> None:
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                raw = b"".join(iter(self._chunk, b""))
            else:
                raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            body = json.loads(raw or b"null")
            parts = self.path.removeprefix(VERSION).strip("/").split("/")
            if parts == ["init", "error"]:
                api.init_error = body
                api.asked.set()
                return self._say(202, {"status": "OK"})
            known = len(parts) == 3 and parts[2] in ("response", "error")
            if known and api.settle(parts[1], parts[2], body):
                return self._say(202, {"status": "OK"})
            return self._say(404, {"errorType": "NotFound"})

        def _chunk(self) -> bytes:
            size = int(self.rfile.readline().split(b";")[0], 16)
            data = self.rfile.read(size)
            self.rfile.readline()
            return data

        def _say(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
            raw = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**(headers or {}), "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Keep quiet: the function's own log is what counts."""

    return Handler
