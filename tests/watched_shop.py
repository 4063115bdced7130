"""A sandbox in which runs and looks of the watchdog follow one another, each at its own minute."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from naverplace.jobs.watchdog.job import Watchdog
from naverplace.jobs.watchdog.late_messages import WatchdogCheck
from naverplace.pipeline.context import open_run
from naverplace.pipeline.local_runner import ThreadExecutor
from naverplace.pipeline.run_order import RunSteps, process
from naverplace.pipeline.steps import note_due
from naverplace.reporting.report import RunReport
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.control_bookings import change_bookings
from sandbox.server import Sandbox
from tests.rule_builders import STORE


class Killed(BaseException):
    """A run's process dies here."""


@dataclass
class WatchedShop:
    """The world, the settings, and what happens in it."""

    world: Sandbox
    env: dict[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return load_settings(env={**self.env, **self.world.environment()}, env_file=None)

    @property
    def now(self) -> datetime:
        return self.settings.make_clock().now()

    def later(self, minutes: float) -> None:
        self.world.world.advance(minutes * 60)

    def run(
        self,
        *,
        only: Collection[str] = (),
        dry_run: bool = False,
        before_delivery: Callable[[], object] = lambda: None,
    ) -> RunReport:
        """Do a whole run; something may happen when it has decided, before it sends."""

        def noted(*decided: Any) -> Any:
            due = note_due(*decided)
            before_delivery()
            return due

        run = open_run(
            self.settings, run_id=f"run-{uuid4()}", door="cli", dry_run=dry_run, only=[*only]
        )
        return process(run, ThreadExecutor(), replace(RunSteps(), note_due=noted))

    def die_before_delivery(self) -> None:
        """Do a run whose process dies when it has decided."""

        def die() -> None:
            raise Killed

        try:
            self.run(before_delivery=die)
        except Killed:
            return
        raise AssertionError("the run lives")

    def look(self) -> WatchdogCheck:
        return Watchdog(self.settings).look()

    def late(self) -> list[tuple[str, str]]:
        """Look, and list what is late as booking and kind."""
        return [(m.booking_num.partition("_")[2], m.kind) for m in self.look().overdue]

    def book(self, minutes: float, number: int, *, store: str = STORE, **values: Any) -> str:
        """Let a customer book for so many minutes from now, and give the booking's number."""
        start = (self.now + timedelta(minutes=minutes)).replace(second=0, microsecond=0)
        order = {"action": "add", "store": store, "booking_id": number, "start": start.isoformat()}
        change_bookings(
            self.world.world, {**order, "phone": f"0100000{number % 10000:04}", **values}
        )
        return str(number)

    def change(self, number: str, **changes: Any) -> None:
        order = {"store": STORE, "booking_id": number, "changes": changes, "action": "change"}
        change_bookings(self.world.world, order if changes else {**order, "action": "cancel"})
