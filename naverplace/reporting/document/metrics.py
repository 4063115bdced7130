"""What the run cost, and when each of its steps was under way."""

from __future__ import annotations

from collections.abc import Iterator

from naverplace.reporting.document.view import View, moment
from naverplace.reporting.summary import table
from naverplace.reporting.thresholds import NOT_MEASURED

HOW = {
    "Total Duration": "wall clock, from the start until the owner was told",
    "API Call Duration": "wall clock, all stores side by side, pauses included",
    "DynamoDB Operations": "wall clock while a call was under way",
    "SMS Sending": "wall clock while a call was under way, repeats included",
    "Notification Sending": "wall clock while a call was under way, Telegram and Slack",
    "Memory Peak": "the process, without Chromium",
    "Memory Efficiency": "peak of what was allocated",
}


def performance(view: View) -> str:
    """Write the table of thresholds: each figure judged as it is shown."""
    rows = [
        [f"**{row.metric}**", row.value, row.mark, row.threshold, HOW[row.metric]]
        for row in view.judged
    ]
    head = ["Metric", "Value", "Status", "Threshold", "How it was measured"]
    return "## Performance Metrics\n\n" + table(head, rows)


def log_analysis(view: View) -> str:
    """Write the run's key entries with the times at which they really happened."""
    report = view.report
    errors = [f"- {count} x {error}" for error, count in report.errors.items()]
    lines = [
        "## Log Analysis\n",
        f"### Run `{report.run_id}`\n",
        "**Key Entries:** (times of Seoul with their offset, measured by the run's own stopwatch)",
        "```",
        *(f"[{moment(view.at(seconds))}] {words}" for seconds, words in _in_order(view)),
        "```\n",
        f"**Error Entries:** {len(errors) or 'None'}",
        *errors,
    ]
    return "\n".join(lines)


def _in_order(view: View) -> list[tuple[float, str]]:
    """Sort the entries by time alone, so that START and END keep their ends."""
    return sorted(_entries(view), key=lambda entry: entry[0])


def _entries(view: View) -> Iterator[tuple[float, str]]:
    report = view.report
    yield 0.0, f"START RunId: {report.run_id}"
    for phase, (begin, end) in report.spans.items():
        began, ended = _words(view, phase)
        if began:
            yield begin, f"INFO: {began}"
        yield end, f"INFO: {ended}"
    yield report.seconds, f"END RunId: {report.run_id}"
    allocated = f"{report.allocated_mb:g} MB" if report.allocated_mb else NOT_MEASURED
    yield (
        report.seconds,
        f"REPORT Duration: {report.seconds * 1000:.1f} ms\tMemory Used: {report.memory_mb:.1f} MB"
        f"\tMemory Size: {allocated}",
    )


def _words(view: View, phase: str) -> tuple[str, str]:
    """Word the begin and the end of a phase; only an end for the short ones."""
    report = view.report
    session = "logged in" if report.browser_opened else "cached cookies"
    return {
        "session": ("Asking for Naver's session", f"Naver session done ({session})"),
        "booking api": (
            f"Fetching bookings from {len(report.stores)} stores",
            f"Bookings fetched: RC03={report.bookings_confirmed}, RC08={report.bookings_completed}",
        ),
        "quality": ("", f"Quality checked: quarantined={report.quarantined}"),
        "decide": ("", f"Messages decided: planned={sum(report.planned.values())}"),
        "delivery": (
            "Delivery begins",
            f"SMS sent: total={view.sent}, failures={view.not_accepted}; writes={report.writes}",
        ),
        "notifications": ("Sending notifications", "Notifications done"),
    }.get(phase, ("", f"Done: {phase}"))
