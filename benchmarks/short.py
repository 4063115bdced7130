"""The short form of `make bench`: the legacy and a run in one process, answers twice as fast.

It fails when a run no longer waits a sixth or less of the legacy's time. What else this machine
does can only make a run look slower, so the best of three counts.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.shop import ANSWERS, asked, open_shop, waited
from legacy import run as legacy_run
from legacy.settings import from_sandbox
from naverplace.pipeline.local_runner import run_once
from naverplace.settings.loader import load_settings
from sandbox.server import Sandbox

FASTER = 2
QUICK = {service: seconds / FASTER for service, seconds in ANSWERS.items()}
LEAST_RATIO = 6.0
TRIES = 3
LEAST_SENT = 20  # messages that the first run of the scenario owes, and some


def main() -> int:
    """Print the ratio as JSON; exit code 1 when it is lost.

    Raises RuntimeError when a run did not do its work: it would look fast.
    """
    legacy = _legacy_seconds()
    waiting, ratio = 0.0, 0.0
    for _ in range(TRIES):
        waiting = _waited_seconds()
        ratio = round(legacy / waiting, 1)
        if ratio >= LEAST_RATIO:
            break
    figures = {"legacy_s": round(legacy, 2), "waited_s": round(waiting, 2), "waiting_ratio": ratio}
    sys.stdout.write(json.dumps(figures | {"least_ratio": LEAST_RATIO}) + "\n")
    return 0 if ratio >= LEAST_RATIO else 1


def _legacy_seconds() -> float:
    with open_shop(QUICK) as shop, credentials_of(shop) as environment:
        by_legacy = from_sandbox(environment, pause=1.0 / FASTER)
        started = time.monotonic()
        _check(legacy_run.run(by_legacy), shop)
        return time.monotonic() - started


def _waited_seconds() -> float:
    with open_shop(QUICK) as shop, credentials_of(shop) as environment:
        settings = load_settings(env=environment, env_file=None)
        _check(run_once(settings, run_id="bench", door="cli").status, shop)
        return waited(asked(shop.world.requests, "partner", "sens", "telegram"))


def _check(status: str, shop: Sandbox) -> None:
    sent = len(shop.messages())
    if status != "success" or sent < LEAST_SENT:
        raise RuntimeError(f"a run ended as {status} and sent {sent} messages")


@contextmanager
def credentials_of(shop: Sandbox) -> Iterator[dict[str, str]]:
    """Give the variables that point at this shop; those of AWS are the process's own meanwhile."""
    environment = shop.environment()
    before = dict(os.environ)
    os.environ.update({name: text for name, text in environment.items() if name[:4] == "AWS_"})
    try:
        yield environment
    finally:
        os.environ.clear()
        os.environ.update(before)
