"""The worker entry: a real Prefect server gives it a run of the main flow; and its health check."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any, TypeVar

import psutil
import requests

from sandbox.prefect_server import PrefectServer
from sandbox.server import Sandbox
from trials.image.box import Box, Running
from trials.image.building import Built
from trials.image.telling import CheckFailed, Report, must

MAIN = "process-bookings/every-20-minutes"
START_SECONDS = 90.0
RUN_SECONDS = 240.0
STOP_SECONDS = 10.0  # what `docker stop` waits before it kills
T = TypeVar("T")


def check_worker(built: Built, report: Report, logs: Path) -> None:
    """Deploy from the image, start its worker, let it do a run, and make it ill."""
    with (
        report.check("as worker: picks up the main flow, a real login, 23 messages"),
        Sandbox("first-run") as world,
        PrefectServer() as server,
        (logs / "worker.log").open("wb") as log,
    ):
        extra = {
            "PREFECT_API_URL": f"{server.url}/api",
            "PREFECT_WORKER_QUERY_SECONDS": "2",
            "PREFECT_WORKER_WEBSERVER_PORT": str(_free_port()),
            **world.environment(),
        }
        box = Box(built.root, built.env, built.workdir, built.user, extra=extra)
        _deploy(box, built)
        with box.started([*built.entrypoint, *built.command], log=log) as running:
            _health(running, built, report)
            run = _start(server)
            began = monotonic()
            state = _until(lambda: _ended(server, run), RUN_SECONDS, "the run has not ended")
            report.facts["worker: seconds of the run"] = round(monotonic() - began, 1)
            must(state["type"] == "COMPLETED", f"the run ended as {state}")
            expected = sum(world.expected["messages"].values())
            sent = len(world.messages())
            must(sent == expected, f"phones got {sent}, expected {expected}")
            must(world.world.login_attempts == 1, "there was not one login")
            report.facts["worker: messages"] = sent
            _make_ill(running, built, report)
        with report.check("as ECS task: `prefect flow-run execute`, and nobody gets it twice"):
            _as_task(box, built, server, report)
            must(len(world.messages()) == expected, "the second run has sent something")
        with report.check("`docker stop`: a worker ends by itself"):
            _stop(box, built, report, log)


def _deploy(box: Box, built: Built) -> None:
    """Do what docs/image.md tells people: work pool and deployments come out of the image."""
    for words in (
        ["prefect", "work-pool", "create", "naverplace", "--type", "process"],
        ["prefect", "--no-prompt", "deploy", "--all"],
    ):
        done = box.run([*built.entrypoint, *words], seconds=120)
        must(done.returncode == 0, f"{words}: {(done.stdout + done.stderr)[-1500:]}")


def _health(running: Running, built: Built, report: Report) -> None:
    started = monotonic()
    _until(
        lambda: running.inside(built.health).returncode == 0, START_SECONDS, "it became not healthy"
    )
    report.facts["worker: seconds until healthy"] = round(monotonic() - started, 1)


def _make_ill(running: Running, built: Built, report: Report) -> None:
    """Freeze the worker: its health check fails; kill it: the container ends."""
    worker = next(
        one
        for one in running.first().children(recursive=True)
        if "worker" in one.cmdline() and "python" in one.name() + one.exe()
    )
    worker.send_signal(signal.SIGSTOP)
    frozen = running.inside(built.health, seconds=30)
    must(frozen.returncode != 0, "a frozen worker is healthy")
    report.facts["worker: a frozen one's health"] = frozen.stderr.strip()
    worker.kill()
    psutil.wait_procs([worker], timeout=10)
    ended = running.process.wait(timeout=20)
    must(ended != 0, "a killed worker ended its container with 0")
    report.facts["worker: container's exit after a kill"] = ended


def _as_task(box: Box, built: Built, server: PrefectServer, report: Report) -> None:
    run = _start(server)
    words = ["prefect", "flow-run", "execute"]  # the ECS worker's own command
    task = replace(box, extra={**box.extra, "PREFECT__FLOW_RUN_ID": run})
    began = monotonic()
    done = task.run([*built.entrypoint, *words], seconds=RUN_SECONDS)
    must(done.returncode == 0, f"{words} ended with {done.returncode}: {done.stderr[-1500:]}")
    state = _ended(server, run)
    must(state is not None and state["type"] == "COMPLETED", f"the run stands as {state}")
    report.facts["ECS task: seconds of a run with nothing to send"] = round(monotonic() - began, 1)


def _stop(box: Box, built: Built, report: Report, log: IO[bytes]) -> None:
    with box.started([*built.entrypoint, *built.command], log=log) as running:
        _until(lambda: running.inside(built.health).returncode == 0, START_SECONDS, "not healthy")
        began = monotonic()
        running.first().terminate()
        running.process.wait(timeout=STOP_SECONDS)
        report.facts["worker: seconds until stopped"] = round(monotonic() - began, 1)


def _start(server: PrefectServer) -> str:
    api = f"{server.url}/api"
    found = requests.get(f"{api}/deployments/name/{MAIN}", timeout=10).json()
    made = requests.post(
        f"{api}/deployments/{found['id']}/create_flow_run",
        json={"state": {"type": "SCHEDULED", "name": "Scheduled"}},
        timeout=10,
    )
    return str(made.json()["id"])


def _ended(server: PrefectServer, run: str) -> dict[str, Any] | None:
    state = requests.get(f"{server.url}/api/flow_runs/{run}", timeout=10).json()["state"]
    final = state["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
    return dict(state) if final else None


def _until(ask: Callable[[], T | None], seconds: float, told: str) -> T:
    deadline = monotonic() + seconds
    while monotonic() < deadline:
        if found := ask():
            return found
        sleep(0.5)
    raise CheckFailed(f"{told} within {seconds:.0f} s")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
