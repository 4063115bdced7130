"""A worker that is ended lets its runs end first, and begins no other."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from naverplace.base.draining import RUN, drain_worker

# A run that ends in order when it is asked to, and a worker that would start another one.
ENDING_RUN = """
import pathlib, signal, sys, time
def end(*_):
    time.sleep(0.2)
    pathlib.Path(sys.argv[2]).write_text("ended in order")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("running", flush=True)
time.sleep(60)
"""
WORKER = """
import subprocess, sys, time
run = subprocess.Popen([sys.executable, "-c", sys.argv[1], sys.argv[2], sys.argv[3]])
run.wait()
open(sys.argv[3] + ".next", "w").write("another run was begun")
time.sleep(60)
"""


def started(file: Path, run: str = ENDING_RUN, *before: str) -> subprocess.Popen[str]:
    """Start a worker with one run, and wait until that is at work."""
    command = [*before, sys.executable, "-c", WORKER, run, RUN, str(file)]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert worker.stdout
    assert worker.stdout.readline() == "running\n"
    return worker


def test_a_worker_that_is_ended_lets_its_runs_end_first(tmp_path: Path) -> None:
    before = psutil.Process().children(recursive=True)
    worker = started(tmp_path / "run", ENDING_RUN, sys.executable, "-m", "naverplace.base.draining")

    worker.send_signal(signal.SIGTERM)
    worker.wait(20)

    assert (tmp_path / "run").read_text() == "ended in order"
    assert psutil.Process().children(recursive=True) == before


@pytest.mark.parametrize(("run", "in_time"), [(ENDING_RUN, True), ("endless", False)])
def test_what_does_not_end_in_time_is_told(run: str, in_time: bool, tmp_path: Path) -> None:
    if run == "endless":
        run = 'import signal, time; signal.signal(15, lambda *_: 0); print("running", flush=True)\n'
        run += "while True: time.sleep(9)"
    worker = started(tmp_path / "run", run)

    assert drain_worker(psutil.Process(worker.pid), seconds=3 if in_time else 0.3) is in_time

    for process in [*psutil.Process(worker.pid).children(), psutil.Process(worker.pid)]:
        process.kill()
    worker.wait()


def test_a_worker_without_runs_need_not_wait() -> None:
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    assert drain_worker(psutil.Process(worker.pid), seconds=0)

    worker.kill()
    worker.wait()


def test_a_worker_that_is_killed_ends_as_a_shell_would_tell_it() -> None:
    command = [sys.executable, "-m", "naverplace.base.draining"]
    dying = [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]

    assert subprocess.run([*command, *dying], check=False).returncode == 128 + 9
