"""A login that only a person can finish: the run suspends, calls somebody, and goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_runs import resume_flow_run
from typer.testing import CliRunner

from naverplace.cli.app import app
from sandbox.prefect_server import PrefectServer
from sandbox.server import Sandbox
from trials.working import Working

pytestmark = [pytest.mark.prefect, pytest.mark.browser]
MAIN = "process-bookings/every-20-minutes"


@pytest.fixture
def working(
    prefect_server: PrefectServer,
    prefect_client_settings: None,
    world: Sandbox,
    world_env: dict[str, str],
    tmp_path: Path,
) -> Iterator[Working]:
    world.forget_session()
    world.world.account.mode = "captcha"
    working = Working(prefect_server, world_env, tmp_path)
    working.deploy()
    yield working
    working.stop()


def test_a_captcha_suspends_the_run_and_naverplace_login_lets_it_go_on(
    working: Working,
    world: Sandbox,
    prefect_server: PrefectServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = working.start(MAIN)
    working.work()

    waiting = working.read(run)
    assert waiting.state_name == "Suspended", waiting.state
    assert world.messages() == []
    called = world.world.telegram[-1]["text"]
    assert "naverplace login --headed" in called
    assert f"/runs/flow-run/{run.id}" in called
    assert slots_taken(working) == 0  # the next scheduled run may begin

    world.world.account.mode = "ok"
    for name, value in {**working.env, **prefect_server.environment()}.items():
        monkeypatch.setenv(name, value)
    typed = CliRunner().invoke(app, ["login"])
    working.work()

    assert f"run {working.read(run).name} goes on" in typed.output
    done = working.read(run)
    assert done.state_name == "Completed", done.state
    assert world.world.login_attempts == 2
    assert len(world.messages()) == sum(world.expected["messages"].values()) > 0


def test_an_answer_in_the_ui_lets_the_run_log_in_itself_without_waiting_for_the_cool_down(
    working: Working, world: Sandbox
) -> None:
    world.world.account.mode = "two_step"
    run = working.start(MAIN)
    working.work()
    assert working.read(run).state_name == "Suspended"
    told = len(world.world.telegram)

    world.world.account.two_step_approved = True
    resume_flow_run(run.id, run_input={"try_again": True})
    working.work()

    done = working.read(run)
    assert done.state_name == "Completed", working.log(run)
    assert len(world.messages()) == sum(world.expected["messages"].values()) > 0
    assert "🚨" not in "".join(m["text"] for m in world.world.telegram[told:])


def slots_taken(working: Working) -> int:
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(f"{MAIN}-{working.pool}")
        limit = found.global_concurrency_limit
        assert limit is not None
        return limit.active_slots
