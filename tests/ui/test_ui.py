"""What a person sees and does in Prefect's UI, in a real browser, with a real server and worker.

NAVERPLACE_UI_IMAGES=docs/images writes the pictures of docs/ui.md anew.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterDeploymentId,
)
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.client.schemas.sorting import ArtifactSort, FlowRunSort
from selenium.webdriver.common.by import By

from sandbox.faults import Fault
from sandbox.prefect_server import PrefectServer
from sandbox.server import Sandbox
from tests.nightly import at_night
from tests.ui.page import Page
from trials.working import Working, seen, serving

pytestmark = [pytest.mark.prefect, pytest.mark.browser, pytest.mark.timeout(600)]
MAIN = "process-bookings/every-20-minutes"
BROKEN = "951291"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """A server with its UI, and the deployments of prefect.yaml."""
    folder = tmp_path_factory.mktemp("deploying")
    with serving(folder, PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS="5") as server:
        yield server


@pytest.fixture
def working(
    server: PrefectServer, world: Sandbox, world_env: dict[str, str], tmp_path: Path
) -> Iterator[Working]:
    """The server with a worker, in a world where the session is alive."""
    world.reset("first-run")
    world.log_in()
    made = Working(server, {**world_env, **world.environment()}, tmp_path)
    made.worker()
    yield made
    made.stop()


@pytest.fixture
def page(working: Working, tmp_path: Path) -> Iterator[Page]:
    images = os.environ.get("NAVERPLACE_UI_IMAGES", "")
    made = Page(working.server.url, Path(images) if images else tmp_path / "images")
    yield made
    made.driver.quit()


def test_a_scheduled_run_appears_fails_half_way_and_is_retried_by_the_button(
    working: Working, page: Page, world: Sandbox
) -> None:
    world.world.faults.append(
        Fault("partner", match=f"businesses/{BROKEN}/", kind="status:503", times=None)
    )
    run = scheduled(working)
    page.open(f"/runs/flow-run/{run.id}")
    assert page.shows(run.name, "Scheduled")
    page.rest()
    assert seen(lambda: not is_planned(working, run), within=120)
    end_schedule(working)
    assert seen(lambda: ended(working, run), within=120)
    page.open(f"/runs/flow-run/{run.id}")
    assert page.shows(run.name, "Failed", "Retry")
    before = told(world)
    assert before  # half of the work is done: the other stores' customers have their messages
    assert seen(lambda: page.driver.find_elements(By.TAG_NAME, "canvas"))  # the graph of steps
    page.picture("failed")
    assert page.shows("read 나래점", "503"), page.text()  # the log says which store, and why

    world.world.faults.clear()
    page.click("Retry")
    page.click("Retry", last=True)
    assert seen(lambda: not ended(working, run))
    page.rest()
    assert seen(lambda: retried(working, run), within=120)

    page.open(f"/runs/flow-run/{run.id}")
    assert page.shows(run.name, "Completed", "deliver 나래점")
    assert seen(lambda: page.driver.find_elements(By.TAG_NAME, "canvas"))
    page.picture("retried")
    after = told(world)
    assert len(after) > len(before)  # the store that was left out has its messages now
    assert set(after.values()) == {1}  # and nobody has one twice

    for name, words in ARTIFACTS.items():
        page.open(f"/artifacts/artifact/{newest(name, run)}")
        assert page.shows(*words), f"{name}: {page.text()[:1000]}"
        page.picture(name)


@at_night  # by day tests/flows/test_waiting_for_a_person.py answers as the UI does
def test_a_run_that_waits_for_a_person_goes_on_after_an_answer_in_the_ui(
    working: Working, page: Page, world: Sandbox
) -> None:
    world.forget_session()
    world.world.account.mode = "two_step"
    run = working.start(MAIN)
    assert seen(lambda: working.read(run).state_name == "Suspended", within=120)
    page.open(f"/runs/flow-run/{run.id}")
    assert page.shows(run.name, "Suspended", "Resume")
    assert told(world) == {}

    world.world.account.two_step_approved = True  # the owner confirms it on the phone
    page.click("Resume")
    assert page.shows("Naver wants a person: two_step", "naverplace login --headed", "Try Again")
    page.switch_on()
    page.picture("waiting")
    submit(working, page, run)
    page.rest()
    assert seen(lambda: ended(working, run), within=120), history(run)

    page.open(f"/runs/flow-run/{run.id}")
    assert page.shows(run.name, "Completed")
    assert set(told(world).values()) == {1}


def test_a_person_who_starts_a_run_reads_what_its_parameters_do(
    working: Working, page: Page
) -> None:
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(f"{MAIN}-{working.pool}")

    page.open(f"/deployments/deployment/{found.id}/run")

    assert page.shows("dry_run", "decide and report, but write and send nothing")
    assert page.shows("stores", "only these store ids")
    page.picture("parameters")


ARTIFACTS = {
    "run-summary": ("run-summary", "All sums balance"),
    "quality": ("quality", "stopped", BROKEN),
    "quarantine": ("quarantine",),
    "verdicts": ("verdicts", "new-booking"),
}


def newest(key: str, run: FlowRun) -> str:
    """Name the newest artifact of a run that has this key."""
    chosen = ArtifactFilter(
        flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]), key=ArtifactFilterKey(any_=[key])
    )
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=chosen, sort=ArtifactSort.CREATED_DESC)
    assert found, f"no artifact {key}"
    return str(found[0].id)


def scheduled(working: Working) -> FlowRun:
    """Give the main deployment a schedule, and wait for the run that the server plans by it."""
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(f"{MAIN}-{working.pool}")
        soon = IntervalSchedule(
            interval=timedelta(minutes=1), anchor_date=datetime.now(UTC) + timedelta(seconds=50)
        )
        planned: list[tuple[Any, bool]] = [(soon, True)]
        client.create_deployment_schedules(found.id, planned)
        chosen = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[found.id]))
        sort = FlowRunSort.EXPECTED_START_TIME_ASC
        runs = seen(lambda: client.read_flow_runs(flow_run_filter=chosen, sort=sort), within=120)
    assert runs, "no run was planned"
    first: FlowRun = runs[0]
    assert first.auto_scheduled
    return first


def is_planned(working: Working, run: FlowRun) -> bool:
    state = working.read(run).state
    return state is not None and state.is_scheduled()


def end_schedule(working: Working) -> None:
    """Take the schedule away, with the runs that are planned: one is what is wanted."""
    with get_client(sync_client=True) as client:
        found = client.read_deployment_by_name(f"{MAIN}-{working.pool}")
        for schedule in found.schedules:
            client.delete_deployment_schedule(found.id, schedule.id)


def submit(working: Working, page: Page, run: FlowRun) -> None:
    """Press *Submit*, and again when the page says that something went wrong, as a person does."""
    for _ in range(3):
        if "Resume Flow Run" in page.text():
            page.click("Submit")
        if seen(lambda: working.read(run).state_name != "Suspended", within=20):
            return
    raise AssertionError([*history(run), page.text()])


def history(run: FlowRun) -> list[str]:
    """List the states that a run has gone through."""
    with get_client(sync_client=True) as client:
        states = client.read_flow_run_states(run.id)
    return [f"{state.timestamp:%H:%M:%S} {state.name} {state.message or ''}" for state in states]


def ended(working: Working, run: FlowRun) -> bool:
    state = working.read(run).state
    return state is not None and state.is_final()


def retried(working: Working, run: FlowRun) -> bool:
    found = working.read(run)
    return found.run_count == 2 and found.state is not None and found.state.is_completed()


def told(world: Sandbox) -> Counter[tuple[str, str]]:
    """Count what every phone got, by subject."""
    return Counter((str(m["to"]), str(m["subject"])) for m in world.messages())
