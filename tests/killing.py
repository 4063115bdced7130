"""Commands as processes of their own, killed where a fault holds them."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from pathlib import Path

from sandbox.faults import Fault
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[1]
# Importing takes five seconds: one process has done it, and forks one for each command.
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(
    ["naverplace.cli.app", "naverplace.pipeline.local_runner", "naverplace.quality.checkpoint"]
)


def kill_command(
    world: Sandbox,
    env: Mapping[str, str],
    fault: Fault,
    *words: str,
    once: Callable[[], object] = lambda: True,
) -> None:
    """Type a command of naverplace by the world's clock, and kill it where the fault holds it."""
    world.world.faults.append(fault)
    clock = {name: text for name, text in world.environment().items() if "CLOCK" in name}
    waiting = {"NAVERPLACE_SENS__READ_TIMEOUT": "60", "NAVERPLACE_AWS__READ_TIMEOUT": "60"}
    process = FORKS.Process(target=_type, args=({**os.environ, **env, **clock, **waiting}, words))
    process.start()
    ends = time.monotonic() + 120
    while not (fault.hits and once()):
        assert process.is_alive(), "the command ended before it could be killed"
        assert time.monotonic() < ends, "the command did not come this far"
        time.sleep(0.02)
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    world.world.faults.clear()


def _type(env: dict[str, str], words: tuple[str, ...]) -> None:
    from naverplace.cli.app import app

    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(env)
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(quiet, stream)
    sys.argv = ["naverplace", *words]
    app()
