"""`make up` and `make down`, as a person types them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
import requests

from naverplace.jobs.retention.folders import begun
from operate import processes
from operate.places import Place, State
from sandbox.postgresql import PostgreSql, programs

ROOT = Path(__file__).resolve().parents[2]
HOUR = timedelta(hours=1)


def operate(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "NAVERPLACE_"))}
    return subprocess.run(
        [sys.executable, "-m", "operate", *words, "--folder", str(folder)],
        cwd=ROOT,
        env={**ours, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "up"
    operate(tmp_path / "up", "down")


@pytest.mark.prefect
@pytest.mark.browser
def test_up_runs_the_flow_once_plans_the_next_run_and_down_ends_everything(folder: Path) -> None:
    port = free_port()

    up = operate(folder, "up", "--port", str(port))

    assert up.returncode == 0, up.stdout + up.stderr
    assert "Completed" in up.stdout
    assert "next scheduled run" in up.stdout
    state = State.read(folder / "up.json")
    assert state is not None
    assert set(state.processes) == {"sandbox", "server", "worker"}
    settings = requests.get(f"http://127.0.0.1:{port}/ui-settings", timeout=5).json()
    assert settings["api_url"] == f"http://127.0.0.1:{port}/api"
    urls = json.loads((folder / "sandbox.json").read_text("utf-8"))
    assert len(requests.get(f"{urls['control']}/messages", timeout=5).json()["sms"]) == 23
    assert folder.stat().st_mode & 0o077 == 0  # the database in it holds the bot's token
    assert all(begun(folder / f"{name}.log") > datetime.now(UTC) - HOUR for name in state.processes)
    assert json.loads(operate(folder, "status", "--json").stdout)["up"] == {
        "sandbox": True,
        "server": True,
        "worker": True,
    }

    down = operate(folder, "down")

    assert down.stdout.splitlines() == ["ended the worker", "ended the server", "ended the sandbox"]
    assert not any(processes.find(entry) for entry in state.processes.values())
    assert (folder / "prefect" / "prefect.db").exists()  # the history stays
    assert operate(folder, "down").stdout == "nothing was up\n"


@pytest.mark.prefect
@pytest.mark.browser
@pytest.mark.skipif(programs() is None, reason="no PostgreSQL: .ci/run installs it")
def test_one_setting_puts_the_history_into_postgresql_and_staying_ends_with_the_worker(
    folder: Path,
) -> None:
    found = programs()
    assert found
    with PostgreSql(found) as database:
        words = ("up", "--stay", "--port", str(free_port()))
        staying = started(folder, *words, NAVERPLACE_DATABASE_URL=database.url)
        said = read_until(staying, "staying until one of them ends")
        runs = database.ask("select state_name from flow_run where state_name = 'Completed'")
        planned = database.ask("select count(*) from flow_run where state_name = 'Scheduled'")
        state = State.read(folder / "up.json")
        assert state
        os.kill(state.processes["worker"]["pid"], signal.SIGKILL)
        rest, _ = staying.communicate(timeout=60)

    assert "Completed" in runs.splitlines(), said
    assert int(planned) > 0
    assert not list(folder.rglob("*.db"))
    written = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert not any(database.password.encode() in content for content in written)
    assert "the worker has ended, see" in rest
    assert staying.returncode == 1  # so that systemd begins anew
    assert not any(processes.find(entry) for entry in state.processes.values())


def started(folder: Path, *words: str, **more: str) -> subprocess.Popen[str]:
    """Type a command that stays."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("PREFECT_", "NAVERPLACE_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "operate", *words, "--folder", str(folder)],
        cwd=ROOT,
        env={**ours, **more, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def read_until(process: subprocess.Popen[str], words: str) -> str:
    """Read what it says until it says this, or ends."""
    said = ""
    assert process.stdout
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(said)


def test_a_port_that_is_taken_is_named_and_nothing_of_it_is_left(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        up = operate(folder, "up", "--port", str(port))

    assert up.returncode == 2
    assert f"port {port} is taken by something else" in up.stdout
    operate(folder, "down")
    assert State.read(folder / "up.json") is None


def test_the_real_world_needs_a_doctor_that_is_content(folder: Path) -> None:
    up = operate(folder, "up", "--real", "--port", str(free_port()))

    assert up.returncode == 2
    assert "doctor is not content" in up.stdout
    assert not (folder / "up.json").exists()


def test_a_pid_that_lives_on_as_another_process_is_not_ended() -> None:
    own = psutil.Process()
    entry = {"pid": own.pid, "started": own.create_time() - 100}

    assert processes.find(entry) is None
    assert processes.end(entry) is False


def test_the_server_keeps_leases_on_disk_and_can_use_postgresql(tmp_path: Path) -> None:
    place = Place(tmp_path, 4200)
    plain = place.server_environment()
    other = place.server_environment(database="postgresql+asyncpg://prefect@127.0.0.1/prefect")

    assert plain["PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE"].endswith(".filesystem")
    assert "PREFECT_API_DATABASE_CONNECTION_URL" not in plain
    assert other["PREFECT_API_DATABASE_CONNECTION_URL"].startswith("postgresql+asyncpg://")
