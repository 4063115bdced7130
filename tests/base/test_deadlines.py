"""Every exchange with a service has an end, and every answer a size, whatever comes and how."""

from __future__ import annotations

import gzip
import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError
from urllib3 import HTTPResponse

from naverplace.aws.config import AwsSettings
from naverplace.aws.deadlines import set_deadline
from naverplace.aws.dynamodb import open_dynamodb
from naverplace.base import http
from naverplace.base.errors import OutcomeUnknown, ServiceUnavailable
from naverplace.base.http import Deadline, RetryPolicy, get_with_retry, make_session
from naverplace.messaging.single_send_http import SingleSendClient
from tests.raw_server import a_server

Answer = Callable[[socket.socket], None]
HEAD = b"HTTP/1.1 200 OK\r\n"
SHORT = 0.5  # seconds
NEVER = 8.0  # without a deadline the answers below never end


def trickled(start: bytes, piece: bytes) -> Answer:
    """Write a start, and then a piece each twentieth of a second, for ever."""

    def write(line: socket.socket) -> None:
        line.sendall(start)
        try:
            while True:
                line.sendall(piece)
                time.sleep(0.05)
        except OSError:
            return

    return write


PRESSED = gzip.compress(b" " * 20 * 1024 * 1024, 1)


def pressed(line: socket.socket) -> None:
    """Write 90 KB that unpack to 20 MB, and again, and again."""
    line.sendall(HEAD + b"Content-Encoding: gzip\r\n\r\n")
    try:
        while True:
            line.sendall(PRESSED)
    except OSError:
        return


NEVER_WHOLE = [
    pytest.param(trickled(HEAD, b"X-More: 1\r\n"), id="headers without end"),
    pytest.param(trickled(b"HTTP/1.1 2", b"0"), id="a status without end"),
    pytest.param(trickled(HEAD + b"\r\n", b" "), id="a body without end"),
    pytest.param(
        trickled(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"), id="chunks"
    ),
    pytest.param(
        trickled(HEAD + b"Content-Length: 999999\r\n\r\n", b" "), id="a long body, byte by byte"
    ),
]


def ask(url: str, deadline: float = SHORT) -> int:
    """Ask as Naver is asked."""
    return get_with_retry(
        make_session(),
        url,
        service="Naver",
        policy=RetryPolicy(1.0, 1.0, deadline=deadline, attempts=1),
        read=lambda answer: len(answer.content),
    )


@pytest.mark.parametrize("answer", NEVER_WHOLE)
def test_a_question_has_its_deadline(answer: Answer) -> None:
    with a_server(answer) as (url, _):
        started = time.monotonic()
        with pytest.raises(ServiceUnavailable, match="no whole answer"):
            ask(url)

    assert time.monotonic() - started < NEVER


@pytest.mark.parametrize("answer", NEVER_WHOLE)
def test_a_send_has_its_deadline_and_is_in_doubt_then(answer: Answer) -> None:
    with a_server(answer) as (url, received):
        started = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            SingleSendClient("SENS", url, 1.0, 1.0, deadline=SHORT).send(
                "POST", "/", headers={}, body=b"{}"
            )

    assert time.monotonic() - started < NEVER
    assert len(received) == 1


def test_an_answer_is_measured_as_it_unpacks(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    read1 = HTTPResponse.read1

    def counted(answer: HTTPResponse, *args: Any, **options: Any) -> bytes:
        sizes.append(len(piece := read1(answer, *args, **options)))
        return piece

    monkeypatch.setattr(HTTPResponse, "read1", counted)
    monkeypatch.setattr(http, "LARGEST", 1024 * 1024)

    with a_server(pressed) as (url, _), pytest.raises(ServiceUnavailable):
        ask(url, deadline=30)

    assert sum(sizes) < 2 * 1024 * 1024
    assert max(sizes) <= 64 * 1024


def test_a_session_can_be_used_again_after_a_deadline() -> None:
    session = make_session()
    policy = RetryPolicy(1.0, 1.0, deadline=SHORT, attempts=1)
    answers: Iterator[Answer] = iter(
        [trickled(HEAD, b"X: 1\r\n"), lambda line: line.sendall(HEAD + b"\r\nok")]
    )

    with a_server(lambda line: next(answers)(line)) as (url, _):
        with pytest.raises(ServiceUnavailable):
            get_with_retry(session, url, service="Naver", policy=policy, read=lambda a: a.text)
        said = get_with_retry(session, url, service="Naver", policy=policy, read=lambda a: a.text)

    assert said == "ok"


@pytest.mark.parametrize("attempts", [1, 8])
@pytest.mark.parametrize("answer", NEVER_WHOLE[1:4])
def test_a_call_of_dynamodb_has_its_deadline(
    answer: Answer, attempts: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with a_server(answer) as (url, _):
        client = open_dynamodb(
            AwsSettings(endpoint_url=url, attempts=attempts, connect_timeout=1, read_timeout=1)
        )
        set_deadline(client, SHORT)
        started = time.monotonic()
        with pytest.raises((BotoCoreError, ServiceUnavailable)):
            client.get_item(TableName="sms", Key={})

    assert time.monotonic() - started < NEVER
    assert Deadline.of_thread() is None


def test_a_shorter_deadline_beside_a_longer_one_comes_first_also_in_a_fork() -> None:
    longer = Deadline(60).__enter__()
    try:
        with a_server(NEVER_WHOLE[0].values[0]) as (url, _):  # type: ignore[arg-type]
            pid = os.fork()
            if not pid:
                os._exit(_is_refused(url))
            assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
            assert _is_refused(url) == 0
    finally:
        longer.__exit__()
    assert not longer.over


def _is_refused(url: str) -> int:
    try:
        ask(url)
    except ServiceUnavailable:
        return 0
    return 1
