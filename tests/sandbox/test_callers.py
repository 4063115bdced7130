"""A client that names itself in its URLs can be told from others, refused, and waited for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from sandbox.callers import urls_for
from sandbox.faults import Fault
from sandbox.server import Sandbox


@pytest.fixture
def own() -> Iterator[Sandbox]:
    with Sandbox("quiet") as running:
        yield running


def send(sandbox: Sandbox, caller: str) -> int:
    url = urls_for(caller, sandbox.urls)["telegram"] if caller else sandbox.urls["telegram"]
    values = {"chat_id": sandbox.world.bot.chat_id, "text": "x"}
    target = f"{url}/bot{sandbox.world.bot.token}/sendMessage"
    return requests.post(target, json=values, timeout=10).status_code


def hold(sandbox: Sandbox, held: threading.Event, go_on: threading.Event) -> None:
    def wait() -> None:
        held.set()
        go_on.wait(10)

    sandbox.world.faults.append(Fault("telegram", kind="hook_then", value=wait))


def test_the_name_comes_first_in_every_path() -> None:
    urls = {"nid": "http://127.0.0.1:1", "www": "http://127.0.0.1:1/www"}

    assert urls_for("run-1", urls) == {
        "nid": "http://127.0.0.1:1/~run-1",
        "www": "http://127.0.0.1:1/~run-1/www",
    }


def test_everybody_is_let_in_until_somebody_is_expected(own: Sandbox) -> None:
    assert [send(own, caller) for caller in ("", "run-1")] == [200, 200]
    assert [seen.caller for seen in own.world.requests] == ["", "run-1"]
    assert len({seen.target for seen in own.world.requests}) == 1  # a fault matches either


@pytest.mark.parametrize("stranger", ["", "run-0"])
def test_a_stranger_is_refused_and_named(own: Sandbox, stranger: str) -> None:
    own.world.callers.expect("run-1")

    assert [send(own, "run-1"), send(own, stranger)] == [200, 403]
    assert [seen.caller for seen in own.world.callers.refused] == [stranger]
    assert (len(own.world.telegram), len(own.world.requests)) == (1, 1)


def test_a_stranger_writes_nothing_into_a_table(own: Sandbox) -> None:
    own.world.callers.expect("run-1")
    env = own.environment(caller="run-0")
    dynamodb = boto3.client(
        "dynamodb",
        region_name=env["AWS_DEFAULT_REGION"],
        endpoint_url=env["NAVERPLACE_AWS__ENDPOINT_URL"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    before = own.session_items()

    with pytest.raises(ClientError, match="AccessDenied"):
        dynamodb.put_item(TableName="session", Item={"id": {"S": "x"}})

    assert own.session_items() == before


def test_who_is_expected_outlives_a_reset(own: Sandbox) -> None:
    own.world.callers.expect("run-1")
    own.reset("quiet")

    assert send(own, "run-0") == 403


def test_a_request_that_was_held_over_a_reset_is_refused_and_named(own: Sandbox) -> None:
    held, go_on = threading.Event(), threading.Event()
    own.world.callers.expect("run-0")
    hold(own, held, go_on)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(send, own, "run-0")
        assert held.wait(10)
        own.world.callers.expect("run-1")
        own.reset("quiet")
        go_on.set()

        assert answer.result(10) == 403
    assert [seen.caller for seen in own.world.callers.refused] == ["run-0"]
    assert own.world.telegram == []


def test_what_is_still_served_can_be_waited_for(own: Sandbox) -> None:
    held, go_on = threading.Event(), threading.Event()
    hold(own, held, go_on)
    with ThreadPoolExecutor(1) as pool:
        pool.submit(send, own, "run-0")
        assert held.wait(10)
        with pytest.raises(TimeoutError, match="run-0: telegram POST"):
            own.world.callers.wait_until_idle(0.01)
        go_on.set()
        own.world.callers.wait_until_idle(10)

    assert len(own.world.telegram) == 1
