"""Prefect's own alerts: what a server with our automations tells, and what it calls crashed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect import flow
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.events import emit_event
from prefect.events.schemas.automations import AutomationCore
from prefect.states import Running, Suspended

from naverplace.settings import Settings
from operate.alerts import FILE, read_entries, set_alerts
from sandbox.server import Sandbox

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_client_settings")]
WITHIN = 60  # seconds; events take some


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

    @flow(name="fails-on-purpose")
    def fails() -> None:
        raise ValueError("store 1051707 could not be read")

    fails(return_state=True)

    texts = seen(lambda: [m["text"] for m in world.world.telegram if "fails-on" in m["text"]])
    assert texts
    assert "Failed" in texts[0]
    assert "store 1051707 could not be read" in texts[0]
    assert seen(lambda: [m for m in world.world.slack if "fails-on" in str(m)])
    token = settings.telegram.bot_token.get_secret_value()
    shown = client.read_block_document_by_name(
        "naverplace-telegram", "custom-webhook", include_secrets=False
    )
    assert token not in str(shown.data)  # what the UI and everybody who asks sees


def test_a_run_that_is_silent_is_called_crashed_and_one_that_waits_for_a_person_is_not(
    client: SyncPrefectClient, settings: Settings, tmp_path: Path
) -> None:
    entries = [e for e in read_entries() if e["name"] == "naverplace-zombie"]
    entries[0]["trigger"]["within"] = 10
    file = tmp_path / "zombie.yaml"
    file.write_text(yaml.safe_dump({"automations": entries}), "utf-8")
    set_alerts(client, settings, file=file)

    @flow(name="dies")
    def dies() -> None:
        """Never run here: a process that died has only ever begun it."""

    waits, silent = client.create_flow_run(dies), client.create_flow_run(dies)
    for run in (waits, silent):  # in this order: the one that waits would be called crashed first
        client.set_flow_run_state(run.id, Running(), force=True)
        emit_event(
            event="prefect.flow-run.heartbeat",
            resource={"prefect.resource.id": f"prefect.flow-run.{run.id}"},
        )
        if run is waits:
            client.set_flow_run_state(run.id, Suspended(), force=True)

    assert seen(lambda: _state(client, silent.id) == "Crashed")
    assert _state(client, waits.id) == "Suspended"


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
