"""One tick for many stores: several runs on several workers, each for a part of the stores."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect import State, flow

from naverplace.pipeline.steps import RunResults
from tasks import bookings as tasks
from tasks import login_wait
from tasks import shards as sharing
from tasks.task_decorators import StepFailed, completed, failed, fails_with_message, name_of_tick

PATIENCE = timedelta(minutes=17)  # the next tick is due after 20 minutes


@flow(
    name="share-bookings",
    flow_run_name=name_of_tick,
    timeout_seconds=18 * 60,
    persist_result=False,
)
@fails_with_message
def share_bookings(
    shards: int = 4, dry_run: bool = False, deployment: str = "process-shard/shard"
) -> State[dict[str, Any]]:
    """Log in if need be, let several runs process a part of the stores each, and report once.

    Args:
        shards: into how many parts the stores are split; more than there are workers is fine.
        dry_run: decide and report, but write and send nothing.
        deployment: what processes one part.
    """
    run = tasks.prepare(dry_run=dry_run, stores=[])
    try:
        login_wait.restore_session(run)
    except StepFailed as failure:
        tasks.report(run, RunResults(failure=str(failure), failure_kind=failure.trouble))
        return failed(str(failure))
    ordered = sharing.order(run, shards, deployment)
    done = sharing.wait(ordered, run.now + PATIENCE, run)
    problems = sharing.report(run, done)
    bad = [shard.name for shard in done if not shard.good]
    if bad or problems:
        return failed(f"{len(bad)} of {len(done)} shards did not end well, see shards")
    counts = {"shards": len(done), "stores": len(run.stores)}
    return completed(counts, f"매장 {counts['stores']}곳을 {counts['shards']}개 실행이 나누어 처리")
