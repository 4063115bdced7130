"""One run by each door, and by the modelled legacy, as a process of its own that is measured."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.shop import asked, at_once, waited
from sandbox.prefect_server import PrefectServer
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[1]
FLOW = "flows/bookings.py:process_bookings"
_LAMBDA = "from naverplace.handler import lambda_handler as h; print(h({}, None)['statusCode'])"
DOORS: Mapping[str, Sequence[str]] = {
    "legacy": ("-m", "legacy"),
    "flow": ("-m", "sandbox.demo.worker", FLOW),
    "cli": ("-m", "naverplace", "run"),
    "lambda": ("-c", _LAMBDA),
}


@dataclass(frozen=True)
class Measured:
    """One run: seconds of its steps and of its process, and what it asked for."""

    door: str
    steps: float  # of the legacy, which makes no report, its process's
    process: float
    cpu: float
    peak_mb: float  # of its largest process
    all_mb: float  # of all of them together
    naver_requests: int
    naver_at_once: int
    waited: float
    cold: float = 0.0  # until the run began, of a new process
    sends: int = 0  # messages handed to SENS


def measure(
    door: str,
    shop: Sandbox,
    *,
    server: PrefectServer | None = None,
    more: Mapping[str, str] | None = None,
) -> Measured:
    """Let this door do one run in the shop. Raises RuntimeError when it fails."""
    shop.world.requests.clear()
    with tempfile.TemporaryDirectory(prefix="naverplace-bench-") as folder:
        env = {
            **os.environ,
            **shop.environment(),
            **(server.environment() if server else {}),
            "PREFECT_LOGGING_SETTINGS_PATH": str(ROOT / "deployments" / "logging.yml"),
            "NAVERPLACE_REPORT_DIR": folder,
            **(more or {}),
        }
        ended = _run([sys.executable, *DOORS[door]], env)
        written = sorted(Path(folder).glob("*.json"))
        report: dict[str, Any] = json.loads(written[0].read_text("utf-8")) if written else {}
    naver = asked(shop.world.requests, "partner")
    return Measured(
        door,
        steps=report.get("seconds", ended["process"]),
        **ended,
        naver_requests=len(naver),
        naver_at_once=at_once(naver),
        waited=waited(shop.world.requests),
        cold=report.get("init_seconds", 0.0),
        sends=sum(seen.method == "POST" for seen in asked(shop.world.requests, "sens")),
    )


def _run(words: Sequence[str], env: Mapping[str, str]) -> dict[str, float]:
    started, used = time.monotonic(), os.times()
    process = subprocess.Popen(
        words, cwd=ROOT, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    peaks = {"peak_mb": 0.0, "all_mb": 0.0}
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(process.pid, peaks, over))
    watch.start()
    said, _ = process.communicate()
    over.set()
    watch.join()
    if process.returncode:
        raise RuntimeError(f"{' '.join(words)} failed:\n{said[-3000:]}")
    now = os.times()
    cpu = now.children_user + now.children_system - used.children_user - used.children_system
    return {"process": time.monotonic() - started, "cpu": cpu, **peaks}


def _watch(pid: int, peaks: dict[str, float], over: threading.Event) -> None:
    """Look ten times a second how much memory the process and its children have."""
    while not over.wait(0.1):
        sizes = []
        try:
            parent = psutil.Process(pid)
            for one in (parent, *parent.children(recursive=True)):
                sizes.append(one.memory_full_info().pss / 1e6)
        except psutil.NoSuchProcess:
            pass  # it has ended since
        peaks["peak_mb"] = max(peaks["peak_mb"], *sizes, 0.0)
        peaks["all_mb"] = max(peaks["all_mb"], sum(sizes))
