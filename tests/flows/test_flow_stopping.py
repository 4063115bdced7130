"""A flow run whose process gets SIGTERM ends in order, as a command does."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.faults import Fault
from sandbox.prefect_server import PrefectServer
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.prefect


@pytest.mark.usefixtures("prefect_client_settings")
def test_a_flow_run_that_gets_sigterm_ends_in_order_and_says_so(
    world: Sandbox, world_env: dict[str, str], prefect_server: PrefectServer
) -> None:
    program = [sys.executable, "-m", "sandbox.demo.worker", "flows/bookings.py:process_bookings"]
    pids: list[int] = []
    fault = Fault("sens", "POST", "hook_then", value=lambda: os.kill(pids[0], signal.SIGTERM))
    world.world.faults.append(fault)
    env = {**os.environ, **world_env, **prefect_server.environment()}
    with subprocess.Popen(
        program, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        pids.append(run.pid)
        said, _ = run.communicate(timeout=200)

    assert fault.hits == 1
    assert "asked to end (SIGTERM)" in said
    leases = [item for item in world.session_items() if "lease" in item]
    assert leases == []
    assert 1 <= len(world.world.messages) < 20
    assert any("SIGTERM" in str(told) for told in world.world.telegram)
