"""The steps of a run as Prefect tasks; retries repeat questions, never a delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar, cast

from prefect import Task, allow_failure, runtime
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.utilities.annotations import quote

from naverplace.base.errors import NaverPlaceError
from naverplace.delivery.follow import FollowedMessages
from naverplace.delivery.in_doubt import InDoubtMessage
from naverplace.domain.effects import Effect
from naverplace.domain.results import ActionResult
from naverplace.naver.session import NaverSession
from naverplace.pipeline import build_report, notify_owner, steps, store_delivery
from naverplace.pipeline import follow_messages as follow
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.run_order import RunSteps
from naverplace.pipeline.steps import DecisionResult, RunResults, StoreBatch
from naverplace.quality.validation import ValidationResult
from naverplace.reporting.report import RunReport
from tasks import artifacts
from tasks.concurrency_limits import NAVER, SENS, THREADS, hold_slots, of_a_shard
from tasks.settings import open_settings
from tasks.task_decorators import StepFailed, library_task, name_of_store, scrubbed

R = TypeVar("R")


class TaskExecutor:
    """Carries the steps out by the flow's task runner, each one after the step before it.

    Prefect draws an arrow for every result that it recognises in an argument, which made a hundred
    crossing ones. So arguments are quoted, and the order of the steps is said by `wait_for`.
    """

    def __init__(self) -> None:
        self._before: list[PrefectFuture[Any]] = []

    def in_order(self, steps: RunSteps) -> RunSteps:
        """Let every step that is one task wait for the step before it."""
        once = (
            "follow_messages",
            "check_quality",
            "resolve_in_doubt",
            "decide",
            "notify",
            "report",
        )
        return replace(steps, **{name: self._after(getattr(steps, name)) for name in once})

    def _after(self, task: Task[..., Any]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            [future] = self._before = [self._submit(task, args)]
            return future.result()

        return call

    def _submit(self, task: Task[..., R], args: Sequence[Any]) -> PrefectFuture[R]:
        # The session leads to the readers by an arrow of its own.
        shown = args if task.name == read_store.name else map(quote, args)
        return task.submit(*shown, wait_for=[allow_failure(future) for future in self._before])

    def each_store(
        self, run: RunContext, step: Callable[..., R], calls: Mapping[str, tuple[Any, ...]]
    ) -> dict[str, R | Exception]:
        """Submit the task for every store and wait for all; a shard holds slots of all workers."""
        task = cast("Task[..., R]", step)
        with hold_slots(run, *LIMITS[task.name], slots=THREADS):
            futures = {store_id: self._submit(task, args) for store_id, args in calls.items()}
            ended = {s: future.result(raise_on_failure=False) for s, future in futures.items()}
        self._before = list(futures.values())
        # A task that crashed or was cancelled has a state as its result.
        return {
            store_id: StepFailed(str(result)) if isinstance(result, State) else result
            for store_id, result in ended.items()
        }

    def describe(self, error: Exception) -> str:
        """Put an error in one scrubbed line, which a task's error is already."""
        return str(error if isinstance(error, StepFailed) else StepFailed.of(error))


@scrubbed
def prepare(*, dry_run: bool, stores: Sequence[str], shard: bool = False) -> RunContext:
    """Load settings, rules and templates; not a task, since nothing outside is asked."""
    settings = of_a_shard(open_settings()) if shard else open_settings()
    run_id = str(runtime.flow_run.id or "local")
    try:
        run = notify_owner.open_or_alert(
            settings, run_id=run_id, door="flow", dry_run=dry_run, only=stores
        )
    except NaverPlaceError as error:
        failure = StepFailed.of(error)
        failure.told = True
        raise failure from None
    run.shard = shard
    return run


@library_task("follow-messages")
def follow_messages(run: RunContext) -> FollowedMessages:
    """Ask SENS's log what became of the last hours' messages; tell at once what failed."""
    with hold_slots(run, SENS):
        return follow.follow_messages(run)


@library_task("restore-session")
def restore_session(run: RunContext) -> NaverSession:
    """Restore the owner's session or log in; never retried: attempts lock an account."""
    with hold_slots(run, NAVER):
        return steps.restore_session(run)


@library_task("read-store", run_name=name_of_store("read"), retries=1)
def read_store(run: RunContext, session: NaverSession, store_id: str) -> StoreBatch:
    """Read the bookings of one store."""
    return steps.read_store(run, session, store_id)


@library_task("check-quality")
def check_quality(run: RunContext, batches: Sequence[StoreBatch]) -> ValidationResult:
    """Quarantine bad rows, and list them."""
    validated = steps.check_quality(run, batches)
    artifacts.publish_quality(validated)
    artifacts.publish_quarantine([q.as_row() for c in validated.stores for q in c.quarantined])
    return validated


@library_task("resolve-in-doubt", retries=1)
def resolve_in_doubt(run: RunContext) -> list[InDoubtMessage]:
    """Resolve by SENS's log what earlier runs have left in doubt."""
    with hold_slots(run, SENS):
        return store_delivery.resolve_in_doubt(run)


@library_task("decide", retries=1)
def decide(run: RunContext, validated: ValidationResult) -> DecisionResult:
    """Read the records and decide what is owed."""
    return steps.decide(run, validated)


@library_task("deliver", run_name=name_of_store("deliver"))
def deliver_store(
    run: RunContext, session: NaverSession, store_id: str, effects: Sequence[Effect]
) -> list[ActionResult]:
    """Carry out what one store owes; never retried here: the next run settles it."""
    return store_delivery.deliver_store(run, session, store_id, effects)


@library_task("notify")
def notify(run: RunContext, effects: Sequence[Effect]) -> list[ActionResult]:
    """Send the lines that rules owe the owner."""
    return store_delivery.deliver_notices(run, effects)


@library_task("report")
def report(run: RunContext, results: RunResults) -> RunReport:
    """Sum up, cross-check, publish and tell the owner."""
    with hold_slots(run, SENS):  # its log is read once more
        report = build_report.report_run(run, results)
    unpublished = artifacts.publish_report(report)
    return replace(report, problems=(*report.problems, *unpublished))


# Naver is asked again about what was read long ago, before it is delivered.
LIMITS = {read_store.name: (NAVER,), deliver_store.name: (NAVER, SENS)}
