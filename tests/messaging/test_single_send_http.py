"""One request on one connection: what a failure says about what was sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable

import pytest

from naverplace.base.errors import (
    OutcomeUnknown,
    Permanent,
    ServiceUnavailable,
    Throttled,
    Transient,
)
from naverplace.base.http import retry, retry_after
from naverplace.messaging.single_send_http import SingleSendClient
from naverplace.redaction.redactor import safe_quote
from tests.raw_server import a_server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def a_wire(url: str, read_timeout: float = 5.0) -> SingleSendClient:
    return SingleSendClient("Post", url, connect_timeout=1.0, read_timeout=read_timeout)


def send(wire: SingleSendClient, target: str = "/bot123:secret/send") -> int:
    return wire.send("POST", target, headers={}, body=b"{}").status


def test_each_request_has_a_connection_of_its_own_and_closes_it() -> None:
    with a_server(lambda connection: connection.sendall(OK)) as (url, received):
        assert [send(a_wire(url)) for _ in range(3)] == [200, 200, 200]

    assert len(received) == 3
    assert all(b"Connection: close" in request for request in received)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda connection: None, id="closed without a word"),
        pytest.param(lambda connection: connection.sendall(b"HTTP/1.1 2"), id="half a line"),
        pytest.param(lambda connection: connection.sendall(b"no http\r\n\r\n"), id="not HTTP"),
        pytest.param(
            lambda connection: connection.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
            ),
            id="reset",
        ),
    ],
)
def test_what_breaks_after_the_connection_stands_is_unknown_and_never_sent_again(
    answer: Callable[[socket.socket], None],
) -> None:
    with a_server(answer) as (url, received), pytest.raises(OutcomeUnknown) as error:
        send(a_wire(url))

    assert len(received) == 1
    assert "secret" not in str(error.value) + repr(error.value.__cause__)


def test_an_answer_that_does_not_come_in_time_is_unknown() -> None:
    done = threading.Event()

    def stay_silent(connection: socket.socket) -> None:
        done.wait(10)

    with a_server(stay_silent) as (url, received):
        with pytest.raises(OutcomeUnknown, match="TimeoutError"):
            send(a_wire(url, read_timeout=0.05))
        done.set()

    assert len(received) == 1


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9", "http://no-such-host.invalid", "https://127.0.0.1:9"]
)
def test_what_breaks_before_the_connection_stands_was_never_sent(url: str) -> None:
    with pytest.raises(ServiceUnavailable, match="nothing was sent") as error:
        send(a_wire(url))

    assert "secret" not in str(error.value) + repr(error.value.__cause__)


def test_a_server_that_does_not_speak_tls_was_never_sent_anything() -> None:
    with (
        a_server(lambda connection: connection.sendall(OK)) as (url, received),
        pytest.raises(ServiceUnavailable, match="nothing was sent"),
    ):
        send(a_wire(url.replace("http", "https")))

    assert all(b"secret" not in request for request in received)


def test_a_redirect_is_not_followed() -> None:
    moved = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with a_server(lambda connection: connection.sendall(moved)) as (url, received):
        assert send(a_wire(url)) == 307

    assert len(received) == 1


def test_an_address_that_no_address_may_be_is_refused_without_quoting_it() -> None:
    with a_server(lambda connection: None) as (url, _), pytest.raises(Permanent) as error:
        send(a_wire(url), "/bot123:secret\n/send")

    assert "secret" not in str(error.value)
    assert error.value.__cause__ is None


@pytest.mark.parametrize(
    "url", ["", "sens.apigw.ntruss.com", "ftp://127.0.0.1", "http://", "http://127.0.0.1:secret"]
)
def test_a_setting_that_is_no_address_leads_nowhere(url: str) -> None:
    with pytest.raises(Permanent, match="address") as error:
        send(a_wire(url))

    assert "secret" not in str(error.value)


def test_an_empty_or_broken_body_reads_as_an_empty_object() -> None:
    with a_server(lambda connection: connection.sendall(OK)) as (url, _):
        answer = a_wire(url).send("GET", "/", headers={})

    assert answer.json() == {}
    assert answer.text == "ok"


class Calls:
    """Fails with the given errors, one a call, then gives 'done'."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.count = 0

    def __call__(self) -> str:
        self.count += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def test_only_errors_that_prove_that_nothing_happened_are_tried_again() -> None:
    calls = Calls(ServiceUnavailable("away"), Throttled("busy"))
    assert retry(calls, attempts=3, wait=0) == "done"
    assert calls.count == 3

    unknown = Calls(OutcomeUnknown("?"))
    with pytest.raises(OutcomeUnknown):
        retry(unknown, attempts=3, wait=0)
    assert unknown.count == 1


def test_the_last_error_is_raised_when_the_tries_are_used_up() -> None:
    calls = Calls(*[ServiceUnavailable(f"away {n}") for n in range(5)])

    with pytest.raises(ServiceUnavailable, match="away 2"):
        retry(calls, attempts=3, wait=0)


@pytest.mark.parametrize("asked", [61.0, 3600.0])
def test_a_service_that_asks_for_too_long_a_wait_is_not_waited_for(asked: float) -> None:
    calls = Calls(Throttled("busy", retry_after=asked))

    with pytest.raises(Throttled):
        retry(calls, attempts=3, wait=0, longest=60)

    assert calls.count == 1


def test_what_would_be_too_late_is_not_tried_again() -> None:
    calls = Calls(ServiceUnavailable("away"))

    with pytest.raises(Transient):
        retry(calls, attempts=3, wait=5, in_time=lambda seconds: seconds < 5)

    assert calls.count == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("3", 3.0),
        (0, 0.0),
        (2.5, 2.5),
        (None, None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_how_long_to_wait_is_read_from_what_a_service_says(
    said: object, seconds: float | None
) -> None:
    assert retry_after(said) == seconds


def test_a_services_words_are_quoted_without_numbers_and_without_our_text() -> None:
    text = "안녕하세요 김하나님, 출입문 비밀번호는 별표 입니다"

    assert safe_quote("to 01000000001 is  not\nvalid") == "to [number] is not valid"
    assert safe_quote("door 1234") == "door [number]"
    assert (
        safe_quote("code 210: Permission Denied", private=(text,)) == "code 210: Permission Denied"
    )
    assert "비밀번호" not in safe_quote("bad content: 출입문 비밀번호는 …", private=(text,))
    assert len(safe_quote("x" * 5000)) <= 200


def test_a_proxy_of_the_environment_counts_as_it_does_for_other_clients(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with a_server(lambda connection: connection.sendall(OK)) as (url, received):
        monkeypatch.setenv("HTTP_PROXY", url.replace("//", "//me:pass%40word@"))
        monkeypatch.setenv("HTTPS_PROXY", url)
        monkeypatch.setenv("NO_PROXY", "")
        for name in ("http_proxy", "https_proxy", "no_proxy"):
            monkeypatch.delenv(name, raising=False)

        assert send(a_wire("http://sens.example")) == 200
        with pytest.raises(ServiceUnavailable, match="nothing was sent"):
            send(a_wire("https://sens.example"))  # there is no TLS behind this proxy
        monkeypatch.setenv("NO_PROXY", "sens.invalid")
        with pytest.raises(ServiceUnavailable, match="gaierror"):
            send(a_wire("http://sens.invalid"))

    assert received[0].startswith(b"POST http://sens.example/bot123:secret/send HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic bWU6cGFzc0B3b3Jk\r\n" in received[0]
    assert received[1].startswith(b"CONNECT sens.example:443 HTTP/1.")
    assert len(received) == 2
    assert b"secret" not in received[1]
