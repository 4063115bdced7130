"""A world in which a run has sent its messages, and what may be planted there before comparing."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from naverplace.jobs.reconciliation.findings import Reconciliation
from naverplace.jobs.reconciliation.job import run_reconciliation
from naverplace.messaging.sens import SensClient
from naverplace.pipeline.local_runner import run_once
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.server import Sandbox

DAY = 86400.0


@dataclass
class Shop:
    """A sandbox with the library's settings for it, at whatever time it is there."""

    world: Sandbox
    env: dict[str, str]

    @property
    def settings(self) -> Settings:
        return load_settings(env={**self.env, **self.world.environment()}, env_file=None)

    def run(self) -> None:
        """Let a real run send what is owed."""
        report = run_once(self.settings, run_id=f"run-{uuid4()}", door="cli")
        assert report.status == "success", report.problems

    def reconcile(self, **options: Any) -> Reconciliation:
        """Compare, as the flow does."""
        return run_reconciliation(self.settings, run_id="reconciliation", **options)

    def later(self, seconds: float = 3600.0) -> Shop:
        """Let time pass: by default more than the lag, and messages are delivered."""
        self.world.world.advance(seconds)
        return self

    def send(self, *, to: str, subject: str = "안내", text: str, sender: str | None = None) -> str:
        """Send a message past the ledger, as somebody with the same account would."""
        settings = self.settings
        sens = SensClient(settings.sens, settings.make_clock())
        sender = sender or settings.sens.default_sender
        return sens.send(to=to, sender=sender, subject=subject, text=text)

    def send_again(self, message: dict[str, Any]) -> str:
        """Send one message of the log a second time."""
        return self.send(
            to=message["to"],
            subject=message["subject"],
            text=message["content"],
            sender=message["from"],
        )

    def ledger(self) -> dict[str, dict[str, Any]]:
        """List the ledger's messages that have a request id, by it."""
        return {
            value["request_id"]: value
            for item in self.world.sms_items()
            for name, value in item.items()
            if name.startswith("message_") and isinstance(value, dict) and "request_id" in value
        }

    def change_ledger(self, of_request: str, **parts: Any) -> None:
        """Change parts of one entry; None takes a part away."""
        for item in self.world.sms_items():
            for name, value in item.items():
                if isinstance(value, dict) and value.get("request_id") == of_request:
                    new = copy.deepcopy(value) | parts
                    kept = {n: v for n, v in new.items() if v is not None}
                    self.world.put_sms_item({**item, name: kept})

    def watermark(self) -> dict[str, Any]:
        """Read what the last reconciliation left behind; empty when nothing."""
        items = self.world.session_items()
        return next((item for item in items if item["id"] == "naverplace-reconciled"), {})
