"""The Lambda entry: a read-only root, somebody's uid, Lambda's own client, a real login."""

from __future__ import annotations

import json
from pathlib import Path
from time import monotonic
from typing import Any

from sandbox.server import Sandbox
from trials.image.box import Box, Running
from trials.image.building import Built
from trials.image.runtime_api import Invocation, RuntimeApi
from trials.image.telling import Report, must

SOMEBODY = "993:990"  # nobody whom the image's /etc/passwd knows
INIT_SECONDS = 60.0  # Lambda gives 10; what it took is in the report
RUN_SECONDS = 240.0
TRY_TO_WRITE = "touch /app/x || touch /home/x || touch /var/tmp/x || touch /dev/shm/x"


def check_lambda(built: Built, report: Report, logs: Path) -> None:
    """Start the image as Lambda does, and let it do the scenario `first-run` twice."""
    with (
        report.check("as Lambda: a real login, 23 messages, and none the second time"),
        Sandbox("first-run") as world,
        RuntimeApi() as api,
        (logs / "lambda.log").open("wb") as log,
    ):
        extra = {**world.environment(), **api.environment()}
        box = Box(built.root, built.env, built.workdir, SOMEBODY, mode="lambda", extra=extra)
        started = monotonic()
        with box.started([*built.entrypoint, "lambda"], log=log) as running:
            must(api.asked.wait(INIT_SECONDS), f"it asked for no event: see {log.name}")
            must(api.init_error is None, f"its init failed: {api.init_error}")
            report.facts["lambda: seconds until ready"] = round(monotonic() - started, 1)
            _look_around(running)
            _first(api, world, report)
            second = _answer(_wait(api.invoke({})))
            must(_sent(second) == 0, f"the second invocation sent {_sent(second)}")
            _nothing_left(running)


def _look_around(running: Running) -> None:
    tried = running.inside(["/bin/sh", "-c", TRY_TO_WRITE])
    must(tried.returncode != 0, "something outside of /tmp can be written")
    who = running.inside(["/usr/bin/id", "-u"]).stdout.strip()
    must(who == SOMEBODY.split(":")[0], f"it runs as {who}")


def _first(api: RuntimeApi, world: Sandbox, report: Report) -> None:
    one = _wait(api.invoke({"source": "aws.events"}))
    body = _answer(one)
    expected = sum(world.expected["messages"].values())
    sent, told = _sent(body), len(world.messages())
    must(sent == told == expected, f"sent {sent}, phones got {told}, expected {expected}")
    must(body["run_id"] == one.id, "the run is not named after the invocation")
    must(body["browser_opened"] and world.world.login_attempts == 1, "there was no login")
    report.facts["lambda: seconds of the first run"] = round(one.seconds, 1)
    report.facts["lambda: messages"] = sent


def _nothing_left(running: Running) -> None:
    found = running.inside(["/bin/sh", "-c", "ls -d /tmp/naverplace-chrome-* 2>/dev/null"]).stdout
    must(not found.strip(), f"the browser left {found}")


def _wait(one: Invocation) -> Invocation:
    must(one.over.wait(RUN_SECONDS), f"no answer within {RUN_SECONDS:.0f} s")
    must(one.error is None, f"the function failed: {one.error}")
    return one


def _answer(one: Invocation) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(one.answer["body"])
    must(one.answer["statusCode"] == 200, f"{one.answer['statusCode']}: {body}")
    return body


def _sent(body: dict[str, Any]) -> int:
    return sum(body["messages"].values())
