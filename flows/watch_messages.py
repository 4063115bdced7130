"""Ask the ledger every ten minutes whether a message is late, beside the runs that send."""

from __future__ import annotations

from typing import Any

from prefect import flow

from tasks import watchdog as tasks
from tasks.task_decorators import StepFailed, fails_with_message


@flow(name="watchdog", timeout_seconds=5 * 60, persist_result=False)
@fails_with_message
def watchdog() -> dict[str, Any]:
    """Tell the alert channels what is late and which store nobody reads; ping when all is fine."""
    dog = tasks.prepare()
    seen = tasks.look(dog)
    result = tasks.alert_or_ping(dog, seen)
    if not seen.fine or result.problems:
        raise StepFailed(
            f"{len(seen.overdue)} messages are late, {len(seen.silent)} stores are not read, "
            f"{sum(seen.missed_by_legacy.values())} guides are missed by the legacy, "
            f"{len(result.problems)} problems: see the artifact watchdog"
        )
    return result.as_json()
