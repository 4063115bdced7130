"""Canaries through the real flow in a worker's process: nothing of them may be found anywhere."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort

from sandbox.faults import Fault
from sandbox.prefect_server import PrefectServer
from sandbox.server import Sandbox
from tests.flows.test_ends import on_disk

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.prefect, pytest.mark.browser]


def secrets_of(env: dict[str, str]) -> set[str]:
    """Collect every secret that the run is given."""
    names = ("USERNAME", "PASSWORD", "SECRET_KEY", "ACCESS_KEY", "BOT_TOKEN", "WEBHOOK_URL")
    given = {v for n, v in env.items() if n.startswith("NAVERPLACE_") and n.endswith(names)}
    for codes in json.loads(env["NAVERPLACE_ACCESS"]).values():
        given |= set(codes.values())
    return given


def phones_of(world: Sandbox) -> set[str]:
    """Collect every customer's phone in the forms it may be written."""
    found: set[str] = set()
    for raw in (raw for raws in world.world.stores.values() for raw in raws):
        phone = str(raw.get("phone") or "")
        if len(phone) >= 10:
            found |= {phone, f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"}
    return found


def names_of(world: Sandbox) -> set[str]:
    """Collect every customer's name that is long enough to be nothing else."""
    names = {str(raw.get("name")) for raws in world.world.stores.values() for raw in raws}
    return {name for name in names if len(name) >= 3}


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


DEBUG = {
    "PREFECT_LOGGING_LEVEL": "DEBUG",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "urllib3,botocore,selenium,requests",
    "PREFECT_LOGGING_LOGGERS_PREFECT_EXTRA_LEVEL": "DEBUG",
    "PREFECT_LOGGING_ROOT_LEVEL": "DEBUG",
}


def run_flow(server: PrefectServer, env: dict[str, str], **more: str) -> tuple[int, bytes]:
    """Run the deployed entrypoint in a process of its own, and give its exit code and output."""
    done = subprocess.run(
        [sys.executable, "-m", "sandbox.demo.worker", "flows/bookings.py:process_bookings"],
        cwd=ROOT,
        env={
            **os.environ,
            **env,
            **server.environment(),
            "PREFECT_LOGGING_SETTINGS_PATH": str(ROOT / "deployments" / "logging.yml"),
            **more,
        },
        capture_output=True,
        timeout=240,
    )
    return done.returncode, done.stdout + done.stderr


def search(canaries: set[str], places: dict[str, bytes]) -> set[tuple[str, str]]:
    """Find every canary in every form, and tell where."""
    return {
        (place, canary)
        for canary in canaries
        for form in forms_of(canary)
        for place, content in places.items()
        if form in content
    }


def written(server: PrefectServer, folder: Path, world: Sandbox) -> dict[str, bytes]:
    """Collect everything that was written: Prefect's own home, files, the owner's channels."""
    paths = [*server.home.rglob("*"), *folder.rglob("*")]
    places = {str(path): path.read_bytes() for path in paths if path.is_file()}
    places["telegram"] = json.dumps(world.world.telegram, ensure_ascii=False).encode()
    places["slack"] = json.dumps(world.world.slack, ensure_ascii=False).encode()
    return places


def latest_run_and_logs() -> tuple[FlowRun, list[str]]:
    with get_client(sync_client=True) as client:
        # The server may know scheduled runs as well, from the test of the deployment.
        failed = FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.FAILED]))
        )
        run = client.read_flow_runs(
            flow_run_filter=failed, sort=FlowRunSort.START_TIME_DESC, limit=1
        )[0]
        chosen = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run.id]))
        return run, [log.message for log in client.read_logs(log_filter=chosen, limit=200)]


@pytest.mark.usefixtures("prefect_client_settings")
def test_no_secret_phone_or_name_is_found_anywhere(
    world: Sandbox, world_env: dict[str, str], prefect_server: PrefectServer, tmp_path: Path
) -> None:
    env = {
        **world_env,
        "NAVERPLACE_REPORT_DIR": str(tmp_path / "reports"),
    }
    names, phones, before = names_of(world), phones_of(world), on_disk(prefect_server)

    # A run that logs in and sends, and one whose login fails: as they are in production.
    world.forget_session()
    world.world.cookies.kill_all()
    code, output = run_flow(prefect_server, env)
    places = {"output 1": output, **written(prefect_server, tmp_path, world)}
    assert code == 0
    world.reset("quiet")
    world.forget_session()
    world.world.account.mode = "wrong_password"
    env |= world.environment()
    code, output = run_flow(prefect_server, env)
    places |= {"output 2": output, **written(prefect_server, tmp_path, world)}
    run, logs = latest_run_and_logs()
    assert code == 1
    assert "WrongPassword" in str(run.state and run.state.message)
    assert len(logs) > 3
    assert on_disk(prefect_server) == before  # no result and no exception lies on disk
    assert search(secrets_of(env) | phones | names, places) == set()

    # And one in which every library logs all it does, while SENS quotes our key and Telegram fails.
    world.reset("quiet")
    quoted = f"100 no such key: {env['NAVERPLACE_SENS__ACCESS_KEY']}"
    world.world.faults.append(Fault("sens", kind="status:400", times=None, value=quoted))
    world.world.faults.append(Fault("telegram", kind="drop_after"))
    env |= world.environment()
    code, output = run_flow(prefect_server, env, **DEBUG)
    places = {"output 3": output, **written(prefect_server, tmp_path, world)}
    assert code == 1
    assert search(secrets_of(env) | phones, places) == set()

    # The search is able to find: what should be there is there.
    everything = b"".join(places.values())
    assert b"[redacted]" in everything
    assert b"process-bookings" in everything
    assert any("reports" in place for place in places)
