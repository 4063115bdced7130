"""The deadline of every exchange with AWS, as all other services have one."""

from __future__ import annotations

import threading
import time
from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

from naverplace.base.errors import ServiceUnavailable
from naverplace.base.http import DEADLINE, Deadline, Watched

_call = threading.local()  # when this thread's call of AWS must have ended


class _Http(Watched, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _Https(Watched, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _HttpPool(AWSHTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(AWSHTTPSConnectionPool):
    ConnectionCls = _Https


def set_deadline(client: Any, seconds: float = DEADLINE) -> None:
    """Let no call of a client ask longer than this, its repeats included."""
    # The one place where botocore keeps its connections; it has no option for it (1.43).
    client._endpoint.http_session._pool_classes_by_scheme.update(http=_HttpPool, https=_HttpsPool)
    service = client.meta.service_model.service_name
    for event, handler in (
        ("before-call", lambda **_: _call_begins(seconds)),
        ("before-send", lambda **_: _begin(service, seconds)),
        ("response-received", lambda **_: _end()),
    ):
        client.meta.events.register(f"{event}.{service}", handler)


def _call_begins(seconds: float) -> None:
    _call.ends = time.monotonic() + seconds


def _begin(service: str, seconds: float) -> None:
    left = _call.ends - time.monotonic()
    if left <= 0:  # botocore repeats no error that it does not know
        raise ServiceUnavailable(f"{service}: no whole answer within {seconds:g} s")
    Deadline(left).__enter__()


def _end() -> None:
    if deadline := Deadline.of_thread():
        deadline.__exit__()
