"""Ordering the shards of one tick, and waiting for them; the work itself is done by their runs."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from prefect import get_run_logger, runtime
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
)

from naverplace.pipeline import notify_owner
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.sharding import Shard, shards_look, split
from naverplace.reporting.report import RunReport
from tasks.task_decorators import library_task

COUNTS = "shard-counts"  # the artifact by which a shard tells what it sent
POLL = 2.0  # seconds
Ordered = dict[UUID, Shard]


@library_task("order-shards", retries=2, wait=10.0)
def order(this: RunContext, shards: int, deployment: str) -> Ordered:
    """Start a run for each part of the stores; tried again, it finds those that it has started."""
    ordered: Ordered = {}
    with get_client(sync_client=True) as client:
        wanted = client.read_deployment_by_name(deployment)
        for number, stores in enumerate(split(list(this.stores), shards), start=1):
            run = client.create_flow_run_from_deployment(
                wanted.id,
                parameters={"stores": list(stores), "dry_run": this.dry_run},
                name=f"{runtime.flow_run.name}-{number}",
                tags=["shard"],
                # A retry of the whole tick from the UI is a new attempt, and orders anew.
                idempotency_key=f"{runtime.flow_run.id}-{runtime.flow_run.run_count}-{number}",
            )
            ordered[run.id] = Shard(number, stores, name=run.name)
    return ordered


@library_task("wait-for-shards", retries=5, wait=10.0)
def wait(ordered: Ordered, until: datetime, this: RunContext) -> list[Shard]:
    """Wait until every shard has ended; one that has not by then is told as it stands."""
    log, said = get_run_logger(), -1
    with get_client(sync_client=True) as client:
        while True:
            states = _states(client, ordered)
            ended = sum(final for _, _, final in states.values())
            if ended != said:
                log.info("%d of %d shards have ended", ended, len(ordered))
                said = ended
            if ended == len(ordered) or this.clock.now() >= until:
                return [_result(client, run, s, states.get(run)) for run, s in ordered.items()]
            time.sleep(POLL)


@library_task("report-shards")
def report(this: RunContext, shards: Sequence[Shard]) -> tuple[str, ...]:
    """Publish what each shard did, and tell the owner once; gives what went wrong on the way."""
    create_table_artifact(
        key="shards",
        table=[shard.row() for shard in shards],
        description="The parts of this tick; each has a run of its own with its artifacts",
    )
    if this.dry_run:
        return ()
    return notify_owner.tell(
        this.settings,
        shards_look(shards, now=this.now, rulebook=this.rulebook_version.korean()),
        this,
    ).problems


def publish_counts(report: RunReport) -> None:
    """Tell whoever ordered this shard what it sent: numbers only."""
    create_table_artifact(
        key=COUNTS,
        table=[dict(report.messages)],
        description="Messages that SENS accepted, by kind",
    )


def _states(client: SyncPrefectClient, ordered: Ordered) -> dict[UUID, tuple[str, str, bool]]:
    chosen = FlowRunFilter(id=FlowRunFilterId(any_=list(ordered)))
    found = client.read_flow_runs(flow_run_filter=chosen, limit=200)
    return {
        run.id: (run.state.name or "", run.state.message or "", run.state.is_final())
        for run in found
        if run.state
    }


def _result(
    client: SyncPrefectClient, run: UUID, shard: Shard, state: tuple[str, str, bool] | None
) -> Shard:
    name, why, _ = state or ("", "the run is gone", True)
    found = client.read_artifacts(
        artifact_filter=ArtifactFilter(
            flow_run_id=ArtifactFilterFlowRunId(any_=[run]), key=ArtifactFilterKey(any_=[COUNTS])
        )
    )
    return replace(shard, state=name, why=why, messages=_counts(found[-1].data if found else ""))


def _counts(data: object) -> dict[str, int]:
    rows = json.loads(data) if isinstance(data, str) and data else []
    return {str(kind): int(count) for row in rows for kind, count in row.items()}
