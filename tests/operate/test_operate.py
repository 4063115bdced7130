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
from typing import Any

import psutil
import pytest
import requests

from naverplace.jobs.retention.folders import begun
from operate import processes
from operate.places import Place, State
from sandbox.postgresql import PostgreSql, programs
from tests.nightly import at_night

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
    if State.read(tmp_path / "up" / "up.json"):
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
    nobody_else_may_command(folder, f"http://127.0.0.1:{port}/api")
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


def nobody_else_may_command(folder: Path, api: str) -> None:
    """Try what another user of the machine, and a page of another origin, can try."""
    login = folder / "prefect-login"
    assert login.stat().st_mode & 0o777 == 0o600
    user, _, password = login.read_text("utf-8").strip().partition(":")
    given = (user, password)
    asked: dict[str, Any] = {"json": {}, "timeout": 5}
    for wrong in (None, (user, "wrong"), ("", "")):
        for path in ("admin/settings", "csrf-token?client=a", "automations/count", "flows/x"):
            assert requests.get(f"{api}/{path}", auth=wrong, timeout=5).status_code == 401, path
        for path in ("deployments/filter", "block_documents/filter", "flow_runs/"):
            refused = requests.post(f"{api}/{path}", auth=wrong, **asked)
            assert refused.status_code == 403  # before anybody asks for a login
    forged = {"Prefect-Csrf-Token": "a", "Prefect-Csrf-Client": "a"}
    assert requests.post(f"{api}/flows/filter", headers=forged, **asked).status_code == 403
    assert requests.get(f"{api}/health", timeout=5).ok
    assert requests.post(f"{api}/deployments/filter", auth=given, **asked).status_code == 403
    page = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    wish = {"Access-Control-Request-Headers": "authorization,content-type"}
    preflight = requests.options(f"{api}/deployments/filter", headers={**page, **wish}, timeout=5)
    assert "http://evil.example" not in preflight.headers.get("Access-Control-Allow-Origin", "")
    assert preflight.headers.get("Access-Control-Allow-Origin") != "*"
    assert preflight.status_code == 400
    read = requests.get(f"{api}/health", headers=page, timeout=5)
    assert "Access-Control-Allow-Origin" not in read.headers


@at_night
@pytest.mark.prefect
@pytest.mark.browser
@pytest.mark.skipif(programs() is None, reason="no PostgreSQL: Debian's package postgresql")
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


@pytest.mark.parametrize(
    ("server", "why"),
    [
        ("http://prefect.internal:4200", "over http everybody on the way reads the bot's token"),
        ("http://192.0.2.7:4200/api", "or tunnel it"),
        ("prefect.internal", "is no address; write https://HOST:4200"),
        ("ftp://prefect.internal", "is no address"),
    ],
)
def test_a_deployment_over_plain_http_to_another_host_is_refused(
    folder: Path, server: str, why: str
) -> None:
    done = operate(folder, "deploy", "--server", server)

    assert (done.returncode, why in done.stdout.replace("\n", " ")) == (2, True), done.stdout


@pytest.mark.parametrize("kind", ["process", "ecs"])
def test_no_run_can_bring_a_command_of_its_own(kind: str) -> None:
    pool = json.loads((ROOT / "deployments/pools" / f"{kind}.json").read_text("utf-8"))

    assert "command" not in pool["job_configuration"]
    assert "command" not in pool["variables"]["properties"]


def test_a_login_is_made_once_and_is_its_owners_only(tmp_path: Path) -> None:
    login = Place(tmp_path / "up", 4200).auth_string

    assert login == Place(tmp_path / "up", 4300).auth_string
    assert len(login.partition(":")[2]) >= 32
    assert login != Place(tmp_path / "other", 4200).auth_string
    assert (tmp_path / "up").stat().st_mode & 0o777 == 0o700


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
