"""Process the bookings of every store, or of a part of them: the steps of a run, in their order."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from naverplace.naver.session import NaverSession
from naverplace.pipeline.context import RunContext
from naverplace.reporting.report import RunReport
from tasks import bookings as tasks
from tasks import login_wait, shards
from tasks.concurrency_limits import NAVER, SENS, THREADS, hold_slots
from tasks.task_decorators import StepFailed, fails_with_message


@flow(
    name="process-bookings",
    task_runner=ThreadPoolTaskRunner(max_workers=8),  # type: ignore[arg-type]
    timeout_seconds=18 * 60,  # the next run is due after 20 minutes
    persist_result=False,
)
@fails_with_message
def process_bookings(dry_run: bool = False, stores: list[str] | None = None) -> dict[str, Any]:
    """Read every store's bookings, decide who is owed which message, send it, and report.

    Args:
        dry_run: decide and report, but write and send nothing.
        stores: only these store ids; all stores when empty.
    """
    run = tasks.prepare(dry_run=dry_run, stores=stores or [])
    try:
        report = carry_out(run, login_wait.restore_session(run))
    except StepFailed as failure:
        tasks.report_failure(run, str(failure))
        raise
    if report.status != "success":
        raise StepFailed(
            f"{len(report.problems) + len(report.contradictions)} problems, see run-summary"
        )
    return report.as_json()


@flow(
    name="process-shard",
    task_runner=ThreadPoolTaskRunner(max_workers=THREADS),  # type: ignore[arg-type]
    timeout_seconds=16 * 60,
    persist_result=False,
)
@fails_with_message
def process_shard(stores: list[str], dry_run: bool = False) -> dict[str, Any]:
    """Process the bookings of a part of the stores, within the limits of all workers.

    Args:
        stores: these store ids.
        dry_run: decide and report, but write and send nothing.
    """
    run = tasks.prepare(dry_run=dry_run, stores=stores, shard=True)
    try:
        report = carry_out(run, tasks.restore_session(run))
    except StepFailed as failure:
        tasks.report_failure(run, str(failure))
        raise
    shards.publish_counts(report)
    if report.status != "success":
        raise StepFailed(f"{len(report.problems)} problems, see run-summary")
    return report.as_json()


def carry_out(run: RunContext, session: NaverSession) -> RunReport:
    """Order the steps; a store that fails does not stop the others."""
    with hold_slots(run, NAVER, slots=THREADS):
        reading = {s: tasks.read_store.submit(run, session, s) for s in run.stores}
        batches = tasks.collect(reading)
    validated = tasks.check_quality(run, batches)
    doubts = tasks.resolve_in_doubt(run)
    decided = tasks.decide(run, validated)
    # Naver is asked again about what was read long ago.
    with hold_slots(run, NAVER, SENS, slots=THREADS):
        delivering = {s: tasks.deliver_store.submit(run, session, decided, s) for s in run.stores}
        results = tasks.collect_results(run, decided, delivering)
    results += tasks.deliver_notices(run, decided)
    return tasks.report(run, session, batches, validated, decided, results, doubts)
