"""Faults break real connections, and only those they were asked to break."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.sandbox.signing import Caller

GONE = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)


def break_next(world: Sandbox, service: str, kind: str, **more: object) -> Fault:
    fault = Fault(service, kind=kind, **more)  # type: ignore[arg-type]
    world.world.faults.append(fault)
    return fault


def fetch(world: Sandbox, timeout: float = 10) -> requests.Response:
    return requests.get(world.urls["nid"] + "/nidlogin.login", timeout=timeout)


def send_telegram(world: Sandbox, timeout: float = 10) -> requests.Response:
    url = f"{world.urls['telegram']}/bot{world.world.bot.token}/sendMessage"
    values = {"chat_id": world.world.bot.chat_id, "text": "x"}
    return requests.post(url, json=values, timeout=timeout)


@pytest.mark.parametrize(("kind", "done"), [("drop_before", 0), ("drop_after", 1)])
def test_a_dropped_connection_gives_no_answer(world: Sandbox, kind: str, done: int) -> None:
    break_next(world, "telegram", kind)

    with pytest.raises(requests.ConnectionError):
        send_telegram(world)

    assert len(world.world.telegram) == done
    assert world.world.requests[-1].status == "dropped"


@pytest.mark.parametrize(("kind", "done"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_silent_service_lets_the_client_time_out(world: Sandbox, kind: str, done: int) -> None:
    break_next(world, "telegram", kind)

    with pytest.raises(requests.ReadTimeout):
        send_telegram(world, timeout=0.3)

    assert len(world.world.telegram) == done


def test_an_answer_may_come_byte_by_byte_and_never_end_in_time(world: Sandbox) -> None:
    break_next(world, "telegram", "trickle:0.05")

    seen = b""
    with requests.get(world.urls["telegram"] + "/bot1:x/getMe", stream=True, timeout=1) as answer:
        for byte in answer.iter_content(1):
            seen += byte
            if len(seen) == 5:
                break

    assert (answer.status_code, len(seen)) == (401, 5)


def test_a_silent_line_goes_dead_after_the_time_it_was_given(world: Sandbox) -> None:
    break_next(world, "telegram", "timeout_before", value=0.1)

    with pytest.raises(requests.ConnectionError):
        send_telegram(world)


def test_a_reset_ends_every_held_answer(world: Sandbox) -> None:
    break_next(world, "telegram", "timeout_before")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(send_telegram, world)
        wait_until(lambda: len(world.world.requests) == 1)

        world.reset("quiet")

        assert isinstance(waiting.exception(timeout=2), requests.ConnectionError)


def wait_until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("service", "path", "shows"),
    [
        ("partner", "/", '"status": 503'),
        ("sens", "/", '"errorCode": "500"'),
        ("telegram", "/", '"ok": false'),
        ("slack", "/", "rollup_error"),
        ("aws", "/", "ServiceUnavailable"),
    ],
)
def test_every_service_words_its_errors_in_its_own_way(
    world: Sandbox, service: str, path: str, shows: str
) -> None:
    break_next(world, service, "status:503")

    answer = requests.get(world.urls[service] + path, timeout=10)

    assert answer.status_code == 503
    assert shows in answer.text


def test_a_429_says_how_long_to_wait(world: Sandbox) -> None:
    break_next(world, "telegram", "status:429", value=7)
    break_next(world, "slack", "status:429", value=3)

    assert send_telegram(world).json()["parameters"] == {"retry_after": 7}
    slack = requests.post(world.urls["slack"] + world.world.hook.path, json={}, timeout=10)
    assert (slack.status_code, slack.headers["Retry-After"]) == (429, "3")
    assert world.world.telegram == []


def test_a_body_of_ones_own_comes_as_json(world: Sandbox) -> None:
    break_next(world, "sens", "json", value="[null]")

    assert Caller(world).send().json() == [None]
    assert world.messages() == []


def test_html_comes_where_json_was_expected(world: Sandbox) -> None:
    break_next(world, "sens", "html")

    answer = Caller(world).send()

    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    assert world.messages() == []


def test_a_truncated_answer_breaks_off_in_the_middle(world: Sandbox) -> None:
    break_next(world, "telegram", "truncate")

    with pytest.raises(GONE):
        send_telegram(world)

    assert len(world.world.telegram) == 1


def test_a_truncated_text_arrives_whole_and_is_no_json(world: Sandbox) -> None:
    break_next(world, "telegram", "truncate_text")

    with pytest.raises(requests.JSONDecodeError):
        send_telegram(world).json()


def test_a_session_can_expire_half_way(world: Sandbox) -> None:
    store = sorted(world.world.stores)[0]
    login = world.world.cookies.issue(world.world.now())
    break_next(world, "partner", "expire_session", after=1, times=1)

    def page() -> int:
        return requests.get(
            f"{world.urls['partner']}/api/businesses/{store}/bookings?page=0&size=50",
            cookies={"NID_AUT": login.aut, "NID_SES": login.ses},
            timeout=10,
        ).status_code

    assert [page(), page(), page()] == [200, 401, 401]


def test_latency_is_added_to_the_answer(world: Sandbox) -> None:
    world.world.latency["nid"] = 0.1
    break_next(world, "nid", "latency:0.1")
    started = time.monotonic()

    answer = fetch(world)

    assert answer.ok
    assert time.monotonic() - started >= 0.2


def test_after_and_times_say_which_requests_are_hit(world: Sandbox) -> None:
    fault = break_next(world, "nid", "status:500", after=1, times=2)

    statuses = [fetch(world).status_code for _ in range(5)]

    assert statuses == [200, 500, 500, 200, 200]
    assert fault.hits == 2


def test_without_a_limit_every_request_is_hit(world: Sandbox) -> None:
    break_next(world, "nid", "status:500", times=None)

    assert {fetch(world).status_code for _ in range(4)} == {500}


def test_only_requests_that_match_are_hit(world: Sandbox) -> None:
    break_next(world, "nid", "status:500", match="GET /www", times=None)

    assert fetch(world).ok
    assert requests.get(world.urls["www"] + "/?from=here", timeout=10).status_code == 500


def test_a_limited_fault_hits_once_however_many_ask_at_once(world: Sandbox) -> None:
    break_next(world, "nid", "status:500", times=3)

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda _: fetch(world).status_code, range(24)))

    assert statuses.count(500) == 3


def test_one_operation_of_aws_can_fail_alone(world: Sandbox) -> None:
    break_next(world, "aws", "status:400", match="DynamoDB_20120810.Scan")
    client = boto3.client(
        "dynamodb",
        endpoint_url=world.urls["aws"],
        region_name=world.world.aws.region,
        config=Config(retries={"total_max_attempts": 1}),
    )

    with pytest.raises(ClientError, match="ProvisionedThroughputExceeded"):
        client.scan(TableName="sms")

    assert client.describe_table(TableName="sms")["Table"]["KeySchema"]
    assert len(client.scan(TableName="sms")["Items"]) > 0


def test_a_fault_that_nobody_knows_is_refused_at_once() -> None:
    for kind in (
        "explode",
        "status:",
        "status:abc",
        "status:999",
        "latency:nan",
        "latency:inf",
        "latency",
        "drop_before:1",
    ):
        with pytest.raises(ValueError, match="unknown fault"):
            Fault("nid", kind=kind)
    with pytest.raises(ValueError, match="unknown service"):
        Fault("fax")
