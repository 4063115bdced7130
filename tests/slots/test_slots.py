"""The one slot of the main flow outlives a killed worker and a restarted server; late runs are one.

A server of its own, since it is restarted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Crashed, Pending, Scheduled

from operate.places import LEASES, Place
from sandbox.prefect_server import PrefectServer
from sandbox.server import Sandbox
from trials.working import Working, kill_group, seen, serving

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(600)]
MAIN = "process-bookings/every-20-minutes"
STORAGE = "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"
HANGS = 600.0  # seconds until Naver answers: a run stands still, and can be killed


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A server as `make up` starts it, and the deployments of prefect.yaml."""
    with serving(tmp_path_factory.mktemp("deploying")) as server:
        yield server


@pytest.fixture
def working(
    server: PrefectServer, world: Sandbox, world_env: dict[str, str], tmp_path: Path
) -> Iterator[Working]:
    world.log_in()
    made = Working(server, world_env, tmp_path)
    yield made
    made.stop()


def slots(working: Working) -> int:
    """Count the slots of the main deployment that are taken."""
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(f"{MAIN}-{working.pool}")
        name = f"deployment:{found.id}"
        return int(client.read_global_concurrency_limit_by_name(name).active_slots)


def test_a_killed_worker_and_a_restarted_server_cost_no_slot_and_late_runs_are_one(
    working: Working, world: Sandbox
) -> None:
    world.world.latency["partner"] = HANGS
    run = working.start(MAIN)
    worker = working.worker()
    assert seen(lambda: begun(working, run), within=120)
    kill_group(worker)
    working.server.restart()
    assert slots(working) == 1  # this is the leak: nobody holds it, and every new run is cancelled

    with get_client(sync_client=True) as client:
        # What the automation naverplace-zombie does after nine silent minutes.
        client.set_flow_run_state(run.id, Crashed(), force=True)
    assert seen(lambda: slots(working) == 0, within=60)

    world.world.latency.clear()
    late = [late_run(working, minutes) for minutes in (60, 40, 20)]
    working.worker("after")
    assert seen(lambda: all(ended(working, run) for run in late), within=180)
    states = sorted(str(working.read(run).state_name) for run in late)
    assert states == ["Cancelled", "Cancelled", "Completed"]  # what was missed is one run


def test_a_slot_whose_holder_is_lost_ends_with_its_lease_also_after_a_restart(
    working: Working,
) -> None:
    run = late_run(working, 0)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Pending())  # a worker takes it, and is never seen again
    assert slots(working) == 1

    working.server.restart()
    assert slots(working) == 1
    let_leases_end(working.server.home / "concurrency_leases")

    assert seen(lambda: slots(working) == 0, within=60)


def let_leases_end(folder: Path) -> None:
    """Let the five minutes of every lease be over: with leases in memory there would be none."""
    over = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    leases = [path for path in folder.glob("*.json") if path.name != "expirations.json"]
    assert leases
    for path in leases:
        lease = json.loads(path.read_text("utf-8"))
        path.write_text(json.dumps({**lease, "expiration": over}), "utf-8")
    index = dict.fromkeys((path.stem for path in leases), over)
    (folder / "expirations.json").write_text(json.dumps(index), "utf-8")


def begun(working: Working, run: FlowRun) -> bool:
    state = working.read(run).state
    return state is not None and state.is_running()


def ended(working: Working, run: FlowRun) -> bool:
    state = working.read(run).state
    return state is not None and state.is_final()


def late_run(working: Working, minutes: float) -> FlowRun:
    """Order a run for a moment that has passed, as when no worker was there."""
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(f"{MAIN}-{working.pool}")
        due: State[Any] = Scheduled(scheduled_time=datetime.now(UTC) - timedelta(minutes=minutes))
        return client.create_flow_run_from_deployment(found.id, state=due)


def test_make_up_starts_its_server_with_leases_that_outlive_it(tmp_path: Path) -> None:
    place = Place(tmp_path, 4200)

    assert place.server_environment()[STORAGE] == LEASES
