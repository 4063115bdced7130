"""Ask the ledger every ten minutes whether a message is late, beside the runs that send."""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from tasks import watchdog as tasks
from tasks.task_decorators import StepFailed, completed, failed, fails_with_message, name_of_tick


@flow(name="watchdog", flow_run_name=name_of_tick, timeout_seconds=5 * 60, persist_result=False)
@fails_with_message
def watchdog() -> State[dict[str, Any]]:
    """Tell the alert channels what is late and which store nobody reads; ping when all is fine."""
    dog = tasks.prepare()
    try:
        seen = tasks.look(dog)
    except StepFailed as failure:
        dog.tell_failure(failure.trouble, str(failure))
        raise
    result = tasks.alert_or_ping(dog, seen)
    if not seen.fine or result.problems:
        return failed(
            f"{len(seen.overdue)} messages are late, {len(seen.silent)} stores are not read, "
            f"{sum(seen.missed_by_legacy.values())} guides are missed by the legacy, "
            f"{len(result.problems)} problems: see the artifact watchdog"
        )
    return completed(result.as_json(), "늦은 문자 없음")
