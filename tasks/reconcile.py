"""The steps of a reconciliation as Prefect tasks; each may be repeated, for none sends a text."""

from __future__ import annotations

from prefect import runtime

from naverplace.jobs.reconciliation import job
from naverplace.jobs.reconciliation.findings import DeliveryUpdate, Reconciliation
from naverplace.jobs.reconciliation.job import LedgerComparison, ReconciliationContext
from tasks import artifacts
from tasks.settings import open_settings
from tasks.task_decorators import library_task, scrubbed


@scrubbed
def prepare() -> ReconciliationContext:
    """Load settings; not a task, since nothing outside is asked."""
    run_id = str(runtime.flow_run.id or "local")
    return ReconciliationContext(open_settings(), run_id=run_id, door="flow")


@library_task("compare", retries=2, wait=60.0)
def compare(this: ReconciliationContext) -> LedgerComparison:
    """Read the ledger and SENS's log, and match them."""
    return job.compare_ledger(this)


@library_task("follow")
def follow(this: ReconciliationContext, compared: LedgerComparison) -> DeliveryUpdate:
    """Move accepted messages on to delivered or failed; what is left over waits for tomorrow."""
    return job.follow(this, compared)


@library_task("report")
def report(
    this: ReconciliationContext, compared: LedgerComparison, followed: DeliveryUpdate
) -> Reconciliation:
    """Sum up, publish, and tell the owner when there is something to tell."""
    done = job.publish(this, job.sum_up(this, compared, followed))
    artifacts.publish_reconciliation(done)
    return done


@library_task("remember", retries=2)
def remember(this: ReconciliationContext, compared: LedgerComparison, done: Reconciliation) -> None:
    """Move the watermark on."""
    job.remember(this, compared, done)


@library_task("report-failure")
def report_failure(this: ReconciliationContext, text: str) -> Reconciliation:
    """Report a reconciliation that could not read what it had to compare, and tell the owner."""
    done = job.publish(this, job.broken(this, text))
    artifacts.publish_reconciliation(done)
    return done
