"""Reconcile the ledger with SENS's own log: once a day, every message with exactly one."""

from __future__ import annotations

from typing import Any

from prefect import flow

from naverplace.jobs.reconciliation.findings import Reconciliation
from naverplace.jobs.reconciliation.job import ReconciliationContext
from tasks import reconcile as tasks
from tasks.task_decorators import StepFailed, fails_with_message


@flow(name="reconcile", timeout_seconds=30 * 60, persist_result=False)
@fails_with_message
def reconcile() -> dict[str, Any]:
    """Match what the ledger counts with what SENS has sent, follow it to its end, and report."""
    this = tasks.prepare()
    try:
        done = carry_out(this)
    except StepFailed as failure:
        tasks.report_failure(this, str(failure))
        raise
    if done.status != "success":
        news = len(done.news) + len(done.problems)
        raise StepFailed(f"{news} findings and problems, see reconciliation and findings")
    return done.as_json()


def carry_out(this: ReconciliationContext) -> Reconciliation:
    """Order the steps; only a told reconciliation is remembered."""
    compared = tasks.compare(this)
    followed = tasks.follow(this, compared)
    done = tasks.report(this, compared, followed)
    tasks.remember(this, compared, done)
    return done
