"""The order of a run's steps, which the flow, the Lambda handler and the command all execute."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from naverplace.base.stopping import Stopped
from naverplace.delivery.follow import FollowedMessages
from naverplace.delivery.in_doubt import InDoubtMessage
from naverplace.domain.due_messages import DueMessages
from naverplace.domain.effects import Effect
from naverplace.domain.results import ActionResult
from naverplace.domain.troubles import TroubleKind, kind_of_error
from naverplace.naver.session import NaverSession
from naverplace.pipeline import (
    build_report,
    follow_messages,
    notify_owner,
    steps,
    store_delivery,
    store_groups,
)
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.steps import DecisionResult, RunResults, StoreBatch, strike_settled
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

    follow_messages: Callable[[RunContext], FollowedMessages] = follow_messages.follow_messages
    restore_session: Callable[[RunContext], NaverSession] = steps.restore_session
    read_store: Callable[[RunContext, NaverSession, str], StoreBatch] = steps.read_store
    check_quality: Callable[[RunContext, Sequence[StoreBatch]], ValidationResult] = (
        steps.check_quality
    )
    resolve_in_doubt: Callable[[RunContext], list[InDoubtMessage]] = store_delivery.resolve_in_doubt
    decide: Callable[[RunContext, ValidationResult], DecisionResult] = steps.decide
    note_due: Callable[
        [RunContext, ValidationResult, DecisionResult], Mapping[str, DueMessages]
    ] = steps.note_due
    deliver_store: Callable[
        [RunContext, NaverSession, str, Sequence[Effect]], list[ActionResult]
    ] = store_delivery.deliver_store
    notify: Callable[[RunContext, Sequence[Effect]], list[ActionResult]] = (
        store_delivery.deliver_notices
    )
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
        results.failure, results.failure_kind = executor.describe(error), kind_of_error(error)
    try:
        return steps.report(run, results)
    except Exception as error:
        notify_owner.tell_failure(run, TroubleKind.RUN_FAILED, executor.describe(error))
        raise


def _carry_out(
    run: RunContext, executor: Executor, steps: RunSteps, results: RunResults, progress: Progress
) -> None:
    """Fill in the results step by step; a store that fails does not halt the others.

    Raises Stopped between two steps when the process was asked to end, and what a step raised that
    serves all stores of a group.
    """
    followed = results.followed = steps.follow_messages(run)
    progress(f"followed: {followed.delivered} delivered, {followed.failed} failed")

    run.stop.check()
    session = results.session = steps.restore_session(run)
    progress("session: " + ("logged in" if session.browser_opened else "restored"))

    failures: list[Exception] = []
    groups = store_groups.groups_of(run.stores)
    for number, stores in enumerate(groups):
        if number:
            store_groups.put_away(run, results)
        results.group = stores
        try:
            _serve(run, executor, steps, results, progress)
        except Stopped:
            raise
        except Exception as error:
            if len(groups) == 1:
                raise
            # The other groups' customers wait for their messages, too.
            log.exception("a group of %d stores was not served", len(stores))
            failures.append(error)
            results.note_unchecked(stores, executor.describe(error))
    if failures:
        raise failures[0]
    strike_settled(run, results)

    notices = results.decided.notices() if results.decided else ()
    results.actions += steps.notify(run, notices)
    run.stop.check()  # what was not begun stands in the results, and why in the failure


def _serve(
    run: RunContext, executor: Executor, steps: RunSteps, results: RunResults, progress: Progress
) -> None:
    """Read one group of stores, decide about them, and send what they owe."""
    stores, session = results.group, results.session
    read = executor.each_store(run, steps.read_store, {s: (run, session, s) for s in stores})
    batches: list[StoreBatch] = []
    for store_id, batch in read.items():
        if isinstance(batch, Exception):
            batch = StoreBatch(store_id, error=executor.describe(batch))
        batches.append(batch)
        counts = f"{batch.confirmed} confirmed, {batch.completed} completed"
        progress(f"read {run.stores[store_id].alias}: {batch.error or counts}")

    results.batches += batches
    run.stop.check()
    validated = steps.check_quality(run, batches)
    results.validated = results.validated.plus(validated) if results.validated else validated
    for checked in validated.stores:
        if checked.stopped or checked.quarantined:
            what = f"{len(checked.quarantined)} of {checked.rows} bookings are quarantined"
            progress(f"quality {run.stores[checked.store_id].alias}: {checked.reason or what}")
    run.stop.check()
    if results.in_doubt is None:  # once, for all stores
        results.in_doubt = steps.resolve_in_doubt(run)
    decided = steps.decide(run, validated)
    results.decided = results.decided.plus(decided) if results.decided else decided
    progress(f"decided {decided.bookings} bookings: {len(decided.decisions.effects)} effects owed")
    results.due.update(steps.note_due(run, validated, decided))

    owed = {store_id: decided.effects_of(store_id) for store_id in stores}
    calls = {store_id: (run, session, store_id, owed[store_id]) for store_id in stores}
    for store_id, ended in executor.each_store(run, steps.deliver_store, calls).items():
        if isinstance(ended, Exception):
            ended = store_delivery.undelivered(owed[store_id], executor.describe(ended))
        results.actions += ended
        if ended:
            outcomes = Counter(f"{result.action} {result.outcome}" for result in ended)
            counts = ", ".join(f"{count} {name}" for name, count in outcomes.items())
            progress(f"deliver {run.stores[store_id].alias}: {counts}")
