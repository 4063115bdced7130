"""A store that fails, by whatever error, stops no other store and loses nothing that was done."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from naverplace.base.errors import ServiceUnavailable, TooLate
from naverplace.delivery.outcomes import call_provider
from naverplace.domain.results import Outcome
from naverplace.naver.session import NaverSession
from naverplace.pipeline import context, steps, store_delivery
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.local_runner import ThreadExecutor
from naverplace.pipeline.run_order import RunSteps, process
from naverplace.pipeline.steps import StoreBatch
from naverplace.redaction import redactor
from naverplace.redaction.redactor import describe
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.delivery_builders import STORE
from tests.pipeline.store_runs import Shop

BROKEN = "951291"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(ROOT)
    return Shop(world, world_env)


def too_deep(levels: int = 100_000) -> list[object]:
    """Nest lists deeper than Python shows."""
    nested: list[object] = []
    for _ in range(levels):
        nested = [nested]
    return nested


def broken(batch: StoreBatch) -> StoreBatch:
    """Give a batch whose frame is none of ours, as a defect would."""
    assert batch.frame is not None
    odd = pd.DataFrame({"asked_store": [BROKEN], "start": pd.Series(["?"], dtype="object")})
    return replace(batch, frame=odd)


@pytest.mark.parametrize("defect", ["recursion", "memory", "frame"])
def test_whatever_one_store_raises_the_others_get_their_messages(shop: Shop, defect: str) -> None:
    def read(run: RunContext, session: NaverSession, store_id: str) -> StoreBatch:
        batch = steps.read_store(run, session, store_id)
        if store_id != BROKEN:
            return batch
        if defect == "recursion":
            raise RecursionError(too_deep())
        if defect == "memory":
            raise MemoryError
        return broken(batch)

    run = context.open_run(shop.settings, run_id="one", door="cli")

    report = process(run, ThreadExecutor(), replace(RunSteps(), read_store=read))

    served = {row["store_id"] for row in report.stores if not row["problem"]}
    assert served == set(run.stores) - {BROKEN}
    assert shop.received()
    assert report.status == "failed"
    assert report.contradictions == ()


def test_a_store_that_cannot_be_decided_about_is_named_and_the_others_are_decided(
    shop: Shop,
) -> None:
    run = context.open_run(shop.settings, run_id="one", door="cli")
    session = steps.restore_session(run)
    validated = steps.check_quality(
        run, [steps.read_store(run, session, store_id) for store_id in run.stores]
    )
    defective = tuple(
        replace(checked, good=checked.good.drop(columns="start"))
        if checked.store_id == BROKEN
        else checked
        for checked in validated.stores
    )

    decided = steps.decide(run, replace(validated, stores=defective))

    assert list(decided.failed) == [BROKEN]
    assert "KeyError" in decided.failed[BROKEN]
    assert decided.effects_of(BROKEN) == ()
    others = {effect.key.store_id for effect in decided.decisions.effects}
    assert STORE in others
    assert BROKEN not in others


def test_an_error_that_nobody_can_show_is_logged_and_described_all_the_same(
    caplog: pytest.LogCaptureFixture,
) -> None:
    redactor.attach()
    log = logging.getLogger("naverplace.of_this_test")

    try:
        raise ValueError(too_deep())
    except ValueError as error:
        log.exception("store %s", STORE, extra={"answer": too_deep()})
        log.error("it held %s", too_deep())
        told = describe(error)

    assert told == "ValueError (its words cannot be shown)"
    assert f"store {STORE}" in caplog.text
    assert "its arguments do not fit" in caplog.text


def test_a_give_back_that_is_throttled_ends_no_run_and_loses_no_settlement(shop: Shop) -> None:
    shop.crash(shop.message(), sent=True)
    shop.later(20 * 60)
    throttled = Fault(
        "aws",
        match="PutItem",
        kind="status:400",
        value="ThrottlingException",
        after=1,
        times=None,
    )
    settings = shop.settings.model_copy(
        update={"aws": shop.settings.aws.model_copy(update={"attempts": 1})}
    )
    run = RunContext(settings, run_id="next", door="cli", dry_run=False)
    shop.world.world.faults.append(throttled)

    ended = store_delivery.resolve_in_doubt(run)

    assert [doubt.resolution.value for doubt in ended] == ["adopted"]
    assert throttled.hits > 0


def test_our_own_lateness_is_no_failure_of_the_service() -> None:
    def late() -> str:
        raise TooLate("too late to send it now")

    def away() -> str:
        raise ServiceUnavailable("away")

    assert (call_provider(late).outcome, call_provider(late).service_failed) == (
        Outcome.FAILED,
        False,
    )
    assert call_provider(away).service_failed
