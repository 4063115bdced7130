"""Lambda's own runtime client hands our handler an event, through the image's entry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.lambda_runtime import RuntimeApi
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120.0
pytestmark = pytest.mark.browser


@pytest.fixture
def api() -> Iterator[RuntimeApi]:
    with RuntimeApi() as api:
        yield api


@pytest.fixture
def function(
    api: RuntimeApi, world: Sandbox, world_env: dict[str, str], tmp_path: Path
) -> Iterator[subprocess.Popen[bytes]]:
    world.reset("first-run")
    env = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        **api.environment(),
        **world_env,
        **world.environment(),
    }
    with (tmp_path / "log").open("wb") as log:
        words = [str(ROOT / "deployments/image/entry"), "lambda"]
        process = subprocess.Popen(words, env=env, cwd=ROOT, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def test_a_cold_start_logs_in_and_sends_and_a_warm_one_sends_nothing(
    function: subprocess.Popen[bytes], api: RuntimeApi, world: Sandbox, tmp_path: Path
) -> None:
    first = api.invoke({"source": "aws.events"})
    assert first.over.wait(SECONDS), (tmp_path / "log").read_text()
    assert first.error is None
    body = json.loads(first.answer["body"])

    assert first.answer["statusCode"] == 200, body["problems"]
    assert (body["run_id"], body["browser_opened"]) == (first.id, True)
    assert sum(body["messages"].values()) == len(world.messages()) == 23

    second = api.invoke({"dry_run": False})
    assert second.over.wait(SECONDS)
    again = json.loads(second.answer["body"])

    assert (second.answer["statusCode"], again["browser_opened"]) == (200, False)
    assert sum(again["messages"].values()) == 0
    assert len(world.messages()) == 23
    assert os.waitid(os.P_PID, function.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def test_an_event_of_a_strange_shape_is_an_error_and_the_function_lives(
    function: subprocess.Popen[bytes], api: RuntimeApi, world: Sandbox
) -> None:
    strange = api.invoke({"stores": ["no-such-store"]})
    assert strange.over.wait(SECONDS)
    assert strange.answer["statusCode"] == 500

    world.log_in()  # a dry run never does so itself
    planned = api.invoke({"dry_run": True, "stores": [sorted(world.world.stores)[0]]})
    assert planned.over.wait(SECONDS)

    assert planned.answer["statusCode"] == 200, planned.answer
    assert world.messages() == []
