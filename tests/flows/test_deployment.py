"""What prefect.yaml deploys, and that a scheduled run really appears.

With a newer SQLAlchemy the server looks healthy and never schedules anything: only this notices.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.flows import load_flow_from_entrypoint

from naverplace.base.clock import SEOUL
from sandbox.prefect_server import PrefectServer

ROOT = Path(__file__).resolve().parents[2]
ALL: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))[
    "deployments"
]
APPEARS_WITHIN = 90  # seconds; the scheduler looks every few seconds


def test_every_value_of_the_deployment_is_the_one_we_mean(deployment: dict[str, Any]) -> None:
    assert set(deployment) == {
        "name",
        "description",
        "entrypoint",
        "tags",
        "parameters",
        "work_pool",
        "concurrency_limit",
        "schedules",
    }
    assert deployment["concurrency_limit"] == {
        "limit": 1,
        "collision_strategy": "CANCEL_NEW",
        "grace_period_seconds": 120,
    }
    assert deployment["schedules"] == [
        {
            "cron": "*/20 * * * *",
            "timezone": "Asia/Seoul",
            "slug": "every-20-minutes",
            "active": True,
        }
    ]
    assert deployment["parameters"] == {"dry_run": False, "stores": []}


def test_the_reconciliation_is_deployed_daily_between_two_runs(
    deployment: dict[str, Any], daily_deployment: dict[str, Any]
) -> None:
    assert set(daily_deployment) == set(deployment)
    assert (daily_deployment["name"], daily_deployment["entrypoint"]) == (
        "reconcile-daily",
        "flows/reconcile.py:reconcile",
    )
    assert daily_deployment["concurrency_limit"] == deployment["concurrency_limit"]
    assert daily_deployment["work_pool"] == deployment["work_pool"]
    assert daily_deployment["schedules"] == [
        {
            "cron": "10 9 * * *",
            "timezone": "Asia/Seoul",
            "slug": "daily-at-0910",
            "active": True,
        }
    ]
    assert daily_deployment["parameters"] == {}


def test_the_watchdog_is_deployed_between_the_runs(deployment: dict[str, Any]) -> None:
    loaded = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    (found,) = (one for one in loaded if one["name"] == "watchdog-10-minutes")
    assert set(found) == set(deployment)
    assert found["entrypoint"] == "flows/watch_messages.py:watchdog"
    assert found["concurrency_limit"] == deployment["concurrency_limit"]
    assert found["work_pool"] == deployment["work_pool"]
    assert found["schedules"] == [
        {
            "cron": "5-55/10 * * * *",
            "timezone": "Asia/Seoul",
            "slug": "every-10-minutes",
            "active": True,
        }
    ]


def prefect(server: PrefectServer, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", *words],
        cwd=ROOT,
        env={**os.environ, **server.environment(), "NAVERPLACE_HOME": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_shared_ticks_are_off_until_somebody_wants_them_and_shards_have_no_limit_of_their_own() -> (
    None
):
    loaded = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    by_name = {one["name"]: one for one in loaded}

    shared, shard = by_name["shared-20-minutes"], by_name["shard"]
    assert shared["entrypoint"] == "flows/sharing.py:share_bookings"
    assert shared["concurrency_limit"]["collision_strategy"] == "CANCEL_NEW"
    assert shared["concurrency_limit"]["limit"] == 1
    (schedule,) = shared["schedules"]
    assert (schedule["cron"], schedule["timezone"]) == ("*/20 * * * *", "Asia/Seoul")
    assert schedule["active"] is False  # every-20-minutes is on
    assert shared["parameters"]["deployment"] == "process-shard/shard"
    assert shard["entrypoint"] == "flows/bookings.py:process_shard"
    assert shard["schedules"] == []
    assert "concurrency_limit" not in shard


WHEN = {  # cron in Seoul, and whether it is on
    "every-20-minutes": ("*/20 * * * *", True),
    "reconcile-daily": ("10 9 * * *", True),
    "watchdog-10-minutes": ("5-55/10 * * * *", True),
    "retention-daily": ("30 4 * * *", True),
    "shared-20-minutes": ("*/20 * * * *", False),
    "shard": None,
    "parity-replay": None,
    "parity-shadow": ("18-58/20 * * * *", False),
    "parity-observed": ("19-59/20 * * * *", False),
}


def test_everything_that_is_deployed_starts_when_it_should_and_one_at_a_time() -> None:
    assert {one["name"] for one in ALL} == set(WHEN)
    for one in ALL:
        planned = [(s["cron"], s["active"]) for s in one["schedules"]]
        wanted = WHEN[one["name"]]
        assert planned == ([wanted] if wanted else []), one["name"]
        assert {s["timezone"] for s in one["schedules"]} <= {"Asia/Seoul"}
        assert one["work_pool"] == ALL[0]["work_pool"]
        limit = one.get("concurrency_limit")
        assert limit == (None if one["name"] == "shard" else ALL[0]["concurrency_limit"])


@pytest.mark.parametrize("entrypoint", sorted({one["entrypoint"] for one in ALL}))
def test_every_parameter_has_a_type_and_a_line_of_explanation_for_the_ui(entrypoint: str) -> None:
    loaded: Flow[..., Any] = load_flow_from_entrypoint(entrypoint)
    schema = loaded.parameters.model_dump()

    assert str(loaded.description).strip()
    for name, shown in schema["properties"].items():
        assert shown.get("description"), name
        assert shown.get("type") or shown.get("anyOf"), name
    for one in ALL:
        if one["entrypoint"] == entrypoint:
            assert one["description"]
            assert set(one.get("parameters", {})) <= set(schema["properties"])


@pytest.mark.prefect
@pytest.mark.usefixtures("prefect_client_settings")
def test_a_deployed_schedule_makes_a_scheduled_run_appear(prefect_server: PrefectServer) -> None:
    prefect(prefect_server, "work-pool", "create", "naverplace", "--type", "process")
    prefect(prefect_server, "deploy", "--all")

    scheduled = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED]))
    )
    deadline = time.monotonic() + APPEARS_WITHIN
    starts: dict[str, set[datetime]] = {"every-20-minutes": set(), "reconcile-daily": set()}
    with get_client(sync_client=True) as client:
        while time.monotonic() < deadline and not all(starts.values()):
            for name in starts:
                runs = client.read_flow_runs(
                    flow_run_filter=scheduled,
                    deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[name])),
                )
                starts[name] = {r.expected_start_time for r in runs if r.expected_start_time}
            time.sleep(0.5)  # asking, not waiting for a guess: the test ends when they are there

    assert all(starts.values())
    assert {start.minute % 20 for start in starts["every-20-minutes"]} == {0}
    daily = {start.astimezone(SEOUL) for start in starts["reconcile-daily"]}
    assert {(start.hour, start.minute) for start in daily} == {(9, 10)}
