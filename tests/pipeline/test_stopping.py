"""A run that is asked to end begins nothing new, finishes what it began, gives back, and tells."""

from __future__ import annotations

import os
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from naverplace.base.stopping import Stopped, StopRequest
from naverplace.domain.results import Outcome
from naverplace.handler import _seconds_for
from naverplace.naver.session import NaverSession
from naverplace.pipeline import context, steps
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.local_runner import ThreadExecutor
from naverplace.pipeline.run_order import RunSteps, process
from naverplace.pipeline.steps import StoreBatch
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.delivery_builders import STORE
from tests.pipeline.store_runs import Shop

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(ROOT)
    return Shop(world, world_env)


def lease(shop: Shop) -> object:
    run = RunContext(shop.settings, run_id="look", door="cli", dry_run=True)
    return run.store_locks.table.read([STORE])[STORE].lease


def test_a_run_that_gets_sigterm_while_it_sends_finishes_that_message_and_tells(
    shop: Shop,
) -> None:
    shop.env["NAVERPLACE_SENS__PARALLEL"] = "1"
    run = context.open_run(shop.settings, run_id="first", door="cli", only=[STORE])

    def terminate() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        while not run.stop.why:
            Event().wait(0.01)

    shop.world.world.faults.append(Fault("sens", "POST", "hook_then", value=terminate))

    with run.stop.on_signals():
        first = process(run, ThreadExecutor())

    outcomes = Counter(row["outcome"] for row in first.deliveries or ())
    assert outcomes["accepted"] == len(shop.received()) == 1  # the one that was on its way
    assert outcomes["skipped"] == outcomes.total() - 1 > 0
    assert (first.status, first.contradictions) == ("failed", ())
    assert "asked to end (SIGTERM)" in first.problems[0]
    assert (lease(shop), shop.open_messages()) == (None, set())
    assert any("SIGTERM" in str(told) for told in shop.world.world.telegram)

    second = shop.later(60).run("second", only=[STORE])

    assert second.status == "success"
    assert len(shop.received()) == len(set(shop.received())) == outcomes.total()


def test_a_run_that_is_asked_before_it_decides_sends_nothing_and_holds_nothing(
    shop: Shop,
) -> None:
    def read(run: RunContext, session: NaverSession, store_id: str) -> StoreBatch:
        run.stop.ask("the process was asked to end (SIGTERM)")
        return steps.read_store(run, session, store_id)

    run = context.open_run(shop.settings, run_id="one", door="cli", only=[STORE])

    report = process(run, ThreadExecutor(), replace(RunSteps(), read_store=read))

    assert (report.status, shop.received(), lease(shop)) == ("failed", [], None)


def test_a_delivery_claims_nothing_more_and_gives_the_store_back(shop: Shop) -> None:
    begun = shop.begin()
    begun.run.stop.ask_in(0, "its time was nearly over")

    results = begun.deliver()

    assert {result.outcome for result in results.values()} == {Outcome.SKIPPED}
    assert (shop.received(), lease(shop), shop.open_messages()) == ([], None, set())


def test_a_lambda_begins_nothing_in_its_last_minute() -> None:
    with_a_minute = SimpleNamespace(get_remaining_time_in_millis=lambda: 60_000)
    stop = StopRequest()

    stop.ask_in(_seconds_for(with_a_minute), "its time was nearly over")

    with pytest.raises(Stopped, match="nearly over"):
        stop.check()
    assert _seconds_for(SimpleNamespace()) == float("inf")


def test_signals_are_the_runs_only_while_it_runs() -> None:
    before, stop = signal.getsignal(signal.SIGTERM), StopRequest()

    with stop.on_signals():
        os.kill(os.getpid(), signal.SIGHUP)
        assert "SIGHUP" in stop.why

    assert signal.getsignal(signal.SIGTERM) is before
