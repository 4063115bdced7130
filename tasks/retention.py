"""The steps of a retention as Prefect tasks; each may be repeated, for what is gone is gone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from prefect.artifacts import create_table_artifact

from naverplace.jobs.retention.job import OldRecords, Retention
from naverplace.jobs.retention.policy import Listed
from naverplace.jobs.retention.result import LocationResult, RetentionResult
from naverplace.pipeline.notify_owner import tell
from tasks.prefect_history import forget_history
from tasks.settings import open_settings
from tasks.task_decorators import library_task, scrubbed


@scrubbed
def prepare(*, dry_run: bool) -> Retention:
    """Load settings and stores; not a task, since nothing outside is asked."""
    return Retention(open_settings(), dry_run=dry_run)


@library_task("look", retries=2, wait=30.0)
def look(job: Retention) -> OldRecords:
    """Read the whole ledger."""
    return job.look()


@library_task("ask-naver", retries=2, wait=60.0)
def ask(job: Retention, looked: OldRecords) -> Listed:
    """Ask which of the old bookings Naver still lists."""
    return job.ask(looked)


@library_task("forget-bookings", retries=2, wait=30.0)
def bookings(job: Retention, looked: OldRecords, listed: Listed) -> LocationResult:
    """Forget the bookings whose time is over."""
    return job.bookings(looked, listed)


@library_task("forget-session-items", retries=2, wait=30.0)
def session_items(job: Retention) -> list[LocationResult]:
    """Drop the phones of messages that nobody has settled for so long, and old counters."""
    return [job.open_messages(), job.contacts(), job.phone_counters()]


@library_task("remove-files", retries=2, wait=30.0)
def files(job: Retention) -> list[LocationResult]:
    """Remove old reports, pages and captured runs."""
    return [*job.files(), job.bundles()]


@library_task("remove-history", retries=2, wait=30.0)
def history(job: Retention) -> list[LocationResult]:
    """Remove old runs of ours from Prefect's own history."""
    days = job.settings.retention.history_days
    return forget_history(before=job.history_before, days=days, dry_run=job.dry_run)


@library_task("report")
def report(job: Retention, places: Sequence[LocationResult]) -> RetentionResult:
    """Publish the counts, and tell the owner when something is left."""
    done = job.sum_up(places)
    create_table_artifact(
        key="retention",
        table=done.rows(),
        description="Personal data by place; docs/privacy.md says where it can be and for how long",
    )
    problems = () if job.dry_run else tell(job.settings, done.look(job.now)).problems
    telling = [LocationResult("telling", 0.0, problems=problems)] if problems else []
    return replace(done, places=(*done.places, *telling))
