"""The sandbox starts, forgets, and goes without a trace."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import requests
from botocore.exceptions import ClientError

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.errors import CoolingDown
from naverplace.naver.session_store import SessionStore
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.server import Sandbox
from tests.sandbox.signing import Caller


def dynamodb(outside: Sandbox) -> Any:
    return boto3.client(
        "dynamodb",
        endpoint_url=outside.urls["aws"],
        region_name=outside.world.aws.region,
        aws_access_key_id=outside.world.aws.access_key_id,
        aws_secret_access_key=outside.world.aws.secret_access_key,
    )


def test_after_stop_no_thread_and_no_port_is_left() -> None:
    before = set(threading.enumerate())
    with Sandbox(None) as outside:
        urls = dict(outside.urls)
        # A browser's idle connection must not hold up the end.
        idle = socket.create_connection(address(urls["nid"]))
    idle.close()

    assert set(threading.enumerate()) <= before
    for url in urls.values():
        with socket.socket() as again:
            again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            again.bind(address(url))


def address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0


def test_stopping_ends_requests_that_are_held(world: Sandbox) -> None:
    with Sandbox(None) as other, ThreadPoolExecutor(1) as pool:
        other.world.latency["nid"] = 60
        waiting = pool.submit(requests.get, other.urls["www"], timeout=30)
        started = time.monotonic()
        while not other.world.requests and time.monotonic() < started + 5:
            time.sleep(0.005)
        other.stop()
        waiting.exception(timeout=5)

    assert time.monotonic() - started < 10


def test_a_port_can_be_chosen_and_a_taken_one_is_an_error() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = set(threading.enumerate())
    with Sandbox(None, ports={"control": port}) as outside:
        assert outside.urls["control"] == f"http://127.0.0.1:{port}"
        with pytest.raises(OSError, match="in use"):
            Sandbox(None, ports={"control": port}).start()

    assert set(threading.enumerate()) <= before


def test_a_reset_forgets_everything_and_is_fast(world: Sandbox) -> None:
    Caller(world).send()
    world.world.latency["nid"] = 9
    world.world.sens.senders.clear()
    world.world.account.mode = "captcha"
    world.put_sms_item({"booking_num": "x", "phone": "y"})
    items = len(world.sms_items())
    started = time.thread_time()  # how busy the machine is does not count

    world.reset("quiet")

    assert time.thread_time() - started < 1
    assert (world.world.messages, world.world.latency, world.world.requests) == ([], {}, [])
    assert world.world.sens.senders
    assert world.world.account.mode == "ok"
    assert len(world.sms_items()) == items - 1


def test_a_worlds_bookings_are_its_own(world: Sandbox) -> None:
    store = sorted(world.world.stores)[0]
    world.world.stores[store].clear()

    world.reset("quiet")

    assert world.world.stores[store]


def test_two_sandboxes_share_nothing(world: Sandbox) -> None:
    with Sandbox(None) as other:
        other.put_sms_item({"booking_num": "other", "phone": "1"})

        assert [item["booking_num"] for item in other.sms_items()] == ["other"]
        assert "other" not in [item["booking_num"] for item in world.sms_items()]


def test_a_conditional_write_has_one_winner(world: Sandbox) -> None:
    client = dynamodb(world)
    item = {"booking_num": {"S": "claim"}, "phone": {"S": "1"}}

    def claim(_: int) -> bool:
        try:
            client.put_item(
                TableName="sms",
                Item=item,
                ConditionExpression="attribute_not_exists(booking_num)",
            )
        except ClientError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(32))) == 1


def test_every_answer_carries_the_date_of_the_worlds_clock_once(world: Sandbox) -> None:
    for name in ("nid", "partner", "sens", "telegram", "slack", "aws"):
        answer = requests.get(world.urls[name], timeout=10)
        dates = [v for k, v in answer.raw.headers.items() if k.lower() == "date"]
        assert len(dates) == 1, name
        skew = parsedate_to_datetime(dates[0]) - world.world.now()
        assert abs(skew.total_seconds()) < 3, name


def test_every_request_is_written_down(world: Sandbox) -> None:
    requests.get(world.urls["partner"] + "/nowhere?a=%20b", headers={"X-A": "1"}, timeout=10)

    seen = world.world.requests[-1]
    assert (seen.service, seen.method, seen.path, seen.query) == (
        "partner",
        "GET",
        "/nowhere",
        "a=%20b",
    )
    assert seen.status == 404
    assert seen.headers["x-a"] == "1"


def test_the_environment_is_settings_that_stay_on_loopback(world_env: dict[str, str]) -> None:
    settings = load_settings(env=world_env, env_file=None)

    assert {urlsplit(url).hostname for url in settings.outside_urls().values()} == {"127.0.0.1"}
    assert set(settings.access) >= {"1051707", "951291", "867589"}
    assert all(set(codes) == {"door_code", "wifi_key"} for codes in settings.access.values())


def test_the_secrets_can_come_from_secrets_manager(world: Sandbox) -> None:
    direct = load_settings(env=world.environment(), env_file=None)
    variables = world.environment(secrets_in_manager=True)
    assert not [name for name in variables if name.endswith(("PASSWORD", "SECRET_KEY", "TOKEN"))]

    stored = load_settings(env=variables, env_file=None)

    assert stored.naver.password.get_secret_value() == world.world.account.password
    assert stored.access == direct.access
    assert stored.slack.webhook_url == direct.slack.webhook_url


def test_a_remembered_login_failure_is_one_that_the_library_reads(
    world: Sandbox, settings: Settings
) -> None:
    world.remember_failed_login("captcha", minutes=30)

    table = StateTable(open_dynamodb(settings.aws), settings.aws.session_table)
    manager = SessionStore(table, settings.naver, settings.make_clock())

    with pytest.raises(CoolingDown, match="the last one for captcha"):
        manager.check_cooldown()
    world.forget_session()
    manager.check_cooldown()  # raises nothing


def test_the_credentials_are_awkward_to_hide(world: Sandbox) -> None:
    variables = world.environment()
    text = variables["NAVERPLACE_NAVER__PASSWORD"] + variables["NAVERPLACE_SENS__SECRET_KEY"]

    for sign in ('"', "\\", "+", "/"):
        assert sign in text


def test_the_clock_can_be_set_and_moved(world: Sandbox) -> None:
    world.world.advance(3600)
    assert f"{world.world.now():%H:%M}" == "15:02"
    assert (
        str(world.world.offset.total_seconds())
        == (world.environment()["NAVERPLACE_CLOCK__OFFSET_SECONDS"])
    )
    with pytest.raises(ValueError, match="zone"):
        world.world.set_now(world.world.now().replace(tzinfo=None))


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sandbox", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_until_it_is_told_to_end(tmp_path: Path, number: int) -> None:
    port_file = tmp_path / "urls.json"
    process = start("--scenario", "quiet", "--port-file", str(port_file))
    try:
        assert process.stdout is not None
        printed = ""
        while "Ctrl-C" not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        urls = json.loads(port_file.read_text("utf-8"))
        assert all(urls[name] in printed for name in ("nid", "partner", "sens", "control"))
        assert requests.get(urls["control"] + "/state", timeout=10).json()["scenario"] == "quiet"

        process.send_signal(number)

        assert process.wait(timeout=20) == 0
        assert "Traceback" not in process.stdout.read()
    finally:
        process.kill()
        process.communicate()


def test_the_command_prints_variables_that_a_shell_reads_back(tmp_path: Path) -> None:
    process = start("--scenario", "quiet", "--env")
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not any("NAVERPLACE_ACCESS" in line for line in lines):
            line = process.stdout.readline()
            assert line, lines
            lines.append(line)
        script = "".join(lines) + 'printf %s "$NAVERPLACE_NAVER__PASSWORD"'
        read = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
        assert read.stdout == Sandbox(None).world.account.password
    finally:
        process.terminate()
        process.communicate(timeout=20)


def test_an_unknown_scenario_is_named_with_the_known_ones() -> None:
    process = start("--scenario", "nonsense")
    printed, _ = process.communicate(timeout=60)

    assert process.returncode == 2
    assert "first-run" in printed
