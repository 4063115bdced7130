"""Flow, Lambda handler and command do the same steps; a defect in one store halts no other."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest
from prefect import Task
from prefect.client.schemas.objects import State
from typer.testing import CliRunner

from flows.bookings import STEPS
from naverplace import handler
from naverplace.cli.app import app
from naverplace.delivery.deliver import deliver as real_deliver
from naverplace.naver.booking_client import BookingClient
from naverplace.pipeline import store_delivery
from naverplace.pipeline.local_runner import run_once
from naverplace.settings.loader import load_settings
from sandbox.server import Sandbox

Door = Callable[[], dict[str, Any]]  # does a run and gives its report, or nothing of a failed flow


@pytest.fixture
def world(world: Sandbox) -> Sandbox:
    """A world where several stores owe messages."""
    world.reset("first-run")
    return world


@pytest.fixture(params=[pytest.param("flow", marks=pytest.mark.prefect), "lambda", "command"])
def door(
    request: pytest.FixtureRequest,
    world: Sandbox,
    world_env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Door:
    """A door to a run, on the sandbox, where somebody has logged in."""
    for name, value in world_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handler, "_settings", None)
    world.log_in()
    if request.param == "flow":
        process_bookings = request.getfixturevalue("process_bookings")

    def by_flow() -> dict[str, Any]:
        state: State[Any] = process_bookings(return_state=True)
        report: dict[str, Any] = state.result() if state.is_completed() else {}
        return report

    def by_lambda() -> dict[str, Any]:
        report: dict[str, Any] = json.loads(handler.lambda_handler({}, None)["body"])
        return report

    def by_command() -> dict[str, Any]:
        report: dict[str, Any] = json.loads(CliRunner().invoke(app, ["run", "--json"]).stdout)
        return report

    return {"flow": by_flow, "lambda": by_lambda, "command": by_command}[request.param]


def test_every_door_does_the_same_steps_in_the_same_order(door: Door, world: Sandbox) -> None:
    spans = door()["spans"]

    assert sorted(spans, key=lambda phase: spans[phase][0]) == [
        *("settle", "session", "booking api", "quality", "dynamodb read", "decide"),
        *("delivery", "cross-check", "forecast", "notifications"),
    ]
    assert len(world.messages()) == sum(world.expected["messages"].values())


def test_every_step_of_the_flow_is_a_task_but_waiting_for_a_login_and_noting_what_is_due() -> None:
    no_tasks = {f.name for f in fields(STEPS) if not isinstance(getattr(STEPS, f.name), Task)}

    assert no_tasks == {"restore_session", "note_due"}


def test_a_defect_while_a_store_is_read_stops_no_other_store(
    door: Door, world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, messages = a_store_with_messages(world_env)
    real = BookingClient.bookings

    def bookings(self: BookingClient, store_id: str, *words: Any) -> Any:
        if store_id == broken:
            raise ZeroDivisionError("a defect")
        return real(self, store_id, *words)

    monkeypatch.setattr(BookingClient, "bookings", bookings)

    report = door()

    assert len(world.messages()) == sum(world.expected["messages"].values()) - messages > 0
    told = world.world.telegram[0]["text"]
    assert "예약을 읽지 못한 매장이 있습니다" in told
    assert "ZeroDivisionError" in told
    if report:
        assert "could not be read: ZeroDivisionError: a defect" in report["problems"][0]


def test_a_defect_while_a_store_is_delivered_stops_no_other_store(
    door: Door, world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, messages = a_store_with_messages(world_env)

    def deliver(effects: Any, *words: Any) -> Any:
        if effects[0].key.store_id == broken:
            raise ZeroDivisionError("a defect")
        return real_deliver(effects, *words)

    monkeypatch.setattr(store_delivery, "deliver", deliver)

    report = door()

    assert len(world.messages()) == sum(world.expected["messages"].values()) - messages > 0
    assert "나갔는지 알 수 없는 문자가 있습니다" in world.world.telegram[0]["text"]
    if report:
        assert report["outcomes"]["in_doubt"] == messages
        assert report["contradictions"] == []


def a_store_with_messages(env: dict[str, str]) -> tuple[str, int]:
    """Find a store that owes messages by a dry run; gives its id and how many."""
    report = run_once(load_settings(env=env, env_file=None), run_id="dry", door="cli", dry_run=True)
    return next(
        (str(store["store_id"]), int(store["planned"]))
        for store in report.stores
        if store["planned"]
    )
