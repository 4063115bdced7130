"""The Lambda entry: a read-only root, an unknown user, Lambda's own client, a real login."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic
from typing import Any

from sandbox.lambda_runtime import Invocation, RuntimeApi
from sandbox.server import Sandbox
from trials.image.engine import Engine
from trials.image.report import Report, require

USER = "993"  # nobody whom the image's /etc/passwd knows
# deployments/aws/lambda.yaml; Lambda's /dev/shm cannot be written
OPTIONS = ("--user", f"{USER}:990", "--memory", "2048m", "--tmpfs", "/dev/shm:ro")  # noqa: S108
INIT_SECONDS = 60.0  # Lambda gives 10; what it took is in the report
RUN_SECONDS = 240.0
TRY_TO_WRITE = "touch /app/x || touch /home/x || touch /var/tmp/x || touch /dev/shm/x"


def check_lambda(engine: Engine, report: Report, logs: Path) -> None:
    """Start the image as Lambda does, and let it do the scenario `first-run` twice."""
    log = logs / "lambda.log"
    with (
        report.check("as Lambda: a real login, 23 messages, and none the second time"),
        Sandbox("first-run") as world,
        RuntimeApi() as api,
    ):
        env, began = {**world.environment(), **api.environment()}, monotonic()
        with engine.started("lambda", env=env, log=log, options=OPTIONS) as function:
            require(api.asked.wait(INIT_SECONDS), f"it asked for no event: see {log}")
            require(api.init_error is None, f"its init failed: {api.init_error}")
            report.facts["lambda: seconds until ready"] = round(monotonic() - began, 1)
            written = function.exec("/bin/sh", "-c", TRY_TO_WRITE)
            require(written.returncode != 0, "something outside of /tmp can be written")
            user = function.exec("/usr/bin/id", "-u").stdout.strip()
            require(user == USER, f"it runs as {user}")
            _first_run(api, world, report)
            second = _answer(_finished(api.invoke({})))
            require(_sent(second) == 0, f"the second invocation sent {_sent(second)}")
            profiles = function.exec("/bin/sh", "-c", "ls -d /tmp/naverplace-chrome-* 2>/dev/null")
            require(not profiles.stdout.strip(), f"the browser left {profiles.stdout}")


def _first_run(api: RuntimeApi, world: Sandbox, report: Report) -> None:
    invocation = _finished(api.invoke({"source": "aws.events"}))
    body = _answer(invocation)
    expected = sum(world.expected["messages"].values())
    sent, received = _sent(body), len(world.messages())
    require(sent == received == expected, f"sent {sent}, phones got {received}, not {expected}")
    require(body["run_id"] == invocation.id, "the run is not named after the invocation")
    require(body["browser_opened"] and world.world.login_attempts == 1, "there was no login")
    report.facts["lambda: seconds of the first run"] = round(invocation.seconds, 1)


def _finished(invocation: Invocation) -> Invocation:
    require(invocation.over.wait(RUN_SECONDS), f"no answer within {RUN_SECONDS:.0f} s")
    require(invocation.error is None, f"the function failed: {invocation.error}")
    return invocation


def _answer(invocation: Invocation) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(invocation.answer["body"])
    status = invocation.answer["statusCode"]
    require(status == 200, f"{status}: {body}")
    return body


def _sent(body: dict[str, Any]) -> int:
    return sum(body["messages"].values())
