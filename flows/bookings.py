"""Process the bookings of every store, or of a part of them: the steps of a run, in their order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from prefect import State, flow, get_run_logger
from prefect.task_runners import ThreadPoolTaskRunner

from naverplace.pipeline.context import RunContext
from naverplace.pipeline.run_order import RunSteps, process
from naverplace.reporting.report import RunReport
from naverplace.reporting.summary import in_one_line
from tasks import bookings as tasks
from tasks import login_wait, shards
from tasks.concurrency_limits import THREADS
from tasks.task_decorators import completed, failed, fails_with_message, name_of_tick

STEPS = RunSteps(
    follow_messages=tasks.follow_messages,
    restore_session=login_wait.restore_session,
    read_store=tasks.read_store,
    check_quality=tasks.check_quality,
    resolve_in_doubt=tasks.resolve_in_doubt,
    decide=tasks.decide,
    deliver_store=tasks.deliver_store,
    notify=tasks.notify,
    report=tasks.report,
)


@flow(
    name="process-bookings",
    flow_run_name=name_of_tick,
    task_runner=ThreadPoolTaskRunner(max_workers=8),  # type: ignore[arg-type]
    timeout_seconds=18 * 60,  # the next run is due after 20 minutes
    persist_result=False,
)
@fails_with_message
def process_bookings(
    dry_run: bool = False, stores: list[str] | None = None
) -> State[dict[str, Any]]:
    """Read every store's bookings, decide who is owed which message, send it, and report.

    Args:
        dry_run: decide and report, but write and send nothing.
        stores: only these store ids; all stores when empty.
    """
    run = tasks.prepare(dry_run=dry_run, stores=stores or [])
    return ended(carry_out(run, STEPS))


@flow(
    name="process-shard",
    task_runner=ThreadPoolTaskRunner(max_workers=THREADS),  # type: ignore[arg-type]
    timeout_seconds=16 * 60,
    persist_result=False,
)
@fails_with_message
def process_shard(stores: list[str], dry_run: bool = False) -> State[dict[str, Any]]:
    """Process the bookings of a part of the stores, within the limits of all workers.

    Args:
        stores: these store ids.
        dry_run: decide and report, but write and send nothing.
    """
    run = tasks.prepare(dry_run=dry_run, stores=stores, shard=True)
    # Whoever ordered the shard has logged in, and waits for a person where that is needed.
    report = carry_out(run, replace(STEPS, restore_session=tasks.restore_session))
    shards.publish_counts(report)
    return ended(report)


def carry_out(run: RunContext, steps: RunSteps) -> RunReport:
    """Execute the steps as tasks, one after the other, with the run's own log."""
    executor = tasks.TaskExecutor()
    with run.stop.on_signals():  # instead of Prefect's own, which ends a run in the middle
        return process(run, executor, executor.in_order(steps), get_run_logger().info)


def ended(report: RunReport) -> State[dict[str, Any]]:
    """Say in the list of runs what this one did, or its first problem."""
    if report.status == "success":
        return completed(report.as_json(), in_one_line(report))
    problems = [*report.problems, *report.contradictions]
    return failed(f"{problems[0]} ({len(problems)} problems, see run-summary)")
