"""The order of a run's steps, which the flow, the Lambda handler and the command all execute."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from naverplace.delivery.in_doubt import InDoubtMessage
from naverplace.domain.effects import Effect
from naverplace.domain.results import ActionResult
from naverplace.naver.session import NaverSession
from naverplace.pipeline import build_report, notify_owner, steps, store_delivery
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.steps import DecisionResult, RunResults, StoreBatch
from naverplace.quality.validation import ValidationResult
from naverplace.reporting.report import RunReport

log = logging.getLogger(__name__)
Progress = Callable[[str], None]
R = TypeVar("R")


class Executor(Protocol):
    """How steps are carried out: on threads of this process, or by Prefect's task runner."""

    def each_store(
        self, run: RunContext, step: Callable[..., R], calls: Mapping[str, tuple[Any, ...]]
    ) -> dict[str, R | Exception]:
        """Call the step with each store's arguments; whatever one raises is its own result."""

    def describe(self, error: Exception) -> str:
        """Put a step's error in one scrubbed line."""


@dataclass(frozen=True)
class RunSteps:
    """The steps in their order; the defaults are the library's, a flow puts tasks around them."""

    restore_session: Callable[[RunContext], NaverSession] = steps.restore_session
    read_store: Callable[[RunContext, NaverSession, str], StoreBatch] = steps.read_store
    check_quality: Callable[[RunContext, Sequence[StoreBatch]], ValidationResult] = (
        steps.check_quality
    )
    resolve_in_doubt: Callable[[RunContext], list[InDoubtMessage]] = store_delivery.resolve_in_doubt
    decide: Callable[[RunContext, ValidationResult], DecisionResult] = steps.decide
    deliver_store: Callable[
        [RunContext, NaverSession, str, Sequence[Effect]], list[ActionResult]
    ] = store_delivery.deliver_store
    notify: Callable[[RunContext, Sequence[Effect]], list[ActionResult]] = (
        store_delivery.deliver_notices
    )
    write_quality_docs: Callable[[RunContext, ValidationResult], str] = steps.write_quality_docs
    report: Callable[[RunContext, RunResults], RunReport] = build_report.report_run


def process(
    run: RunContext,
    executor: Executor,
    steps: RunSteps | None = None,
    progress: Progress = log.info,
) -> RunReport:
    """Do everything that one run does; a run that fails is a report that says so.

    The owner is told even when the report itself cannot be made; then its error is raised.
    """
    steps = steps or RunSteps()
    results = RunResults()
    try:
        _carry_out(run, executor, steps, results, progress)
    except Exception as error:
        log.exception("the run failed")
        results.failure = executor.describe(error)
    try:
        return steps.report(run, results)
    except Exception as error:
        notify_owner.send_run_alert(run, executor.describe(error))
        raise


def _carry_out(
    run: RunContext, executor: Executor, steps: RunSteps, results: RunResults, progress: Progress
) -> None:
    """Fill in the results step by step; a store that fails does not halt the others."""
    session = results.session = steps.restore_session(run)
    progress("session: " + ("logged in" if session.browser_opened else "restored"))

    read = executor.each_store(run, steps.read_store, {s: (run, session, s) for s in run.stores})
    for store_id, batch in read.items():
        if isinstance(batch, Exception):
            batch = StoreBatch(store_id, error=executor.describe(batch))
        results.batches.append(batch)
        counts = f"{batch.confirmed} confirmed, {batch.completed} completed"
        progress(f"store {store_id}: {batch.error or counts}")

    validated = results.validated = steps.check_quality(run, results.batches)
    results.in_doubt = steps.resolve_in_doubt(run)
    decided = results.decided = steps.decide(run, validated)
    progress(f"decided: {len(decided.decisions.effects)} effects are owed")

    owed = {store_id: decided.effects_of(store_id) for store_id in run.stores}
    calls = {store_id: (run, session, store_id, owed[store_id]) for store_id in run.stores}
    for store_id, ended in executor.each_store(run, steps.deliver_store, calls).items():
        if isinstance(ended, Exception):
            ended = store_delivery.undelivered(owed[store_id], executor.describe(ended))
        results.actions += ended

    results.actions += steps.notify(run, decided.notices())
    results.quality_docs = steps.write_quality_docs(run, validated)
