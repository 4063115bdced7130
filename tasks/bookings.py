"""The steps of a run as Prefect tasks; retries repeat questions, never a delivery."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from prefect import Task, runtime
from prefect.client.schemas.objects import State

from naverplace.delivery.in_doubt import InDoubtMessage
from naverplace.domain.effects import Effect
from naverplace.domain.results import ActionResult
from naverplace.naver.session import NaverSession
from naverplace.pipeline import build_report, notify_owner, steps, store_delivery
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.steps import DecisionResult, RunResults, StoreBatch
from naverplace.quality.validation import ValidationResult
from naverplace.redaction.redactor import REDACTOR
from naverplace.reporting.report import RunReport
from tasks import artifacts
from tasks.concurrency_limits import NAVER, SENS, THREADS, hold_slots
from tasks.settings import open_settings
from tasks.task_decorators import StepFailed, library_task, scrubbed

R = TypeVar("R")


class TaskExecutor:
    """Carries the stores' steps out by the flow's task runner."""

    def each_store(
        self, run: RunContext, step: Callable[..., R], calls: Mapping[str, tuple[Any, ...]]
    ) -> dict[str, R | Exception]:
        """Submit the task for every store and wait for all; a shard holds slots of all workers."""
        task = cast("Task[..., R]", step)
        with hold_slots(run, *LIMITS[task.name], slots=THREADS):
            futures = {store_id: task.submit(*calls[store_id]) for store_id in calls}
            ended = {s: future.result(raise_on_failure=False) for s, future in futures.items()}
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
    run = notify_owner.open_or_alert(
        open_settings(),
        run_id=str(runtime.flow_run.id or "local"),
        door="flow",
        dry_run=dry_run,
        only=stores,
    )
    run.shard = shard
    return run


@library_task("restore-session")
def restore_session(run: RunContext) -> NaverSession:
    """Restore the owner's session or log in; never retried: attempts lock an account."""
    with hold_slots(run, NAVER):
        return steps.restore_session(run)


@library_task("read-store", run_name="read-{store_id}", retries=1)
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


@library_task("deliver", run_name="deliver-{store_id}")
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
    artifacts.publish_report(report, results.quality_docs)
    return report


def fail_unless_success(report: RunReport) -> None:
    """Raise StepFailed with the first problem of a run that failed."""
    if report.status == "success":
        return
    problems = [*report.problems, *report.contradictions]
    count = f"{len(problems)} problems, see run-summary"
    raise StepFailed(REDACTOR.scrub(f"{problems[0]} ({count})"))


# Naver is asked again about what was read long ago, before it is delivered.
LIMITS = {read_store.name: (NAVER,), deliver_store.name: (NAVER, SENS)}
