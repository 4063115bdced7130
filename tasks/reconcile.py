"""The steps of a reconciliation as Prefect tasks; each may be repeated, for none sends a text."""

from __future__ import annotations

from prefect import runtime

from naverplace import reconcile
from naverplace.findings import Followed, Reconciliation
from naverplace.reconcile import Compared, Reconciling
from tasks import artifacts
from tasks.settings import open_settings
from tasks.step import scrubbed, step


@scrubbed
def prepare() -> Reconciling:
    """Load settings; not a task, since nothing outside is asked."""
    run_id = str(runtime.flow_run.id or "local")
    return Reconciling(open_settings(), run_id=run_id, door="flow")


@step("compare", retries=2, wait=60.0)
def compare(this: Reconciling) -> Compared:
    """Read the ledger and SENS's log, and match them."""
    return reconcile.compare(this)


@step("follow")
def follow(this: Reconciling, compared: Compared) -> Followed:
    """Move accepted messages on to delivered or failed; what is left over waits for tomorrow."""
    return reconcile.follow(this, compared)


@step("report")
def report(this: Reconciling, compared: Compared, followed: Followed) -> Reconciliation:
    """Sum up, publish, and tell the owner when there is something to tell."""
    done = reconcile.report(this, reconcile.sum_up(this, compared, followed))
    artifacts.publish_reconciliation(done)
    return done


@step("remember", retries=2)
def remember(this: Reconciling, compared: Compared, done: Reconciliation) -> None:
    """Move the watermark on."""
    reconcile.remember(this, compared, done)


@step("report-failure")
def report_failure(this: Reconciling, text: str) -> Reconciliation:
    """Report a reconciliation that could not read what it had to compare, and tell the owner."""
    done = reconcile.report(this, reconcile.broken(this, text))
    artifacts.publish_reconciliation(done)
    return done
