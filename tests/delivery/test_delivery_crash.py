"""A process that is killed while it sends: nothing goes out twice, and nothing is hushed up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from naverplace.domain.results import Outcome
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.delivery_builders import a_send, deliver_with, key_of, open_table

ROOT = Path(__file__).parent.parent


def start(env: dict[str, str], number: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.delivery_builders", str(number), "killed-run"],
        cwd=ROOT,
        env={**os.environ, **env, "NAVERPLACE_SENS__READ_TIMEOUT": "60"},
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_until(happened: Callable[[], object], process: subprocess.Popen[str]) -> None:
    ends = time.monotonic() + 60
    while not happened():
        assert process.poll() is None, "the process ended before it could be killed"
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.02)


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL


def test_killed_after_the_acceptance_it_is_in_doubt_and_never_sent_again(
    world: Sandbox, world_env: dict[str, str], settings: Settings
) -> None:
    world.world.faults.append(Fault("sens", "POST", "timeout_after"))
    with start(world_env, 1) as process:
        wait_until(lambda: world.world.messages, process)
        kill(process)

    for run in range(2):
        (result,) = deliver_with(settings, [a_send(settings, 1)], run_id=f"later-{run}")

        assert result.outcome is Outcome.IN_DOUBT
        assert "killed-run" in result.message
    assert len(world.world.messages) == 1


def test_killed_before_anything_was_accepted_it_is_in_doubt_and_named(
    world: Sandbox, world_env: dict[str, str], settings: Settings
) -> None:
    fault = Fault("sens", "POST", "timeout_before")
    world.world.faults.append(fault)
    with start(world_env, 1) as process:
        wait_until(lambda: fault.hits, process)
        kill(process)

    (result,) = deliver_with(settings, [a_send(settings, 1)])

    assert result.outcome is Outcome.IN_DOUBT
    assert world.world.messages == []


@pytest.mark.parametrize("kind", ["timeout_before", "timeout_after"])
def test_killed_while_it_writes_the_acceptance_it_is_never_sent_again(
    kind: str, world: Sandbox, world_env: dict[str, str], settings: Settings
) -> None:
    # The record is created by a put; the first update claims, the second accepts.
    acceptance = Fault("aws", "UpdateItem", kind, after=2)
    world.world.faults.append(acceptance)
    with start(world_env, 1) as process:
        wait_until(lambda: acceptance.hits, process)
        wait_until(lambda: kind == "timeout_before" or is_accepted(settings), process)
        kill(process)

    (result,) = deliver_with(settings, [a_send(settings, 1)])

    written = kind == "timeout_after"
    assert result.outcome is (Outcome.SKIPPED if written else Outcome.IN_DOUBT)
    assert len(world.world.messages) == 1


def is_accepted(settings: Settings) -> bool:
    return open_table(settings).records.read([key_of(1)])[key_of(1)].remind_sms


def test_killed_before_the_claim_it_is_sent_by_the_next_run(
    world: Sandbox, world_env: dict[str, str], settings: Settings
) -> None:
    claim = Fault("aws", "UpdateItem", "timeout_before")
    world.world.faults.append(claim)
    with start(world_env, 1) as process:
        wait_until(lambda: claim.hits, process)
        kill(process)

    (result,) = deliver_with(settings, [a_send(settings, 1)])

    assert result.outcome is Outcome.ACCEPTED
    assert len(world.world.messages) == 1


def test_a_process_that_nobody_kills_sends_once(
    world: Sandbox, world_env: dict[str, str], settings: Settings
) -> None:
    with start(world_env, 1) as process:
        out, _ = process.communicate(timeout=120)

    assert json.loads(out) == [Outcome.ACCEPTED]
    (again,) = deliver_with(settings, [a_send(settings, 1)])
    assert again.outcome is Outcome.SKIPPED
    assert len(world.world.messages) == 1
