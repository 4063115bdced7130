"""Reconcile the ledger with SENS's own log: once a day, every message with exactly one."""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from naverplace.jobs.reconciliation.findings import Reconciliation
from naverplace.jobs.reconciliation.job import ReconciliationContext
from tasks import reconcile as tasks
from tasks.task_decorators import StepFailed, completed, failed, fails_with_message, name_of_tick


@flow(name="reconcile", flow_run_name=name_of_tick, timeout_seconds=30 * 60, persist_result=False)
@fails_with_message
def reconcile() -> State[dict[str, Any]]:
    """Match what the ledger counts with what SENS has sent, follow it to its end, and report."""
    this = tasks.prepare()
    try:
        done = carry_out(this)
    except StepFailed as failure:
        tasks.report_failure(this, str(failure))
        return failed(str(failure))
    if done.status != "success":
        news = len(done.news) + len(done.problems)
        return failed(f"{news} findings and problems, see reconciliation and findings")
    return completed(done.as_json(), f"문자 {done.log}건 대조, 문제 없음")


def carry_out(this: ReconciliationContext) -> Reconciliation:
    """Order the steps; only a told reconciliation is remembered."""
    compared = tasks.compare(this)
    followed = tasks.follow(this, compared)
    done = tasks.report(this, compared, followed)
    tasks.remember(this, compared, done)
    return done
