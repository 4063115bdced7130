"""The Lambda door, end to end, against the sandbox over real HTTP."""

from __future__ import annotations

import json
import logging
from collections import Counter
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from naverplace import handler
from sandbox.faults import Fault
from sandbox.server import Sandbox

pytestmark = pytest.mark.browser  # a run with no stored session logs in with Chromium
CONTEXT = SimpleNamespace(aws_request_id="550e8400-e29b-41d4-a716-446655440000")


@pytest.fixture
def invoke(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A cold start of the handler in the sandbox, logged in already."""
    for name, value in world_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handler, "_settings", None)
    world.log_in()

    def call(**event: Any) -> tuple[int, dict[str, Any]]:
        answer = handler.lambda_handler(event, CONTEXT)
        return answer["statusCode"], json.loads(answer["body"])

    return call


def test_a_scheduled_event_does_everything_the_scenario_owes(invoke: Any, world: Sandbox) -> None:
    status, body = invoke()

    assert status == 200, body["problems"]
    assert body["run_id"] == CONTEXT.aws_request_id
    assert body["messages"] == {"event": 0, **world.expected["messages"]}
    assert sum(body["messages"].values()) == len(world.messages()) > 0
    assert body["balanced"] is True
    assert body["bookings_confirmed"] == world.expected["bookings_confirmed"]
    assert len(world.world.telegram) == 1


def test_a_folder_that_cannot_be_written_costs_the_files_and_not_the_run(
    invoke: Any, world: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_the_way = tmp_path / "a-file"
    in_the_way.touch()
    monkeypatch.setenv("NAVERPLACE_REPORT_DIR", str(in_the_way / "reports"))

    status, body = invoke()

    assert status == 200, body["problems"]
    assert sum(body["messages"].values()) == len(world.messages()) > 0
    assert "실행 기록을 남기지 못했습니다" in world.world.telegram[0]["text"]


def test_the_second_invocation_sends_nothing(invoke: Any, world: Sandbox) -> None:
    invoke()
    first = len(world.messages())

    status, body = invoke()

    assert status == 200
    assert sum(body["messages"].values()) == 0
    assert len(world.messages()) == first
    assert body["browser_opened"] is False


def test_without_a_session_it_logs_in_once_and_stores_the_cookies(
    invoke: Any, world: Sandbox
) -> None:
    world.forget_session()

    status, body = invoke()

    assert (status, body["browser_opened"]) == (200, True)
    assert world.world.login_attempts == 1
    assert invoke()[1]["browser_opened"] is False


def test_a_warm_container_sends_a_changed_door_code_within_minutes(
    invoke: Any, world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = json.loads(world_env["NAVERPLACE_ACCESS"])
    secrets = boto3.client(
        "secretsmanager",
        endpoint_url=world_env["NAVERPLACE_AWS__ENDPOINT_URL"],
        region_name=world_env["NAVERPLACE_AWS__REGION"],
    )
    secrets.create_secret(Name="door-codes", SecretString=json.dumps({"access": codes}))
    monkeypatch.delenv("NAVERPLACE_ACCESS")
    monkeypatch.setenv("NAVERPLACE_AWS__SECRET_ID", "door-codes")
    invoke()
    changed = {store: dict.fromkeys(words, "90417") for store, words in codes.items()}
    secrets.put_secret_value(SecretId="door-codes", SecretString=json.dumps({"access": changed}))

    invoke()
    assert {c for words in _codes_in_use().values() for c in words.values()} != {"90417"}
    _let_six_minutes_pass(monkeypatch)
    status, _ = invoke()

    assert status == 200
    assert {c for words in _codes_in_use().values() for c in words.values()} == {"90417"}
    _let_six_minutes_pass(monkeypatch)
    world.world.faults.append(Fault("aws", match="GetSecretValue", kind="status:500", times=None))
    assert invoke()[0] == 200  # an old code is better than no message at all
    secrets.delete_secret(SecretId="door-codes", ForceDeleteWithoutRecovery=True)


def _let_six_minutes_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    assert handler._read_at
    monkeypatch.setattr(handler, "_read_at", handler._read_at - timedelta(minutes=6))


def _codes_in_use() -> dict[str, dict[str, str]]:
    assert handler._settings
    access = handler._settings.access
    return {s: {w: c.get_secret_value() for w, c in words.items()} for s, words in access.items()}


def test_a_failing_store_is_named_and_the_others_are_served(invoke: Any, world: Sandbox) -> None:
    broken = "951291"
    world.world.faults.append(
        Fault("partner", match=f"businesses/{broken}/", kind="status:503", times=None)
    )

    status, body = invoke()

    assert status == 500
    others = [store for store in body["stores"] if store["store_id"] != broken]
    assert len(others) == 7
    assert sum(sum(store["messages"].values()) for store in others) == 2 == len(world.messages())
    assert any(broken in problem for problem in body["problems"])
    assert "예약을 읽지 못한 매장이 있습니다" in world.world.telegram[0]["text"]


def test_an_unreadable_table_sends_nothing_and_says_so(invoke: Any, world: Sandbox) -> None:
    # L15: the legacy took a read error for 'no item', and confirmed everybody again.
    world.world.faults.append(Fault("aws", match="BatchGetItem", kind="status:500", times=None))

    status, body = invoke()

    assert status == 500
    assert world.messages() == []
    assert "🚨" in world.world.telegram[-1]["text"]
    assert body["status"] == "failed"


def test_a_wrong_password_is_reported_and_not_tried_again(invoke: Any, world: Sandbox) -> None:
    world.forget_session()
    world.world.account.mode = "wrong_password"

    first_status, body = invoke()
    second_status, _ = invoke()

    assert (first_status, second_status) == (500, 500)
    assert world.world.login_attempts == 1
    assert any("WrongPassword" in problem for problem in body["problems"])
    assert world.messages() == []


def test_a_missing_setting_is_answered_with_every_name(
    invoke: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NAVERPLACE_SENS__ACCESS_KEY")
    monkeypatch.delenv("NAVERPLACE_NAVER__PASSWORD")

    status, body = invoke()

    assert status == 500
    assert "NAVERPLACE_SENS__ACCESS_KEY" in body["error"]
    assert "NAVERPLACE_NAVER__PASSWORD" in body["error"]


def test_wrong_rules_are_told_to_the_owner_before_anything_is_asked(
    invoke: Any, world: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "reminders.yaml").write_text("rules: [{rule: x, whenn: []}]\n")
    monkeypatch.setenv("NAVERPLACE_RULES_DIR", str(tmp_path))

    status, body = invoke()

    assert status == 500
    assert "reminders.yaml:1:1: should be a list of rules" in body["error"]
    assert "설정이 잘못되어 시작하지 못했습니다" in world.world.telegram[-1]["text"]
    assert [seen for seen in world.world.requests if seen.service in ("nid", "partner")] == []


def test_a_dry_run_decides_the_same_and_touches_nothing(invoke: Any, world: Sandbox) -> None:
    before = world.sms_items()

    status, dry = invoke(dry_run=True)

    assert (status, dry["dry_run"]) == (200, True)
    assert world.messages() == []
    assert world.sms_items() == before
    assert dry["planned"] == invoke()[1]["messages"]


def test_only_the_stores_that_are_asked_for_are_served(invoke: Any, world: Sandbox) -> None:
    store_id = sorted(world.world.stores)[0]

    status, body = invoke(stores=[store_id])

    assert status == 200
    assert [store["store_id"] for store in body["stores"]] == [store_id]


def test_an_unknown_store_is_answered_with_the_nearest(invoke: Any) -> None:
    status, body = invoke(stores=["1051708"])

    assert status == 500
    assert "did you mean '1051707'" in body["error"]


def test_no_phone_or_secret_reaches_the_log_or_the_answer(
    invoke: Any, world: Sandbox, world_env: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    _, body = invoke()

    text = caplog.text + json.dumps(body, ensure_ascii=False)
    for canary in canaries(world, world_env):
        assert canary not in text
    assert Counter(len(m["to"]) > 0 for m in world.messages())[True] > 0


def canaries(world: Sandbox, env: dict[str, str]) -> set[str]:
    """Collect what must never be seen: secrets, and the phones that got a message."""
    secrets = {
        value
        for name, value in env.items()
        if name.endswith(("PASSWORD", "SECRET_KEY", "ACCESS_KEY", "BOT_TOKEN", "WEBHOOK_URL"))
        and not name.startswith("AWS_")
    }
    codes = {
        code for codes in json.loads(env["NAVERPLACE_ACCESS"]).values() for code in codes.values()
    }
    phones = {message["to"] for message in world.messages()}
    return {canary for canary in secrets | codes | phones if len(canary) >= 4}
