"""Retention on a real Prefect server, whose own history is one of the places."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.flows import load_flow_from_entrypoint

from sandbox.server import Sandbox
from tasks.prefect_history import FLOWS, forget_history
from tests.flows.conftest import ROOT
from tests.flows.test_bookings import artifacts_of
from tests.jobs.retention.test_removing import complete_everything
from tests.reconciliation_builders import DAY, Shop

pytestmark = pytest.mark.prefect


@pytest.fixture
def retention(
    world: Sandbox,
    world_env: dict[str, str],
    prefect_client_settings: None,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Any]:
    monkeypatch.chdir(ROOT)
    flow: Callable[..., Any] = load_flow_from_entrypoint("flows/retention.py:retention")

    def run(**parameters: Any) -> Any:
        for name, value in {**world_env, **world.environment()}.items():
            monkeypatch.setenv(name, value)
        return flow(**parameters, return_state=True)

    return run


def test_a_year_later_the_flow_removes_everything_and_shows_the_counts(
    retention: Callable[..., Any], world: Sandbox, world_env: dict[str, str]
) -> None:
    world.log_in()
    Shop(world, world_env).run()
    items = len(world.sms_items())
    world.world.advance(400 * DAY)
    world.log_in()
    complete_everything(world)

    state = retention()

    assert state.is_completed(), state.message
    assert world.sms_items() == []
    done = state.result()
    counts = {p["name"]: p["removed"] for p in done["places"]}
    assert counts["table sms"] == items
    assert {"Prefect's runs", "artifacts of those runs"} <= set(counts)
    page = artifacts_of(str(state.state_details.flow_run_id))["retention"]
    assert "table sms" in page


def test_a_store_that_nobody_knows_fails_the_flow_and_is_told_to_the_owner(
    retention: Callable[..., Any], world: Sandbox
) -> None:
    old = {"booking_num": "999_1", "phone": "010-0000-0042", "booking_time": "2020-01-01 10:00:00"}
    world.put_sms_item(old)

    state = retention()

    assert state.is_failed()
    assert "1 problems" in str(state.message)
    told = world.world.telegram[-1]["text"]
    assert "retention.closed_stores" in told
    assert "0042" not in told


def test_our_old_runs_and_their_artifacts_go_and_younger_ones_stay(
    process_bookings: Callable[..., Any], world: Sandbox
) -> None:
    world.log_in()
    first = process_bookings()["run_id"]
    between = datetime.now(UTC)
    second = process_bookings()["run_id"]

    counted = forget_history(before=between, days=30, dry_run=True)
    removed = forget_history(before=between, days=30, dry_run=False)

    assert [place.old for place in counted] == [place.old for place in removed]
    assert removed[0].removed >= 1
    assert removed[1].removed >= 4  # a run's summary, document, quarantine, verdicts
    assert [place.left for place in removed] == [0, 0]
    assert artifacts_of(first) == {}
    assert "run-summary" in artifacts_of(second)
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(second).name
    again = forget_history(before=between - timedelta(days=1), days=30, dry_run=False)
    assert [place.removed for place in again] == [0, 0]


def test_the_history_of_every_flow_that_is_deployed_is_forgotten() -> None:
    deployed = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    names = {str(load_flow_from_entrypoint(one["entrypoint"]).name) for one in deployed}

    assert names == set(FLOWS)
