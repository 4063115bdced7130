"""The document's head: which run it was, who asked for it, and how it ended."""

from __future__ import annotations

from naverplace.reporting.document.view import View, moment
from naverplace.reporting.thresholds import NOT_MEASURED

DOORS = {
    "flow": "Prefect flow `process-bookings`",
    "lambda": "AWS Lambda handler",
    "cli": "command line (`naverplace run`)",
}


def headline(view: View) -> str:
    """Write title and first lines; FAILED when the run is, or when its figures do not balance."""
    report = view.report
    word = "FAILED ❌" if view.failed else "DRY RUN ✅" if report.dry_run else "SUCCESS ✅"
    lines = [
        f"# Run Summary: {word}\n",
        f"**Timestamp:** {moment(view.started)}  ",
        f"**Run:** `{report.run_id}`  ",
        f"**Invocation Type:** {DOORS.get(report.door, report.door)}  ",
        f"**Executor:** {NOT_MEASURED} (a run knows its door, not the person behind it)",
    ]
    return "\n".join(lines)


def invocation(view: View) -> str:
    """Write what was asked for and what came back."""
    report = view.report
    allocated = f"{report.allocated_mb:g} MB" if report.allocated_mb else None
    minutes, seconds = divmod(round(report.seconds), 60)
    length = f"{report.seconds:.3f} seconds ({minutes}m {seconds}s)"
    return "\n".join(
        [
            "## Invocation Details\n",
            "### Request",
            f"- **Door:** {DOORS.get(report.door, report.door)}",
            f"- **Event:** {NOT_MEASURED} (schedule, button and retry look the same to a run)",
            f"- **Payload:** dry run: {'yes' if report.dry_run else 'no'}; "
            f"stores: {len(report.stores)}",
            f"- **Concurrency:** {_others(view)}",
            f"- **Cold Start:** {NOT_MEASURED}",
            "",
            "### Response",
            f"- **Status:** {'FAILED ❌' if view.failed else 'SUCCESS ✅'}",
            f"- **Duration:** {length}",
            f"- **Memory Used:** {report.memory_mb:.1f} MB "
            + (f"(out of {allocated} allocated)" if allocated else f"(allocated: {NOT_MEASURED})"),
            f"- **Billed Duration:** {NOT_MEASURED} (only AWS's own REPORT line tells)",
            f"- **Initialization Duration:** {NOT_MEASURED}",
        ]
    )


def _others(view: View) -> str:
    skipped = view.report.outcomes.get("skipped", 0)
    if view.report.dry_run or not view.report.outcomes:
        return "no store was taken, since nothing was to be sent"
    return f"each store was sent for under its lease; {skipped} messages were skipped"
