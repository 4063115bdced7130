"""What the Prefect server tells people by itself: webhooks and automations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import yaml
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.events.schemas.automations import AutomationCore

from naverplace.settings.schema import Settings
from operate.places import ROOT

FILE = ROOT / "deployments" / "automations.yaml"
SUBJECT = "🚨 naverplace"
OURS_ONCE = {"naverplace-run-failed", "naverplace-silence"}  # what runs and watchdog tell now


def set_alerts(client: SyncPrefectClient, settings: Settings, *, file: Path = FILE) -> list[str]:
    """Bring webhooks and automations to what the file says; gives the automations' names.

    One of the same name is overwritten, one that somebody made by hand is left alone. One of ours
    that the file has no more is removed. Deployments must be there already: they are bound to them.
    """
    blocks = _webhooks(settings)
    known = {found.name: found for found in client.read_automations()}
    wanted = [
        _automation(entry, blocks, _deployments(client, entry["flows"]))
        for entry in read_entries(file)
    ]
    for name in OURS_ONCE & known.keys():
        client.delete_automation(known[name].id)
    for automation in wanted:
        if found := known.get(automation.name):
            client.update_automation(found.id, automation)
        else:
            client.create_automation(automation)
    return [automation.name for automation in wanted]


def read_entries(file: Path = FILE) -> list[dict[str, Any]]:
    """Read the automations as they are written, without their webhooks."""
    entries: list[dict[str, Any]] = yaml.safe_load(file.read_text("utf-8"))["automations"]
    return entries


def _webhooks(settings: Settings) -> list[UUID]:
    """Write the webhooks as blocks: Prefect encrypts their secrets, and shows them nowhere."""
    telegram = CustomWebhookNotificationBlock(
        name="naverplace-telegram",
        url=settings.telegram.url + "/bot{{token}}/sendMessage",
        json_data={"chat_id": settings.telegram.chat_id, "text": "{{subject}}\n{{body}}"},
        secrets={"token": settings.telegram.bot_token.get_secret_value()},
    )
    blocks = [cast("UUID", telegram.save("naverplace-telegram", overwrite=True))]
    if webhook := settings.slack.webhook_url:
        slack = CustomWebhookNotificationBlock(
            name="naverplace-slack",
            url="{{webhook}}",
            json_data={"text": "{{subject}}\n{{body}}"},
            secrets={"webhook": webhook.get_secret_value()},
        )
        blocks.append(cast("UUID", slack.save("naverplace-slack", overwrite=True)))
    return blocks


def _deployments(client: SyncPrefectClient, flows: list[str]) -> list[str]:
    """List the deployments of these flows, as events name them."""
    found = client.read_deployments(flow_filter=FlowFilter(name=FlowFilterName(any_=flows)))
    return [f"prefect.deployment.{deployment.id}" for deployment in found]


def _automation(
    entry: dict[str, Any], blocks: Sequence[UUID], deployments: list[str]
) -> AutomationCore:
    related = {"prefect.resource.role": "deployment", "prefect.resource.id": deployments}
    actions: list[dict[str, Any]] = []
    if entry.get("crash"):
        change = {"type": "change-flow-run-state", "state": "CRASHED", "name": "Crashed"}
        actions.append({**change, "message": entry["crash"]})
    if entry.get("tell"):
        told = {"type": "send-notification", "subject": SUBJECT, "body": entry["text"].strip()}
        actions += [{**told, "block_document_id": block} for block in blocks]
    return AutomationCore.model_validate(
        {
            "name": entry["name"],
            "description": entry["description"],
            "enabled": True,
            "trigger": {**entry["trigger"], "match_related": related},
            "actions": actions,
        }
    )
