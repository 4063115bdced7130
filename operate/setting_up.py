"""What a fresh Prefect server is given: a work pool, and what prefect.yaml deploys."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.exceptions import ObjectNotFound
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_HOME,
    temporary_settings,
)
from prefect.states import Scheduled

from naverplace.settings.schema import Settings
from operate.alerts import set_alerts
from operate.places import MAIN, POOL, ROOT, CannotStart, Place

TEMPLATES = ROOT / "deployments" / "pools"
LIMITS = ROOT / "deployments" / "limits.yaml"
_NEVER = datetime.min.replace(tzinfo=UTC)


def set_up(
    place: Place, settings: Settings, *, kind: str = "process", project: Path = ROOT
) -> None:
    """Make the work pool unless it is there, the alerts, and everything that prefect.yaml deploys.

    `kind` is the pool's, process or ecs; `project` is where its workers have this project. A pool
    that somebody has changed in the UI is left as it is. Raises CannotStart.
    """
    with at_server(place), get_client(sync_client=True) as client:
        _make_pool(client, kind)
        set_limits(client)
    command = [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **place.client_environment(), "NAVERPLACE_HOME": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotStart(f"`prefect deploy --all` failed:\n{(done.stdout + done.stderr)[-2000:]}")
    with at_server(place), get_client(sync_client=True) as client:
        set_alerts(client, settings)


def _make_pool(client: SyncPrefectClient, kind: str) -> None:
    try:
        found = client.read_work_pool(POOL)
    except ObjectNotFound:
        template = json.loads((TEMPLATES / f"{kind}.json").read_text("utf-8"))
        wanted = WorkPoolCreate(name=POOL, type=kind, base_job_template=template)
        client.create_work_pool(wanted)
        return
    if found.type != kind:
        raise CannotStart(
            f"there is a work pool {POOL!r} of type {found.type} already: "
            f"say --kind {found.type}, or delete it in the UI first"
        )


def set_limits(client: SyncPrefectClient, *, file: Path = LIMITS) -> list[str]:
    """Make the limits of deployments/limits.yaml that are missing, and give their names."""
    known = {limit.name for limit in client.read_global_concurrency_limits(limit=200)}
    wanted: dict[str, int] = yaml.safe_load(file.read_text("utf-8"))["limits"]
    missing = [name for name in wanted if name not in known]
    for name in missing:
        made = GlobalConcurrencyLimitCreate(name=name, limit=wanted[name])
        client.create_global_concurrency_limit(made)
    return missing


def client_of(place: Place) -> SyncPrefectClient:
    """Open a client of this place's server."""
    with at_server(place):
        return get_client(sync_client=True)


def at_server(place: Place) -> AbstractContextManager[Any]:
    """Point everything of Prefect within it at this place's server."""
    changes: dict[Any, Any] = {
        PREFECT_API_URL: f"{place.url}/api",
        PREFECT_API_AUTH_STRING: place.auth_string or None,
        PREFECT_HOME: place.home,
    }
    return temporary_settings(changes)


def start_run(place: Place, *, seconds: float = 1.0) -> FlowRun:
    """Schedule one run of the main flow, besides those of its schedule."""
    with client_of(place) as client:
        deployment = client.read_deployment_by_name(MAIN)
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        return client.create_flow_run_from_deployment(
            deployment.id, state=Scheduled(scheduled_time=at), tags=["make-up"]
        )


def read_run(place: Place, run: FlowRun) -> FlowRun:
    """Read how a run stands."""
    with client_of(place) as client:
        return client.read_flow_run(run.id)


def running(place: Place) -> FlowRun | None:
    """Find the run of the main flow that has begun last and was not cancelled."""
    begun = [StateType.PENDING, StateType.RUNNING, StateType.COMPLETED, StateType.FAILED]
    runs = [run for run in _runs(place, begun) if run.start_time or run.state_type in begun[:2]]
    return max(runs, key=lambda run: run.expected_start_time or run.created or _NEVER, default=None)


def next_scheduled(place: Place) -> datetime | None:
    """Tell when the schedule starts the main flow next; None until the scheduler has planned it."""
    runs = _runs(place, [StateType.SCHEDULED])
    times = [r.expected_start_time for r in runs if r.auto_scheduled and r.expected_start_time]
    return min(times, default=None)


def _runs(place: Place, states: list[StateType]) -> list[FlowRun]:
    with client_of(place) as client:
        deployment = client.read_deployment_by_name(MAIN)
        return client.read_flow_runs(
            flow_run_filter=FlowRunFilter(
                deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]),
                state=FlowRunFilterState(type=FlowRunFilterStateType(any_=states)),
            )
        )
