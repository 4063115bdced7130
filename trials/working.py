"""A real worker process on the session's server, with what prefect.yaml deploys but no schedule."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from sandbox.prefect_server import PrefectServer

ROOT = Path(__file__).resolve().parents[1]
POOL = "by-hand"


@dataclass
class Working:
    """Starts deployed runs and lets a worker carry them out; everything of it ends with `stop`."""

    server: PrefectServer
    env: dict[str, str]
    folder: Path
    pool: str = POOL
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def deploy(self, **changes: Any) -> None:
        """Deploy what prefect.yaml says into a pool of our own, without schedules."""
        with get_client(sync_client=True) as client, suppress(ObjectAlreadyExists):
            client.create_work_pool(WorkPoolCreate(name=self.pool, type="process"))
        wanted = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
        for deployment in wanted["deployments"]:
            deployment |= {"schedules": [], **changes}
            deployment["work_pool"]["name"] = self.pool
            deployment["name"] += f"-{self.pool}"
        file = self.folder / "prefect.yaml"
        file.write_text(yaml.safe_dump(wanted), "utf-8")
        self._prefect("deploy", "--all", "--prefect-file", str(file))

    def start(self, what: str, **parameters: Any) -> FlowRun:
        """Order a run of a deployment by its name in prefect.yaml, flow/deployment."""
        with get_client(sync_client=True) as client:
            found = client.read_deployment_by_name(f"{what}-{self.pool}")
            return client.create_flow_run_from_deployment(found.id, parameters=parameters)

    def work(self) -> None:
        """Let a worker look once, and carry out what is there."""
        self._prefect("worker", "start", "--pool", self.pool, "--run-once", "--type", "process")

    def worker(self, name: str = "", *, runs: int = 0) -> subprocess.Popen[bytes]:
        """Start a worker that stays, in a process group of its own; it has so many runs at once."""
        name = name or f"worker-{len(self.workers) + 1}"
        words = ["worker", "start", "--pool", self.pool, "--type", "process", "--name", name]
        words += ["--limit", str(runs)] if runs else []
        with (self.folder / f"{name}.log").open("wb") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "prefect", *words],
                cwd=ROOT,
                env={**self._environment(), "PREFECT_WORKER_QUERY_SECONDS": "1"},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.workers.append(started)
        return started

    def stop(self) -> None:
        """Kill every worker with all its runs."""
        for started in self.workers:
            kill_group(started)

    def read(self, run: FlowRun) -> FlowRun:
        """Read how a run stands."""
        with get_client(sync_client=True) as client:
            return client.read_flow_run(run.id)

    def log(self, run: FlowRun) -> str:
        """Read what a run has logged."""
        chosen = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
        with get_client(sync_client=True) as client:
            return "\n".join(line.message for line in client.read_logs(log_filter=chosen))

    def _environment(self) -> dict[str, str]:
        ours = {k: v for k, v in os.environ.items() if not k.startswith("NAVERPLACE_")}
        return {
            **ours,
            **self.server.environment(),
            "NAVERPLACE_HOME": str(ROOT),
            "PREFECT_LOGGING_SETTINGS_PATH": str(ROOT / "deployments" / "logging.yml"),
            **self.env,
        }

    def _prefect(self, *words: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "prefect", "--no-prompt", *words],
            cwd=ROOT,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=200,
        )
        if done.returncode:
            raise RuntimeError(f"prefect {' '.join(words)}:\n{done.stdout}{done.stderr}")


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[PrefectServer]:
    """Start a server of one's own with what prefect.yaml deploys, and point Prefect at it."""
    with PrefectServer(None, **settings) as server:
        changes = {PREFECT_API_URL: f"{server.url}/api", PREFECT_HOME: server.home}
        with temporary_settings(changes):
            Working(server, {}, folder).deploy()
            yield server


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with all its children at once, as a machine that loses its power does."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return
    for one in [process.pid, *(child.pid for child in children)]:
        try:
            os.kill(one, signal.SIGKILL)
        except ProcessLookupError:
            continue
    process.wait(timeout=10)


def seen(look: Callable[[], Any], *, within: float = 60.0) -> Any:
    """Ask until there is something to see; what was seen last when there never was."""
    deadline = time.monotonic() + within
    while True:
        value = look()
        if value or time.monotonic() > deadline:
            return value
        time.sleep(0.5)  # asking again, not waiting for a guess; a question costs 0.05 s
