"""The person on duty: a world, its runs one after another, and the commands that are typed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

from typer.testing import CliRunner

from naverplace.cli.app import app
from naverplace.pipeline.explain import explain_booking
from naverplace.pipeline.local_runner import run_once
from naverplace.reporting.report import RunReport
from naverplace.settings.loader import load_settings
from sandbox.control_bookings import change_bookings
from sandbox.faults import Fault
from sandbox.server import Sandbox

BIG, SECOND = "1051707", "951291"  # 화성점, 안산점


class Duty:
    """A world, its runs and what the person on duty types."""

    def __init__(self, world: Sandbox, env: dict[str, str]) -> None:
        self.world, self.env = world, env

    def run(self, **options: Any) -> RunReport:
        settings = load_settings(env={**self.env, **self.world.environment()}, env_file=None)
        return run_once(settings, run_id=f"run-{uuid4()}", door="cli", **options)

    def explain(self, booking: str) -> list[str]:
        settings = load_settings(env={**self.env, **self.world.environment()}, env_file=None)
        return explain_booking(settings, booking).lines()

    def later(self, **time: float) -> None:
        self.world.world.advance(timedelta(**time).total_seconds())

    def type(self, *words: str, code: int = 0) -> str:
        env = {**self.env, **self.world.environment()}
        result = CliRunner().invoke(app, list(words), env=env)
        assert result.exit_code == code, result.output
        return result.output

    def book(self, store_id: str, *, phone: str, hours: float = 72) -> dict[str, Any]:
        start = (self.world.world.now() + timedelta(hours=hours)).replace(second=0, microsecond=0)
        order = {"action": "add", "store": store_id, "phone": phone, "start": start.isoformat()}
        return change_bookings(self.world.world, order)

    def told(self) -> str:
        """Give everything that the owner has read."""
        return "\n".join(str(message["text"]) for message in self.world.world.telegram)

    def texts_to(self, phone: str) -> int:
        return sum(message["to"] == phone for message in self.world.messages())

    def refusal(self) -> Fault:
        return Fault("sens", match="POST", kind="status:400")
