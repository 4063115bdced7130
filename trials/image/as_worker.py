"""The worker entry: a real Prefect server gives it runs of the main flow; and its health check."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep
from typing import Any, TypeVar

import psutil
import requests

from sandbox.prefect_server import PrefectServer, free_port
from sandbox.server import Sandbox
from trials.image.engine import Container, Engine
from trials.image.report import CheckFailed, Report, require

MAIN = "process-bookings/every-20-minutes"
START_SECONDS = 90.0
RUN_SECONDS = 240.0
STOP_SECONDS = 10  # what `docker stop` waits before it kills
SIGTERM_EXITS = (0, 143)
MEMORY = ("--memory", "4096m", "--shm-size", "64m")  # deployments/aws/service.yaml, and Docker's
T = TypeVar("T")


def check_worker(engine: Engine, report: Report, logs: Path) -> None:
    """Deploy from the image, let its worker do a run, freeze it and kill it."""
    with (
        report.check("as worker: picks up the main flow, a real login, 23 messages"),
        Sandbox("first-run") as world,
        PrefectServer() as server,
    ):
        env = {
            "PREFECT_API_URL": f"{server.url}/api",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_WORKER_WEBSERVER_PORT": str(free_port()),
            **world.environment(),
        }
        _deploy(engine, env)
        expected = sum(world.expected["messages"].values())
        with engine.started(env=env, log=logs / "worker.log", options=MEMORY) as worker:
            report.facts["worker: seconds until healthy"] = _until_healthy(worker)
            began = monotonic()
            run = _start(server)
            state = _until(lambda: _final_state(server, run), RUN_SECONDS, "the run has not ended")
            report.facts["worker: seconds of the run"] = round(monotonic() - began, 1)
            require(state["type"] == "COMPLETED", f"the run ended as {state}")
            sent = len(world.messages())
            require(sent == expected, f"phones got {sent}, expected {expected}")
            require(world.world.login_attempts == 1, "there was not one login")
            _freeze_and_kill(worker, report)
        with report.check("as ECS task: `prefect flow-run execute`, and nobody gets it twice"):
            _as_task(engine, env, server)
            require(len(world.messages()) == expected, "the second run has sent something")
        with (
            report.check("`docker stop`: a worker ends by itself"),
            engine.started(env=env, log=logs / "stopped.log", options=MEMORY) as worker,
        ):
            _until_healthy(worker)
            engine.podman("stop", "--time", str(STOP_SECONDS), worker.id)
            ended = worker.wait(STOP_SECONDS)
            require(ended in SIGTERM_EXITS, f"it ended with {ended}")


def _deploy(engine: Engine, env: dict[str, str]) -> None:
    """Make work pool and deployments out of the image, as docs/image.md tells people."""
    for words in (
        ("prefect", "work-pool", "create", "naverplace", "--type", "process"),
        ("prefect", "--no-prompt", "deploy", "--all"),
    ):
        done = engine.run(*words, env=env)
        require(done.returncode == 0, f"{words}: {(done.stdout + done.stderr)[-1500:]}")


def _until_healthy(worker: Container) -> float:
    began, health = monotonic(), worker.engine.health_command
    _until(lambda: worker.exec(*health).returncode == 0, START_SECONDS, "it became not healthy")
    return round(monotonic() - began, 1)


def _freeze_and_kill(container: Container, report: Report) -> None:
    """Check that a frozen worker is unhealthy, and that a killed one ends its container."""
    first = psutil.Process(container.first_process())
    # `naverplace.base.draining` has the worker's words too: the worker is its child.
    *_, worker = (p for p in first.children(recursive=True) if "worker" in p.cmdline())
    worker.send_signal(signal.SIGSTOP)
    frozen = container.exec(*container.engine.health_command)
    require(frozen.returncode != 0, "a frozen worker is healthy")
    report.facts["worker: a frozen one's health"] = frozen.stderr.strip().splitlines()[0]
    worker.kill()
    ended = container.wait(20)
    require(ended != 0, "a killed worker ended its container with 0")
    report.facts["worker: container's exit after a kill"] = ended


def _as_task(engine: Engine, env: dict[str, str], server: PrefectServer) -> None:
    run = _start(server)
    words = ("prefect", "flow-run", "execute")  # the ECS worker's own command
    done = engine.run(*words, env={**env, "PREFECT__FLOW_RUN_ID": run}, seconds=RUN_SECONDS)
    require(done.returncode == 0, f"{words} ended with {done.returncode}: {done.stderr[-1500:]}")
    state = _final_state(server, run)
    require(state is not None and state["type"] == "COMPLETED", f"the run stands as {state}")


def _start(server: PrefectServer) -> str:
    api = f"{server.url}/api"
    deployment = requests.get(f"{api}/deployments/name/{MAIN}", timeout=10)
    require(deployment.ok, f"the deployment: {deployment.status_code} {deployment.text[:500]}")
    run = requests.post(
        f"{api}/deployments/{deployment.json()['id']}/create_flow_run",
        json={"state": {"type": "SCHEDULED", "name": "Scheduled"}},
        timeout=10,
    )
    require(run.ok, f"the run: {run.status_code} {run.text[:500]}")
    return str(run.json()["id"])


def _final_state(server: PrefectServer, run: str) -> dict[str, Any] | None:
    state = requests.get(f"{server.url}/api/flow_runs/{run}", timeout=10).json()["state"]
    final = state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    return dict(state) if final else None


def _until(ask: Callable[[], T | None], seconds: float, message: str) -> T:
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        if answer := ask():
            return answer
        sleep(0.5)
    raise CheckFailed(f"{message} within {seconds:.0f} s")
