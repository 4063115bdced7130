"""Process the bookings of every store: the steps of one run, in their order."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.task_runners import ThreadPoolTaskRunner

from naverplace.report import RunReport
from naverplace.run import Run
from tasks import bookings as tasks
from tasks import person
from tasks.step import StepFailed


@flow(
    name="process-bookings",
    task_runner=ThreadPoolTaskRunner(max_workers=8),  # type: ignore[arg-type]
    timeout_seconds=18 * 60,  # the next run is due after 20 minutes
    persist_result=False,
)
def process_bookings(dry_run: bool = False, stores: list[str] | None = None) -> dict[str, Any]:
    """Read every store's bookings, decide who is owed which message, send it, and report.

    Args:
        dry_run: decide and report, but write and send nothing.
        stores: only these store ids; all stores when empty.
    """
    run = tasks.prepare(dry_run=dry_run, stores=stores or [])
    try:
        report = carry_out(run)
    except StepFailed as failure:
        tasks.report_failure(run, str(failure))
        raise
    if report.status != "success":
        raise StepFailed(
            f"{len(report.problems) + len(report.contradictions)} problems, see run-summary"
        )
    return report.as_json()


def carry_out(run: Run) -> RunReport:
    """Order the steps; a store that fails does not stop the others."""
    session = person.restore_session(run)
    reading = {store_id: tasks.read_store.submit(run, session, store_id) for store_id in run.stores}
    batches = tasks.collect(reading)
    gated = tasks.check_quality(run, batches)
    doubts = tasks.settle_doubts(run)
    decided = tasks.decide(run, gated)
    delivering = {s: tasks.deliver_store.submit(run, session, decided, s) for s in run.stores}
    results = tasks.collect_results(run, decided, delivering)
    results += tasks.deliver_notices(run, decided)
    return tasks.report(run, session, batches, gated, decided, results, doubts)
