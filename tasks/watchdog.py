"""The steps of a watch as Prefect tasks; both may be repeated, for none sends a text."""

from __future__ import annotations

from prefect.artifacts import create_table_artifact

from naverplace.jobs.watchdog.job import Watchdog
from naverplace.jobs.watchdog.late_messages import WatchdogCheck
from naverplace.redaction.redactor import REDACTOR
from tasks.settings import open_settings
from tasks.task_decorators import library_task, scrubbed


@scrubbed
def prepare() -> Watchdog:
    """Load settings and rules; not a task, since nothing outside is asked."""
    return Watchdog(open_settings())


@library_task("look", retries=2, wait=10.0)
def look(dog: Watchdog) -> WatchdogCheck:
    """Read the ledger."""
    return dog.look()


@library_task("alert or ping")
def alert_or_ping(dog: Watchdog, seen: WatchdogCheck) -> WatchdogCheck:
    """Tell what is new; the artifact has everything that is late."""
    result = dog.alert_or_ping(seen)
    rows = [late.row() for late in seen.overdue]
    stores = [(store_id, "no run reads this store") for store_id in seen.silent]
    stores += [
        (store_id, f"the legacy has not sent {count} guides: is it dead?")
        for store_id, count in seen.missed_by_legacy.items()
    ]
    rows += [{"store_id": s, "booking": "", "kind": "", "why": why} for s, why in stores]
    create_table_artifact(
        key="watchdog",
        table=[
            {k: REDACTOR.scrub(v) if isinstance(v, str) else v for k, v in row.items()}
            for row in rows
        ],
        description="What is late; docs/runbook.md says what to do",
    )
    return result
