from __future__ import annotations

from pathlib import Path

import pytest
import requests
from requests.structures import CaseInsensitiveDict

from naverplace.base.errors import Permanent, ServiceUnavailable, Throttled
from naverplace.base.http import RetryPolicy, get_with_retry, make_session, wait_asked
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.naver.naver_reading import seen_by
from tests.raw_server import a_server

HASTY = RetryPolicy(connect_timeout=0.5, read_timeout=0.3, attempts=3, wait=0)


def ask_for(url: str, *, policy: RetryPolicy = HASTY) -> int:
    return get_with_retry(
        make_session(),
        url,
        service="Naver",
        policy=policy,
        params={"secret": "hidden-in-a-query"},
        read=lambda answer: answer.status_code,
    )


@pytest.mark.parametrize(
    "kind", ["status:500", "status:502", "drop_before", "drop_after", "truncate", "timeout_before"]
)
def test_what_may_pass_is_asked_again_as_often_as_allowed(world: Sandbox, kind: str) -> None:
    world.world.faults = [Fault("nid", kind=kind, times=None)]

    with pytest.raises(ServiceUnavailable) as caught:
        ask_for(f"{world.urls['nid']}/www/")

    assert len(seen_by(world, "nid")) == 3
    assert "hidden-in-a-query" not in str(caught.value)
    assert "Naver: " in str(caught.value)


def test_an_answer_after_a_fault_is_an_answer(world: Sandbox) -> None:
    world.world.faults = [Fault("nid", kind="status:503", times=2)]

    assert ask_for(f"{world.urls['nid']}/www/") == 200


def test_nobody_at_home_is_unavailable() -> None:
    with pytest.raises(ServiceUnavailable, match=r"127\.0\.0\.1/x \(ConnectionError\)"):
        ask_for("http://127.0.0.1:9/x")


@pytest.mark.parametrize("url", ["http://", "http://a..b/", "ftp://127.0.0.1/"])
def test_an_address_that_is_none_is_never_asked_again(url: str) -> None:
    with pytest.raises(Permanent, match="address in the settings"):
        ask_for(url)


def test_no_redirect_is_followed(world: Sandbox) -> None:
    assert ask_for(f"{world.urls['nid']}/user2/help/myInfoV2") == 302
    assert len(seen_by(world, "nid")) == 1


@pytest.mark.parametrize("address", ["http://[::1", "http://a b/", "//", "\\udcff"])
def test_the_address_of_a_redirect_is_not_even_read(address: str) -> None:
    answer = f"HTTP/1.1 302 Found\r\nLocation: {address}\r\nContent-Length: 0\r\n\r\n".encode()

    with a_server(lambda line: line.sendall(answer)) as (url, _):
        assert ask_for(url) == 302


def test_a_refusal_is_an_answer_and_not_asked_again(world: Sandbox) -> None:
    assert ask_for(f"{world.urls['partner']}/nowhere") == 404
    assert len(seen_by(world, "partner")) == 1


def test_what_the_reader_calls_transient_is_asked_again(world: Sandbox) -> None:
    answers: list[int] = []

    def read(answer: requests.Response) -> str:
        answers.append(answer.status_code)
        if len(answers) < 3:
            raise ServiceUnavailable("half an answer")
        return answer.text

    text = get_with_retry(
        make_session(), f"{world.urls['nid']}/www/", service="Naver", policy=HASTY, read=read
    )

    assert "NAVER" in text
    assert answers == [200, 200, 200]


def test_throttling_carries_the_time_to_wait(world: Sandbox) -> None:
    world.world.faults = [Fault("nid", kind="status:429", value=3600, times=None)]

    with pytest.raises(Throttled) as caught:
        ask_for(f"{world.urls['nid']}/www/")

    assert caught.value.retry_after == 3600


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "-1"}, None),
        (
            {
                "Retry-After": "Wed, 22 Oct 2025 05:02:30 GMT",
                "Date": "Wed, 22 Oct 2025 05:02:15 GMT",
            },
            15,
        ),
        (
            {
                "Retry-After": "Wed, 22 Oct 2025 05:02:00 GMT",
                "Date": "Wed, 22 Oct 2025 05:02:15 GMT",
            },
            0,
        ),
        ({"Retry-After": "Wed, 22 Oct 2025 05:02:00 GMT"}, 0),
    ],
)
def test_the_time_to_wait_is_seconds_or_a_date(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert wait_asked(CaseInsensitiveDict(headers)) == seconds


def test_a_netrc_file_adds_nothing(
    world: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password something\n")
    monkeypatch.setenv("NETRC", str(netrc))

    ask_for(f"{world.urls['nid']}/www/")

    (seen,) = seen_by(world, "nid")
    assert "authorization" not in seen.headers
