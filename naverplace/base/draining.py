"""Ending a worker so that its runs end first: none is begun any more, and each ends in order.

`python -m naverplace.base.draining prefect worker start ...` starts a worker that does so on
SIGTERM. Prefect's own ends at once, and leaves what it was running to nobody.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Sequence

import psutil

RUN = "prefect.engine"  # what a process worker starts for each run (prefect 3.9.1)
SECONDS = 100.0  # of the 120 that ECS and systemd give


def drain_worker(worker: psutil.Process, seconds: float = SECONDS) -> bool:
    """Ask a worker's runs to end, and wait for them; tell whether all have ended in time."""
    runs = [child for child in worker.children(recursive=True) if _is_run(child)]
    if not runs:
        return True
    worker.suspend()  # it would begin another run meanwhile
    try:
        for run in runs:
            run.terminate()
        end = time.monotonic() + seconds
        while any(map(_runs, runs)):
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
    except psutil.NoSuchProcess:
        pass  # it had ended by itself
    finally:
        worker.resume()
    return True


def _is_run(process: psutil.Process) -> bool:
    try:
        return RUN in process.cmdline()
    except psutil.Error:
        return False


def _runs(process: psutil.Process) -> bool:
    """Tell whether a process runs; one that its suspended parent has not buried yet does not."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def main(command: Sequence[str]) -> int:
    """Start a worker, and end it in order on SIGTERM."""
    worker = subprocess.Popen(command)

    def end(*_: object) -> None:
        drain_worker(psutil.Process(worker.pid))
        worker.terminate()

    signal.signal(signal.SIGTERM, end)
    ended = worker.wait()
    return ended if ended >= 0 else 128 - ended  # as shells and containers tell a signal


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
