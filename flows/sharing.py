"""One tick for many stores: several runs on several workers, each for a part of the stores."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect import flow

from naverplace.pipeline.steps import RunResults
from tasks import bookings as tasks
from tasks import login_wait
from tasks import shards as sharing
from tasks.task_decorators import StepFailed, fails_with_message

PATIENCE = timedelta(minutes=17)  # the next tick is due after 20 minutes


@flow(name="share-bookings", timeout_seconds=18 * 60, persist_result=False)
@fails_with_message
def share_bookings(
    shards: int = 4, dry_run: bool = False, deployment: str = "process-shard/shard"
) -> dict[str, Any]:
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
        tasks.report(run, RunResults(failure=str(failure)))
        raise
    ordered = sharing.order(run, shards, deployment)
    done = sharing.wait(ordered, run.now + PATIENCE, run)
    problems = sharing.report(run, done)
    bad = [shard.name for shard in done if not shard.good]
    if bad or problems:
        raise StepFailed(f"{len(bad)} of {len(done)} shards did not end well, see shards")
    return {"shards": len(done), "stores": len(run.stores)}
