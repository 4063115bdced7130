"""Canaries through the real flow in a worker's process: nothing of them may be found anywhere."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.sorting import FlowRunSort

from sandbox.faults import Fault
from sandbox.prefect_server import PrefectServer
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.prefect, pytest.mark.browser]


def secrets_of(env: dict[str, str]) -> set[str]:
    """Collect every secret that the run is given."""
    names = ("USERNAME", "PASSWORD", "SECRET_KEY", "ACCESS_KEY", "BOT_TOKEN", "WEBHOOK_URL")
    given = {v for n, v in env.items() if n.startswith("NAVERPLACE_") and n.endswith(names)}
    for codes in json.loads(env["NAVERPLACE_ACCESS"]).values():
        given |= set(codes.values())
    return given


def personal_of(world: Sandbox) -> set[str]:
    """Collect every customer's phone in the forms it may be written, and every longer name."""
    found: set[str] = set()
    for raw in (raw for raws in world.world.stores.values() for raw in raws):
        phone = str(raw.get("phone") or "")
        if len(phone) >= 10:
            found |= {phone, f"{phone[:3]}-{phone[3:7]}-{phone[7:]}", f"{phone[3:7]}-{phone[7:]}"}
        if len(str(raw.get("name") or "")) >= 3:
            found.add(str(raw["name"]))
    return found


def forms_of(secret: str) -> Iterator[bytes]:
    for form in (
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        json.dumps(json.dumps(secret))[3:-3],
    ):
        yield form.encode()
    if len(secret) >= 8:
        yield base64.b64encode(secret.encode()).rstrip(b"=")


def run_flow(world: Sandbox, server: PrefectServer, env: dict[str, str]) -> tuple[int, str]:
    """Run the deployed entrypoint in a process of its own, with everything logged."""
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.demo.worker", "flows/bookings.py:process_bookings"],
        cwd=ROOT,
        env={
            **os.environ,
            **env,
            **server.environment(),
            "PREFECT_LOGGING_SETTINGS_PATH": str(ROOT / "deployments" / "logging.yml"),
            "PREFECT_LOGGING_LEVEL": "DEBUG",
            "PREFECT_LOGGING_EXTRA_LOGGERS": "urllib3,botocore,selenium,requests",
            "PREFECT_LOGGING_LOGGERS_PREFECT_EXTRA_LEVEL": "DEBUG",
            "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
        },
        capture_output=True,
        text=True,
        timeout=240,
    )
    return done.returncode, done.stdout + done.stderr


def latest_logs(client: SyncPrefectClient) -> tuple[Any, list[str]]:
    run = client.read_flow_runs(sort=FlowRunSort.START_TIME_DESC, limit=1)[0]
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId

    chosen = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
    return run, [log.message for log in client.read_logs(log_filter=chosen, limit=200)]


@pytest.fixture
def outputs(
    world: Sandbox,
    world_env: dict[str, str],
    prefect_server: PrefectServer,
    prefect_client_settings: None,
    tmp_path: Path,
) -> Any:
    """Three runs: a login and a good one, one where services echo our data, one that fails."""
    env = {**world_env, "NAVERPLACE_REPORT_DIR": str(tmp_path / "reports")}
    printed = []
    world.forget_session()
    printed.append(run_flow(world, prefect_server, env))

    world.reset("quiet")
    world.world.faults.append(Fault("sens", kind="status:400", times=None))
    world.world.faults.append(Fault("telegram", kind="drop_after"))
    env |= world.environment()
    printed.append(run_flow(world, prefect_server, env))

    world.reset("quiet")
    world.forget_session()
    world.world.account.mode = "wrong_password"
    env |= world.environment()
    printed.append(run_flow(world, prefect_server, env))
    return env, printed, tmp_path


def test_no_secret_phone_or_name_is_found_anywhere(
    outputs: Any, world: Sandbox, prefect_server: PrefectServer
) -> None:
    env, printed, folder = outputs
    places = {f"output of run {n}": text.encode() for n, (_, text) in enumerate(printed, 1)}
    for path in [*prefect_server.home.rglob("*"), *folder.rglob("*")]:
        if path.is_file():
            places[str(path)] = path.read_bytes()
    places["telegram"] = json.dumps(world.world.telegram, ensure_ascii=False).encode()
    places["slack"] = json.dumps(world.world.slack, ensure_ascii=False).encode()

    found = {
        (place, canary)
        for canary in secrets_of(env) | personal_of(world)
        for form in forms_of(canary)
        for place, content in places.items()
        if form in content
    }

    assert found == set()
    # The search must be able to find something: what should be there is there.
    assert [code for code, _ in printed] == [0, 1, 1]
    everything = b"".join(places.values())
    assert b"[redacted]" in everything
    assert b"process-bookings" in everything
    assert b"010-****-" in everything or b"WrongPassword" in everything
    assert any(place.endswith(".html") for place in places)
    assert any("reports" in place for place in places)
    with get_client(sync_client=True) as client:
        run, logs = latest_logs(client)
    assert "WrongPassword" in str(run.state.message)
    assert len(logs) > 5
