"""`make up`: server, work pool, worker and deployments on one machine, each unless it is up."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from time import monotonic, sleep
from typing import Any
from zoneinfo import ZoneInfo

import requests
from prefect.client.schemas.objects import FlowRun
from rich.console import Console

from naverplace.settings.loader import load_settings
from operate import processes, setting_up
from operate.places import POOL, ROOT, CannotStart, Place, State

START_SECONDS = 120.0  # a fresh database is migrated first: 10 s on a fast machine
RUN_SECONDS = 120.0  # of the first run; with a login by a browser it takes about 25
PLAN_SECONDS = 60.0  # until the scheduler has planned the next runs
SEOUL = ZoneInfo("Asia/Seoul")


def come_up(place: Place, console: Console, *, real: bool, scenario: str, database: str) -> bool:
    """Bring everything up and see one run through; False when that run did not succeed.

    Against the real world the first run is left to the schedule. Raises CannotStart.
    """
    state = _state_of(place, real=real)
    place.prepare()
    console.print(f"everything of this installation is in {place.folder}", markup=False)
    world = _real_world(console) if real else _simulated(place, state, console, scenario)
    _server(place, state, console, database)
    console.print("deploying prefect.yaml and the alerts ...")
    setting_up.set_up(place, load_settings(env={**os.environ, **world}))
    _worker(place, state, console, world)
    run = None if real else setting_up.start_run(place)
    planned = _planned(place)
    good = run is None or _watch(place, console, run)
    console.print(f"Prefect UI           {place.url}", markup=False)
    console.print(f"its login            the line in {place.auth_file}", markup=False)
    if not real:
        console.print(f"phones of customers  {_read_urls(place)['control']}", markup=False)
    console.print(f"next scheduled run   {planned}  (`make down` ends it all)", markup=False)
    return good


def _state_of(place: Place, *, real: bool) -> State:
    """Read what is up; raises CannotStart when that is another world than the one asked for."""
    state = State.read(place.state_file) or State(place.port, real)
    up = [name for name, entry in state.processes.items() if processes.find(entry)]
    if up and (state.real, state.port) != (real, place.port):
        words = "the real world" if state.real else "the sandbox"
        names = ", ".join(up)
        raise CannotStart(f"up already, against {words}, port {state.port}: {names}; `make down`")
    return State(place.port, real, {name: state.processes[name] for name in up})


def _real_world(console: Console) -> dict[str, str]:
    """Let `naverplace doctor` look at everything first. Raises CannotStart when it finds fault."""
    console.print("asking naverplace doctor (nothing is sent) ...")
    done = subprocess.run([sys.executable, "-m", "naverplace", "doctor"], cwd=ROOT, check=False)
    if done.returncode:
        raise CannotStart("naverplace doctor is not content, see above: nothing was started")
    return {}


def _simulated(place: Place, state: State, console: Console, scenario: str) -> dict[str, str]:
    log = place.log("sandbox")
    if "sandbox" not in state.processes:
        console.print(f"starting the simulated world, scenario {scenario} ...", markup=False)
        place.urls_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "sandbox", "--scenario", scenario]
        command += ["--port-file", str(place.urls_file)]
        _start(place, state, "sandbox", command, {})
    entry = state.processes["sandbox"]
    processes.wait_until(
        place.urls_file.exists, name="sandbox", entry=entry, log=log, seconds=START_SECONDS
    )
    answer = requests.get(f"{_read_urls(place)['control']}/environment", timeout=10)
    found: dict[str, str] = answer.json()
    return found


def _read_urls(place: Place) -> dict[str, str]:
    urls: dict[str, str] = json.loads(place.urls_file.read_text("utf-8"))
    return urls


def _server(place: Place, state: State, console: Console, database: str) -> None:
    log = place.log("server")
    if "server" not in state.processes:
        _check_port(place.port)
        console.print("starting the Prefect server (about 10 s) ...")
        command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(place.port)]
        _start(place, state, "server", command, place.server_environment(database=database))

    def answers() -> bool:
        try:
            return requests.get(f"{place.url}/api/health", timeout=2).ok
        except requests.RequestException:
            return False

    entry = state.processes["server"]
    processes.wait_until(
        answers, name="Prefect server", entry=entry, log=log, seconds=START_SECONDS
    )


def _check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise CannotStart(
                f"port {port} is taken by something else; name another: `make up PORT=4300`"
            ) from None


def _worker(place: Place, state: State, console: Console, world: Mapping[str, str]) -> None:
    if "worker" in state.processes:
        return
    console.print("starting a worker ...")
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL]
    command += ["--type", "process", "--name", "worker-1"]
    reports = place.folder / "reports"
    environment = {
        **place.client_environment(),
        "NAVERPLACE_REPORT_DIR": os.environ.get("NAVERPLACE_REPORT_DIR", str(reports)),
        "NAVERPLACE_RETENTION__LOG_DIR": str(place.folder),
        **world,
        "PREFECT_WORKER_QUERY_SECONDS": "2",  # one machine: asking costs nothing
    }
    _start(place, state, "worker", command, environment)


def _start(
    place: Place, state: State, name: str, command: list[str], env: Mapping[str, str]
) -> None:
    """Start a process, and write down at once what there is now to be ended."""
    log = place.log(name)
    state.processes[name] = processes.start(name, command, env=env, log=log, cwd=ROOT)
    state.write(place.state_file)


def _planned(place: Place) -> str:
    """Wait for the schedule's next run; raises CannotStart when the scheduler plans none."""
    deadline = monotonic() + PLAN_SECONDS
    while monotonic() < deadline:
        if at := setting_up.next_scheduled(place):
            return f"{at.astimezone(SEOUL):%Y-%m-%d %H:%M} (Asia/Seoul)"
        sleep(0.5)
    raise CannotStart(f"no scheduled run has appeared; look into {place.log('server')}")


def _watch(place: Place, console: Console, run: FlowRun) -> bool:
    """Follow a run to its end, a line for every new state."""
    console.print(f"run {run.name} is scheduled for now", markup=False)
    deadline, said = monotonic() + RUN_SECONDS, "Scheduled"
    state: Any = run.state
    while monotonic() < deadline:
        state = setting_up.read_run(place, run).state
        if state and state.name != said:
            said = state.name
            console.print(f"run {run.name}: {said} {state.message or ''}".rstrip(), markup=False)
        if state and state.is_cancelled() and (other := setting_up.running(place)):
            # Our extra run met the schedule's own: one at a time, and that one does it all.
            console.print(f"run {other.name}, of the schedule, is at work instead", markup=False)
            run = other
        elif state and state.is_final():
            return bool(state.is_completed())
        sleep(0.5)
    console.print(f"run {run.name} has not ended in {RUN_SECONDS:.0f} s: see {place.url}")
    return False
