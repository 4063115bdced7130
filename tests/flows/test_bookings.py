"""The main flow on a real Prefect server: what it does, and what a person reads there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import State, TaskRunResult

from naverplace.base.clock import SEOUL
from naverplace.pipeline import store_groups
from naverplace.pipeline.local_runner import run_once
from naverplace.settings.loader import load_settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from trials.working import seen

pytestmark = pytest.mark.prefect


def test_the_flow_sends_what_the_scenario_owes_and_then_nothing(
    process_bookings: Callable[..., Any], world: Sandbox
) -> None:
    world.log_in()

    first, second = process_bookings(), process_bookings()

    assert first["messages"] == {"event": 0, **world.expected["messages"]}
    assert len(world.messages()) == sum(first["messages"].values()) > 0
    assert sum(second["messages"].values()) == 0
    assert (first["balanced"], second["balanced"]) == (True, True)


def test_flow_and_handler_do_the_same_on_the_same_world(
    process_bookings: Callable[..., Any], world: Sandbox, world_env: dict[str, str]
) -> None:
    world.log_in()
    by_flow = comparable(process_bookings())
    seen_by_flow = outside(world)

    world.reset("quiet")
    world.log_in()
    report = run_once(load_settings(env=world_env, env_file=None), run_id="x", door="lambda")

    assert comparable(report.as_json()) == by_flow
    assert outside(world) == seen_by_flow


def test_a_flow_that_serves_its_stores_in_groups_does_the_same(
    process_bookings: Callable[..., Any], world: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.log_in()
    at_once, messages = comparable(process_bookings()), len(world.messages())
    world.reset("quiet")
    world.log_in()
    monkeypatch.setattr(store_groups, "STORES", 3)

    assert comparable(process_bookings()) == at_once
    assert len(world.messages()) == messages > 0


def comparable(report: dict[str, Any]) -> dict[str, Any]:
    """Leave out what must differ between two runs: names and times."""
    volatile = {"run_id", "door", "now", "phases", "seconds", "memory_mb", "request_id"}
    volatile |= {"started", "spans", "calls", "cold_start", "init_seconds"}
    same = {name: value for name, value in report.items() if name not in volatile}
    # How many of them have reached a phone so far depends on how fast this machine is.
    checked = {**report["crosscheck"], "ends": sum(report["crosscheck"]["ends"].values())}
    rows = [_without(row, volatile) for row in report["deliveries"]]
    rulebook = {**report["rulebook"], "since": None}
    return {**same, "crosscheck": checked, "deliveries": rows, "rulebook": rulebook}


def _without(row: dict[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def outside(world: Sandbox) -> tuple[Any, ...]:
    """What the outside world saw: phones, the owner's chat, flags."""
    flags = ("booking_num", "phone", "confirm_sms", "remind_sms", "option_sms", "booking_time")
    items = sorted(tuple(str(item.get(flag)) for flag in flags) for item in world.sms_items())
    messages = sorted((m["to"], m["from"], m["subject"], m["content"]) for m in world.messages())
    return items, messages, len(world.world.telegram)


def test_a_store_that_fails_turns_the_run_failed_after_the_rest_is_done(
    process_bookings: Callable[..., Any], world: Sandbox
) -> None:
    world.log_in()
    broken = "951291"
    fault = Fault("partner", match=f"businesses/{broken}/", kind="status:422", times=None)
    world.world.faults.append(fault)

    state: State[Any] = process_bookings(return_state=True)

    assert state.is_failed()
    assert len(world.messages()) > 0
    alert, _ = (message["text"] for message in world.world.telegram)
    assert "예약을 읽지 못한 매장이 있습니다" in alert
    assert "- 안산점: " in alert


