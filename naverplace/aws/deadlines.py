"""The deadline of every exchange with AWS, as all other services have one."""

from __future__ import annotations

from typing import Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

from naverplace.base.http import DEADLINE, Deadline, Watched


class _Http(Watched, AWSHTTPConnection):  # type: ignore[misc]
    pass


class _Https(Watched, AWSHTTPSConnection):  # type: ignore[misc]
    pass


class _HttpPool(AWSHTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(AWSHTTPSConnectionPool):
    ConnectionCls = _Https


def set_deadline(client: Any, seconds: float = DEADLINE) -> None:
    """Let no call of a client wait longer than this for one answer, its repeats apart."""
    # The one place where botocore keeps its connections; it has no option for it (1.43).
    client._endpoint.http_session._pool_classes_by_scheme.update(http=_HttpPool, https=_HttpsPool)
    service = client.meta.service_model.service_name
    client.meta.events.register(f"before-send.{service}", lambda **_: _begin(seconds))
    client.meta.events.register(f"response-received.{service}", lambda **_: _end())


def _begin(seconds: float) -> None:
    Deadline(seconds).__enter__()


def _end() -> None:
    if deadline := Deadline.of_thread():
        deadline.__exit__()
