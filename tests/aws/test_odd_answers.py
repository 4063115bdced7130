"""What is no answer of DynamoDB's is told as one that cannot be read, never as an empty one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from naverplace.aws.config import AwsSettings
from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import Table
from naverplace.base.errors import ServiceUnavailable
from tests.raw_server import a_server

KEY = {"booking_num": "1051707_1", "phone": "1000000001"}
QUESTIONS: dict[str, Callable[[Table], Any]] = {
    "get": lambda table: table.get(KEY),
    "get_many": lambda table: list(table.get_many([KEY])),
    "query": lambda table: table.query("booking_num", "1051707_1"),
    "scan": lambda table: list(table.scan()),
}
DEEP = b"[" * 100_000
ODD = [(body, ask) for body in (b"[]", b"7", DEEP) for ask in QUESTIONS]
# Without these words nothing is said about items: a missing one is no empty list.
HALF = [(b"{}", ask) for ask in QUESTIONS if ask != "get"]


@pytest.mark.parametrize(("body", "ask"), [*ODD, *HALF])
def test_an_answer_that_is_none_is_unavailable(
    body: bytes, ask: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)

    with a_server(lambda line: line.sendall(head + body)) as (url, _):
        settings = AwsSettings(endpoint_url=url, attempts=1, connect_timeout=1, read_timeout=2)
        table = Table(open_dynamodb(settings), "sms")
        with pytest.raises(ServiceUnavailable, match="'sms'"):
            QUESTIONS[ask](table)
