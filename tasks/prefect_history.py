"""Prefect's own history of our runs: what is old in it, removed by its API.

A server removes old runs by itself only when its vacuum is switched on (`make up` does), and may
serve other projects too: so our flows' runs are looked for by name, whatever the server's settings.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
)
from prefect.client.schemas.objects import Artifact, FlowRun
from prefect.exceptions import ObjectNotFound

from naverplace.jobs.retention.result import LocationResult

PAGE = 200  # what the API gives at once
FLOWS = (
    "process-bookings",
    "process-shard",
    "share-bookings",
    "reconcile",
    "retention",
    "watchdog",
    "parity-replay",
    "parity-shadow",
    "parity-observed",
)


def forget_history(*, before: datetime, days: float, dry_run: bool) -> list[LocationResult]:
    """Remove our runs that ended before then, with artifacts; the server removes their logs."""
    with get_client(sync_client=True) as client:
        seen = client.count_flow_runs(flow_filter=_ours())
        old = _old_runs(client, before)
        pages = [page for run in old for page in _artifacts(client, run)]
        if not dry_run:
            for page in pages:
                _gone(client.delete_artifact, page)
            for run in old:
                _gone(client.delete_flow_run, run)
        left = _old_runs(client, before) if old else []
        left_pages = sum(len(_artifacts(client, run)) for run in left)
    removed = (0, 0) if dry_run else (len(old) - len(left), len(pages) - left_pages)
    return [
        LocationResult(
            "Prefect's runs", days, seen=seen, old=len(old), removed=removed[0], left=len(left)
        ),
        LocationResult(
            "artifacts of those runs", days, old=len(pages), removed=removed[1], left=left_pages
        ),
    ]


def _ours() -> FlowFilter:
    return FlowFilter(name=FlowFilterName(any_=list(FLOWS)))


def _old_runs(client: SyncPrefectClient, before: datetime) -> list[FlowRun]:
    ended = FlowRunFilter.model_validate({"end_time": FlowRunFilterEndTime(before_=before)})
    found: list[FlowRun] = []
    while True:
        page = client.read_flow_runs(
            flow_filter=_ours(), flow_run_filter=ended, limit=PAGE, offset=len(found)
        )
        found += page
        if len(page) < PAGE:
            return found


def _artifacts(client: SyncPrefectClient, run: FlowRun) -> list[Artifact]:
    of_run = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    return client.read_artifacts(artifact_filter=of_run, limit=PAGE)


def _gone(delete: Callable[[UUID], None], thing: FlowRun | Artifact) -> None:
    with suppress(ObjectNotFound):  # the server's own vacuum was faster
        delete(thing.id)
