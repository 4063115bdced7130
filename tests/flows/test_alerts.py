"""Prefect's own alerts: what a server with our automations tells, and what it calls crashed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import FlowRun
from prefect.events import emit_event
from prefect.events.schemas.automations import AutomationCore
from prefect.states import Cancelled, Crashed, Failed, Running, Scheduled, Suspended

from naverplace.settings.schema import Settings
from operate.alerts import FILE, read_entries, set_alerts
from sandbox.server import Sandbox
from tasks.prefect_history import FLOWS

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_client_settings")]
WITHIN = 60  # seconds; events take some
SHORT = 10  # seconds: the least that Prefect takes for a trigger that waits


@pytest.fixture
def client(prefect_client_settings: None) -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        yield client
        for found in client.read_automations():
            client.delete_automation(found.id)


def seen(found: Callable[[], Any]) -> Any:
    """Ask until there is something to see; None when there never was."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        if value := found():
            return value
        time.sleep(0.2)  # asking again, not waiting for a guess
    return None


def test_alerts_are_made_once_and_made_again_as_written(
    client: SyncPrefectClient, settings: Settings, tmp_path: Path
) -> None:
    first = set_alerts(client, settings)
    text = FILE.read_text("utf-8").replace("within: 4200", "within: 3600")
    (tmp_path / "a.yaml").write_text(text, "utf-8")

    again = set_alerts(client, settings, file=tmp_path / "a.yaml")

    assert first == again == [entry["name"] for entry in read_entries()]
    found = {a.name: a for a in client.read_automations()}
    assert sorted(found) == sorted(first)
    assert found["naverplace-cancelled-in-a-row"].trigger.within.total_seconds() == 3600  # type: ignore[union-attr]
    told = {n: [x.type for x in a.actions] for n, a in found.items()}
    assert told["naverplace-run-crashed"] == ["send-notification"] * 2  # Telegram and Slack
    assert told["naverplace-zombie"] == ["change-flow-run-state"]


def test_the_alerts_are_about_every_flow_that_is_deployed() -> None:
    for name in ("naverplace-run-crashed", "naverplace-run-late", "naverplace-zombie"):
        assert set(entry_of(name)["flows"]) == set(FLOWS)


@pytest.fixture
def deployed(client: SyncPrefectClient) -> Callable[[str], Any]:
    """Deploy a flow of this name that nobody carries out; gives what makes a run of it."""

    def deploy(name: str) -> Any:
        @flow(name=name)
        def nothing() -> None:
            """Never run: there is no worker."""

        made = client.create_deployment(client.create_flow(nothing), name=f"of-{name}")
        return lambda state=None: client.create_flow_run_from_deployment(made, state=state)

    return deploy


def test_a_run_that_crashes_reaches_telegram_and_slack_by_the_server_alone(
    client: SyncPrefectClient,
    settings: Settings,
    world: Sandbox,
    deployed: Callable[[str], Any],
) -> None:
    ours, other = deployed("reconcile"), deployed("somebody-elses")
    set_alerts(client, settings)
    told_itself, crashed, not_ours = ours(), ours(), other()

    client.set_flow_run_state(not_ours.id, Crashed(message="not ours"), force=True)
    client.set_flow_run_state(told_itself.id, Failed(message="told by itself"), force=True)
    client.set_flow_run_state(crashed.id, Crashed(message="its process is gone"), force=True)

    (text,) = seen(lambda: told(world, "reconcile / "))
    assert "Crashed" in text
    assert "its process is gone" in text
    assert seen(lambda: [m for m in world.world.slack if "reconcile / " in str(m)])
    # A server may serve other projects, too; and what a run can tell, it tells itself.
    assert told(world, "not ours") == told(world, "told by itself") == []
    token = settings.telegram.bot_token.get_secret_value()
    shown = client.read_block_document_by_name(
        "naverplace-telegram", "custom-webhook", include_secrets=False
    )
    assert token not in str(shown.data)  # what the UI and everybody who asks sees


