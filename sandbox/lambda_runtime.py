"""Lambda's runtime API on loopback: hands out invocations and keeps the function's answers."""

from __future__ import annotations

import queue
import threading
import time
import uuid
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from flask import Flask, Response, jsonify, request
from werkzeug.serving import WSGIRequestHandler, make_server

RUNTIME = "/2018-06-01/runtime"
ARN = "arn:aws:lambda:ap-northeast-2:000000000000:function:naverplace"
LIMIT_SECONDS = 900  # Lambda's longest
# What Lambda sets for a function, besides the address of this API.
ENVIRONMENT = {
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


@dataclass
class Invocation:
    """An event and what the function answered; `over` is set at its end."""

    event: dict[str, Any]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    started: float = 0.0
    ended: float = 0.0
    answer: Any = None
    error: Any = None
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def seconds(self) -> float:
        """Return how long the function worked on it."""
        return self.ended - self.started


class _QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        """Print nothing: the function's own log is what counts."""


class RuntimeApi:
    """Serves one function; `asked` is set once the function asks for its first event."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.init_error: Any = None
        self._waiting: queue.Queue[Invocation | None] = queue.Queue()
        self._running: dict[str, Invocation] = {}
        app = Flask(__name__)
        app.get(f"{RUNTIME}/invocation/next")(self._next)
        app.post(f"{RUNTIME}/invocation/<request_id>/<any(response, error):outcome>")(self._settle)
        app.post(f"{RUNTIME}/init/error")(self._fail_init)
        self._server = make_server(
            "127.0.0.1", 0, app, threaded=True, request_handler=_QuietHandler
        )

    def environment(self) -> dict[str, str]:
        """Return the variables that Lambda sets for a function."""
        return {**ENVIRONMENT, "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._server.server_port}"}

    def invoke(self, event: dict[str, Any]) -> Invocation:
        """Queue an event for the function."""
        invocation = Invocation(event)
        self._waiting.put(invocation)
        return invocation

    def _next(self) -> tuple[Response, int, dict[str, str]]:
        self.asked.set()
        invocation = self._waiting.get()
        if invocation is None:
            return jsonify(errorType="Closed"), 500, {}
        invocation.started = time.monotonic()
        self._running[invocation.id] = invocation
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + LIMIT_SECONDS) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": ARN,
            "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
        }
        return jsonify(invocation.event), 200, headers

    def _settle(self, request_id: str, outcome: str) -> tuple[Response, int]:
        invocation = self._running.pop(request_id, None)
        if invocation is None:
            return jsonify(errorType="NotFound"), 404
        invocation.ended = time.monotonic()
        body = request.get_json(force=True)
        invocation.answer, invocation.error = (
            (body, None) if outcome == "response" else (None, body)
        )
        invocation.over.set()
        return jsonify(status="OK"), 202

    def _fail_init(self) -> tuple[Response, int]:
        self.init_error = request.get_json(force=True)
        self.asked.set()
        return jsonify(status="OK"), 202

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
