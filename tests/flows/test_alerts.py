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
from prefect.states import Cancelled, Running, Scheduled, Suspended

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
    text = FILE.read_text("utf-8").replace("within: 2700", "within: 3600")
    (tmp_path / "a.yaml").write_text(text, "utf-8")

    again = set_alerts(client, settings, file=tmp_path / "a.yaml")

    assert first == again == [entry["name"] for entry in read_entries()]
    found = {a.name: a for a in client.read_automations()}
    assert sorted(found) == sorted(first)
    assert found["naverplace-silence"].trigger.within.total_seconds() == 3600  # type: ignore[union-attr]
    told = {n: [x.type for x in a.actions] for n, a in found.items()}
    assert told["naverplace-run-failed"] == ["send-notification"] * 2  # Telegram and Slack
    assert told["naverplace-zombie"] == ["change-flow-run-state"]


def test_a_failed_run_reaches_telegram_and_slack_by_the_server_alone(
    client: SyncPrefectClient, settings: Settings, world: Sandbox
) -> None:
    set_alerts(client, settings)

    @flow(name="somebody-elses")
    def other() -> None:
        raise ValueError("not ours")

    @flow(name="reconcile")
    def fails() -> None:
        raise ValueError("store 1051707 could not be read")

    other(return_state=True)
    fails(return_state=True)

    (text,) = seen(lambda: told(world, "reconcile / "))
    assert "Failed" in text
    assert "store 1051707 could not be read" in text
    assert seen(lambda: [m for m in world.world.slack if "reconcile / " in str(m)])
    assert told(world, "not ours") == []  # a server may serve other projects, too
    token = settings.telegram.bot_token.get_secret_value()
    shown = client.read_block_document_by_name(
        "naverplace-telegram", "custom-webhook", include_secrets=False
    )
    assert token not in str(shown.data)  # what the UI and everybody who asks sees


def test_a_run_that_is_silent_is_called_crashed_and_one_that_waits_for_a_person_is_not(
    client: SyncPrefectClient, settings: Settings, world: Sandbox, tmp_path: Path
) -> None:
    zombie, failed = entry_of("naverplace-zombie"), entry_of("naverplace-run-failed")
    zombie["trigger"]["within"] = SHORT
    set_alerts(client, settings, file=written(tmp_path, zombie, failed))

    @flow(name="process-bookings")
    def dies() -> None:
        """Never run here: a process that died has only ever begun it."""

    waits, silent = client.create_flow_run(dies), client.create_flow_run(dies)
    for run in (waits, silent):  # in this order: the one that waits would be called crashed first
        client.set_flow_run_state(run.id, Running(), force=True)
        emit_event(
            event="prefect.flow-run.heartbeat",
            resource={"prefect.resource.id": f"prefect.flow-run.{run.id}"},
            related=[flow_of(run, "process-bookings")],
        )
        if run is waits:
            client.set_flow_run_state(run.id, Suspended(), force=True)

    assert seen(lambda: _state(client, silent.id) == "Crashed")
    assert _state(client, waits.id) == "Suspended"
    (text,) = seen(lambda: told(world, silent.name))
    assert "Crashed" in text
    assert "has not been heard of for nine minutes" in text
    assert told(world, waits.name) == []


def test_a_run_that_nobody_starts_is_told_as_late(
    client: SyncPrefectClient, settings: Settings, world: Sandbox
) -> None:
    set_alerts(client, settings)

    @flow(name="retention")
    def waits() -> None:
        """Never run: there is no worker."""

    due: Any = Scheduled(scheduled_time=datetime.now(UTC) - timedelta(minutes=1))
    late = client.create_flow_run(waits, state=due)

    (text,) = seen(lambda: told(world, late.name))
    assert "제시간에 시작하지 못했습니다 (Late)" in text
    assert f"/runs/flow-run/{late.id}" in text
    assert seen(lambda: [m for m in world.world.slack if late.name in str(m)])


def test_silence_is_told_and_a_run_of_the_main_flow_that_ends_well_ends_it(
    client: SyncPrefectClient, settings: Settings, world: Sandbox, tmp_path: Path
) -> None:
    silence = entry_of("naverplace-silence")
    silence["trigger"]["within"] = SHORT
    nobody = {**silence, "name": "control", "text": "nobody was heard"}
    related = {**silence["trigger"]["match_related"], "prefect.resource.name": ["nobody"]}
    nobody["trigger"] = {**silence["trigger"], "match_related": related}
    set_alerts(client, settings, file=written(tmp_path, nobody, silence))

    @flow(name="process-bookings")
    def ends_well() -> None:
        """End well."""

    def heard() -> list[str]:
        ends_well()
        return told(world, "nobody was heard")

    assert seen(heard)  # the same trigger, of a flow that nobody runs, has fired by now
    assert told(world, "성공한 실행이 없습니다") == []
    assert seen(lambda: told(world, "45분 동안 성공한 실행이 없습니다"))  # now that nothing runs


def test_three_runs_of_the_main_flow_that_met_another_one_are_told_once(
    client: SyncPrefectClient, settings: Settings, world: Sandbox, tmp_path: Path
) -> None:
    entry = entry_of("naverplace-cancelled-in-a-row")
    set_alerts(client, settings, file=written(tmp_path, entry))

    @flow(name="process-bookings")
    def ours() -> None:
        """Never run here."""

    @flow(name="somebody-elses")
    def other() -> None:
        """Never run here."""

    def cancel(what: Any) -> None:
        run = client.create_flow_run(what)
        client.set_flow_run_state(run.id, Cancelled(), force=True)

    for what in (ours, ours, other, ours):
        assert told(world, "연달아 취소") == []
        cancel(what)

    assert len(seen(lambda: told(world, "실행 세 번이 연달아 취소되었습니다"))) == 1


def flow_of(run: FlowRun, name: str) -> dict[str, str]:
    """The flow, as a process of Prefect's names it in its signs of life."""
    return {
        "prefect.resource.id": f"prefect.flow.{run.flow_id}",
        "prefect.resource.role": "flow",
        "prefect.resource.name": name,
    }


def test_the_alerts_are_about_every_flow_that_is_deployed() -> None:
    for name in ("naverplace-run-failed", "naverplace-run-late", "naverplace-zombie"):
        related = entry_of(name)["trigger"]["match_related"]
        assert set(related["prefect.resource.name"]) == set(FLOWS)


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