def test_a_run_that_is_silent_is_called_crashed_and_one_that_waits_for_a_person_is_not(
    client: SyncPrefectClient,
    settings: Settings,
    world: Sandbox,
    tmp_path: Path,
    deployed: Callable[[str], Any],
) -> None:
    dies = deployed("process-bookings")
    zombie, crashed = entry_of("naverplace-zombie"), entry_of("naverplace-run-crashed")
    zombie["trigger"]["within"] = SHORT
    set_alerts(client, settings, file=written(tmp_path, zombie, crashed))

    waits, silent = dies(), dies()
    for run in (waits, silent):  # in this order: the one that waits would be called crashed first
        client.set_flow_run_state(run.id, Running(), force=True)
        emit_event(
            event="prefect.flow-run.heartbeat",
            resource={"prefect.resource.id": f"prefect.flow-run.{run.id}"},
            related=[deployment_of(run)],
        )
        if run is waits:
            client.set_flow_run_state(run.id, Suspended(), force=True)

    assert seen(lambda: _state(client, silent.id) == "Crashed")
    assert _state(client, waits.id) == "Suspended"
    (text,) = seen(lambda: told(world, silent.name))
    assert "Crashed" in text
    assert "has not been heard of for nine minutes" in text
    assert told(world, waits.name) == []


def test_runs_that_nobody_starts_are_told_as_late_once(
    client: SyncPrefectClient, settings: Settings, world: Sandbox, deployed: Callable[[str], Any]
) -> None:
    retention, runs = deployed("retention"), deployed("process-bookings")
    set_alerts(client, settings)

    due: Any = Scheduled(scheduled_time=datetime.now(UTC) - timedelta(minutes=1))
    late, also_late = retention(due), runs(due)

    assert seen(lambda: told(world, "제시간에 시작하지 못했습니다 (Late)"))
    assert seen(lambda: _state(client, late.id) == _state(client, also_late.id) == "Late")
    crashed = runs()  # told after them, so that a second message about them would be there
    client.set_flow_run_state(crashed.id, Crashed(), force=True)
    assert seen(lambda: told(world, crashed.name))
    (text,) = told(world, "제시간에 시작하지 못했습니다 (Late)")
    assert f"/runs/flow-run/{late.id}" in text or f"/runs/flow-run/{also_late.id}" in text
    assert seen(lambda: [m for m in world.world.slack if "(Late)" in str(m)])


def test_three_runs_of_the_main_flow_that_met_another_one_are_told_once(
    client: SyncPrefectClient,
    settings: Settings,
    world: Sandbox,
    tmp_path: Path,
    deployed: Callable[[str], Any],
) -> None:
    ours, other = deployed("process-bookings"), deployed("somebody-elses")
    entry = entry_of("naverplace-cancelled-in-a-row")
    set_alerts(client, settings, file=written(tmp_path, entry))

    for make in (ours, ours, other, ours):
        assert told(world, "연달아 취소") == []
        client.set_flow_run_state(make().id, Cancelled(), force=True)

    assert len(seen(lambda: told(world, "실행 세 번이 연달아 취소되었습니다"))) == 1


def deployment_of(run: FlowRun) -> dict[str, str]:
    """The deployment, as a process of Prefect's names it in its signs of life."""
    return {
        "prefect.resource.id": f"prefect.deployment.{run.deployment_id}",
        "prefect.resource.role": "deployment",
    }


def entry_of(name: str) -> dict[str, Any]:
    """An automation as it is shipped."""
    (found,) = (entry for entry in read_entries() if entry["name"] == name)
    return found


def written(folder: Path, *entries: dict[str, Any]) -> Path:
    """A file with only these automations."""
    file = folder / "automations.yaml"
    file.write_text(yaml.safe_dump({"automations": list(entries)}), "utf-8")
    return file


def told(world: Sandbox, words: str) -> list[str]:
    """What the owner's chat got that has these words."""
    return [m["text"] for m in world.world.telegram if words in m["text"]]


def _state(client: SyncPrefectClient, run_id: Any) -> str | None:
    return client.read_flow_run(run_id).state_name


def test_an_automation_made_by_hand_is_left_alone(
    client: SyncPrefectClient, settings: Settings
) -> None:
    set_alerts(client, settings)
    own = client.read_automations()[0].model_dump(include=set(AutomationCore.model_fields))
    client.create_automation(AutomationCore.model_validate({**own, "name": "mine"}))

    set_alerts(client, settings)

    assert "mine" in {found.name for found in client.read_automations()}
