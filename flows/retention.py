"""Remove personal data whose time is over, once a day, and prove that none is left."""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from tasks import retention as tasks
from tasks.task_decorators import completed, failed, fails_with_message, name_of_tick


@flow(name="retention", flow_run_name=name_of_tick, timeout_seconds=60 * 60, persist_result=False)
@fails_with_message
def retention(dry_run: bool = False) -> State[dict[str, Any]]:
    """Remove what is older than the settings allow from every place, and count what is left.

    Args:
        dry_run: only count what would be removed.
    """
    job = tasks.prepare(dry_run=dry_run)
    looked = tasks.look(job)
    listed = tasks.ask(job, looked)
    places = [tasks.bookings(job, looked, listed), *tasks.session_items(job)]
    places += [*tasks.files(job), *tasks.history(job)]
    done = tasks.report(job, places)
    if done.problems or (done.left and not dry_run):
        return failed(
            f"{done.left} things are older than they may be, {len(done.problems)} problems: "
            "see the artifact retention"
        )
    return completed(done.as_json(), f"{sum(place.removed for place in done.places)}건 삭제")
