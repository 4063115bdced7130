"""Processes that outlive the command that starts them, and are found again to be ended."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from naverplace.base.draining import drain_worker
from naverplace.jobs.retention.folders import mark_begin
from operate.places import CannotStart

TAIL = 2000  # characters of a log that an error shows


def start(
    name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path, cwd: Path
) -> dict[str, Any]:
    """Start a process in a session of its own; gives its pid and the moment of its start."""
    log.parent.mkdir(parents=True, exist_ok=True)
    mark_begin(log, f"{name} starts", datetime.now(UTC))
    with log.open("ab") as out:
        process = subprocess.Popen(
            list(command),
            env={**os.environ, **env},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return {"pid": process.pid, "started": psutil.Process(process.pid).create_time()}


def find(entry: Mapping[str, Any]) -> psutil.Process | None:
    """Find a process that was started; None when it has ended, also if its pid lives on."""
    try:
        process = psutil.Process(int(entry["pid"]))
        same = abs(process.create_time() - float(entry["started"])) < 1.0
        return process if same and process.status() != psutil.STATUS_ZOMBIE else None
    except psutil.Error:
        return None


def end(entry: Mapping[str, Any], *, seconds: float = 15.0) -> bool:
    """End a process with its whole group, kindly first; False when it had ended already.

    The runs of a worker end before it.
    """
    process = find(entry)
    if process is None:
        return False
    drain_worker(process)
    group = [process, *process.children(recursive=True)]
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        _, group = psutil.wait_procs(group, timeout=seconds)
        if not group:
            break
    return True


def wait_until(
    ready: Callable[[], bool], *, name: str, entry: Mapping[str, Any], log: Path, seconds: float
) -> None:
    """Wait until something answers; raises CannotStart with the end of its log."""
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        if ready():
            return
        if find(entry) is None:
            break
        sleep(0.2)
    tail = log.read_text("utf-8", errors="replace")[-TAIL:] if log.exists() else ""
    raise CannotStart(f"the {name} did not start; the end of {log}:\n{tail}")
