"""`make deploy`: a Prefect server elsewhere is given all that one of `make up` has."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.exceptions import ObjectNotFound

from operate.alerts import read_entries
from operate.places import POOL
from operate.setting_up import LIMITS
from sandbox.prefect_server import PrefectServer
from tests.docs.test_docs import commands

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_client_settings")]


@pytest.fixture
def client() -> Iterator[SyncPrefectClient]:
    with get_client(sync_client=True) as client:
        forget(client)
        yield client
        forget(client)


def forget(client: SyncPrefectClient) -> None:
    """Leave the session's server as if nobody had deployed to it."""
    for found in client.read_automations():
        client.delete_automation(found.id)
    with suppress(ObjectNotFound):
        client.delete_work_pool(POOL)
    for limit in client.read_global_concurrency_limits(limit=200):
        if limit.name in yaml.safe_load(LIMITS.read_text("utf-8"))["limits"]:
            client.delete_global_concurrency_limit_by_name(limit.name)


@pytest.fixture
def typed(prefect_server: PrefectServer, world_env: dict[str, str], tmp_path: Path) -> Typed:
    ours = {n: v for n, v in os.environ.items() if not n.startswith("NAVERPLACE_")}
    return Typed({**ours, **world_env, **prefect_server.environment(), "COLUMNS": "200"}, tmp_path)


class Typed:
    """Commands, as a person types them."""

    def __init__(self, env: dict[str, str], folder: Path) -> None:
        self.env, self.folder = env, folder

    def python(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )

    def deploy(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.python("operate", "deploy", "--folder", str(self.folder), *words)


def test_a_server_elsewhere_gets_pool_deployments_alerts_and_limits(
    prefect_server: PrefectServer, client: SyncPrefectClient, typed: Typed
) -> None:
    where = ("--server", f"{prefect_server.url}/api")

    done = typed.deploy(*where, "--project", "/app")

    assert done.returncode == 0, done.stdout + done.stderr
    assert client.read_work_pool(POOL).type == "process"
    assert {a.name for a in client.read_automations()} == {e["name"] for e in read_entries()}
    limits = {limit.name for limit in client.read_global_concurrency_limits(limit=200)}
    assert limits >= set(yaml.safe_load(LIMITS.read_text("utf-8"))["limits"])
    deployed = client.read_deployment_by_name("process-bookings/every-20-minutes")
    (step,) = deployed.pull_steps or []
    assert [named["directory"] for named in step.values()] == ["/app"]

    other = typed.deploy(*where, "--kind", "ecs")
    assert other.returncode == 2
    assert "of type process already: say --kind process" in other.stdout

    # Whatever the docs tell people to type to Prefect works on such a server.
    told = {command for _, command in commands() if command.startswith("prefect ")}
    assert told
    for command in sorted(told):
        once = " --run-once" if " worker start" in command else ""
        answer = typed.python(*shlex.split(command + once))
        assert answer.returncode == 0, f"{command}\n{answer.stdout}{answer.stderr}"


def test_a_server_that_does_not_answer_is_an_error_in_words(typed: Typed) -> None:
    done = typed.deploy("--server", "http://127.0.0.1:9")

    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    assert "make deploy: " in done.stdout


def test_a_server_must_be_named(typed: Typed) -> None:
    done = typed.deploy()

    assert done.returncode == 2
    assert "which server? --server https://HOST:4200" in done.stdout
