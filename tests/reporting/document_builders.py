"""Whole runs against the sandbox, whose reports the tests of documents read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from naverplace.pipeline.local_runner import run_once
from naverplace.reporting.report import RunReport
from naverplace.settings.loader import load_settings
from sandbox.faults import Fault
from sandbox.server import Sandbox


@dataclass
class Player:
    """Plays one run of a scenario in the world as it is then."""

    world: Sandbox
    env: Mapping[str, str]

    def play(
        self,
        scenario: str | None = None,
        *,
        faults: tuple[Fault, ...] = (),
        dry_run: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> RunReport:
        """Play it; settings are named as `sens__attempts`."""
        if scenario:
            self.world.reset(scenario)
            self.world.log_in()
        self.world.world.faults.extend(faults)
        env = {**self.env, **self.world.environment()}
        env |= {f"NAVERPLACE_{name.upper()}": value for name, value in (settings or {}).items()}
        return run_once(
            load_settings(env=env, env_file=None), run_id="run-1", door="cli", dry_run=dry_run
        )
