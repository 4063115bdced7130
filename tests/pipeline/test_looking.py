"""Commands that only look: they log in nowhere and write nothing, and say how to go on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from naverplace.cli.app import app
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
NEED_NAVER = ("run --dry-run", "forecast", "explain 1051707_1000000001", "doctor")
LOOKS = (*NEED_NAVER, "stores", "owners", "watchdog", "retention")
Type = Callable[[str], Result]


@pytest.fixture
def typed(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Type:
    monkeypatch.chdir(ROOT)
    return lambda words: CliRunner().invoke(app, words.split(), env=world_env)


def tables(world: Sandbox) -> object:
    lines = [seen.line for seen in world.world.requests if seen.service == "aws"]
    writes = [line for line in lines if any(word in line for word in WRITES)]
    return world.sms_items(), world.session_items(), writes


def wrong_password(world: Sandbox) -> None:
    world.world.cookies.kill_all()
    world.world.account.mode = "wrong_password"


def cooling_down(world: Sandbox) -> None:
    world.world.cookies.kill_all()
    world.remember_failed_login("captcha")


@pytest.mark.parametrize("harm", [Sandbox.forget_session, wrong_password, cooling_down])
def test_with_a_dead_session_nobody_logs_in_nothing_is_written_and_it_is_said(
    world: Sandbox, typed: Type, harm: Callable[[Sandbox], None]
) -> None:
    harm(world)
    before = tables(world)

    for words in LOOKS:
        result = typed(words)

        assert "Traceback" not in result.output
        assert (result.exit_code != 0) == (words in NEED_NAVER or words == "watchdog"), words
        if words in NEED_NAVER:
            assert "naverplace login" in result.output, words

    assert tables(world) == before
    assert world.world.login_attempts == 0


def test_what_naver_renews_meanwhile_is_used_and_not_stored(world: Sandbox, typed: Type) -> None:
    world.world.booking_switches.needs_service_cookie = True
    before = tables(world)

    for words in LOOKS:
        assert "Traceback" not in typed(words).output

    assert typed("run --dry-run").exit_code == 0
    assert tables(world) == before
    assert world.world.login_attempts == 0