def test_a_failed_login_alerts_and_fails_with_advice(
    process_bookings: Callable[..., Any], world: Sandbox
) -> None:
    world.forget_session()
    world.remember_failed_login("captcha")

    state: State[Any] = process_bookings(return_state=True)

    assert state.is_failed()
    assert "naverplace login" in str(state.message)
    assert world.world.login_attempts == 0
    assert "naverplace login" in world.world.telegram[-1]["text"]


def test_a_person_finds_summary_quarantine_and_verdicts_among_the_artifacts(
    process_bookings: Callable[..., Any], world: Sandbox
) -> None:
    world.log_in()

    report = process_bookings()

    artifacts = artifacts_of(report["run_id"])
    assert set(artifacts) == {"run-summary", "run-document", "quality", "quarantine", "verdicts"}
    assert artifacts["run-document"].startswith("# Run Summary: SUCCESS")
    sent, owed = sum(report["messages"].values()), sum(report["planned"].values())
    assert f"- Total SMS sent: {sent}\n" in artifacts["run-document"]
    assert f"- Total messages owed: {owed}\n" in artifacts["run-document"]
    assert "- Contradictions: 0\n" in artifacts["run-document"]
    assert "All sums balance." in artifacts["run-summary"]
    assert "new-booking" in artifacts["verdicts"]


def artifacts_of(flow_run_id: str) -> dict[str, str]:
    run_id = uuid.UUID(flow_run_id)
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id])),
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])),
        )
    return {str(artifact.key): str(artifact.data) for artifact in found}


def test_the_run_is_drawn_in_the_order_of_its_steps_without_crossing_arrows(
    process_bookings: Callable[..., Any], world: Sandbox
) -> None:
    world.log_in()

    report = process_bookings()

    aliases = [store["alias"] for store in report["stores"]]
    reads, sends = ([f"{step} {alias}" for alias in aliases] for step in ("read", "deliver"))
    steps = [
        ["restore-session", "follow-messages"],
        reads,
        ["check-quality"],
        ["resolve-in-doubt"],
        ["decide"],
    ]
    steps += [sends, ["notify"], ["report"]]
    wanted = {(a, b) for now, after in pairwise(steps) for a in now for b in after}
    # The server records task runs from events, which may come after the run has ended.
    assert seen(lambda: arrows(report["run_id"]) == wanted), arrows(report["run_id"]) ^ wanted


def arrows(flow_run_id: str) -> set[tuple[str, str]]:
    """The graph that the UI draws, by the names of the task runs."""
    this_run = FlowRunFilter(id=FlowRunFilterId(any_=[uuid.UUID(flow_run_id)]))
    with get_client(sync_client=True) as client:
        runs = client.read_task_runs(flow_run_filter=this_run)
    names = {run.id: run.name for run in runs}
    return {
        (names.get(source.id, "?"), run.name)
        for run in runs
        for sources in run.task_inputs.values()
        for source in sources
        if isinstance(source, TaskRunResult)
    }


def test_the_list_of_runs_tells_when_and_what(
    process_bookings: Callable[..., Any], world: Sandbox
) -> None:
    world.log_in()

    state: State[Any] = process_bookings(return_state=True)

    with get_client(sync_client=True) as client:
        run = client.read_flow_run(uuid.UUID(state.result()["run_id"]))
        its = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
        # Prefect sends logs in batches, beside the run.
        said = {"read 화성점: 3 confirmed, 1 completed"}
        said |= {"deliver 화성점: 2 send_sms accepted, 1 create_db_record written"}
        assert seen(lambda: said <= {entry.message for entry in client.read_logs(its)})
    planned = run.expected_start_time
    assert planned
    assert run.name == f"{planned.astimezone(SEOUL):%m-%d %H:%M}"
    assert state.message == "예약확정 1 · 안내 1"


def test_a_dry_run_of_the_flow_sends_nothing(
    process_bookings: Callable[..., Any], world: Sandbox
) -> None:
    world.log_in()

    report = process_bookings(dry_run=True)

    assert world.messages() == []
    assert sum(report["planned"].values()) == sum(world.expected["messages"].values())
