"""Do the measured parts of a run fit the log's entries around them, and the whole?"""

from __future__ import annotations

from collections.abc import Iterator

from naverplace.audit.clockwork import entries, entry, metric, seconds, seconds_between
from naverplace.audit.findings import Finding, told, unshown
from naverplace.audit.reading import Summary


def check_steps(summary: Summary) -> Iterator[Finding]:
    """Compare each measured part with the log's entries around it, and their sum with the whole."""
    log = entries(summary)
    api, sms = metric(summary, "API Call Duration"), metric(summary, "SMS Sending")
    windows = (
        (api, r"Fetching bookings", r"Bookings fetched", "reading the bookings"),
        (
            summary.first(r"Time until the session was good:\s*(?P<n>[\d.]+)s"),
            r"Asking for Naver's session",
            r"Naver session done",
            "opening the session",
        ),
        (sms, r"Processing new bookings|Delivery begins", r"SMS sent", "sending the messages"),
        (
            metric(summary, "Notification Sending"),
            r"Sending notifications",
            r"Notifications done|integrations successful",
            "telling the owner",
        ),
    )
    for value, begins, ends, what in windows:
        begin, end = entry(log, begins), entry(log, ends)
        if value and begin and end:
            span = seconds_between(begin, end)
            holds = value.value <= span + 0.0551
            words = (
                f"{what}: {seconds(value.value)} by the table, {'within' if holds else 'but'} "
                f"{seconds(span)} by the log"
            )
            yield told(holds, "step and log", words, [value.line, begin.line, end.line])
    yield from _parts(summary)


def _parts(summary: Summary) -> Iterator[Finding]:
    names = ("API Call Duration", "DynamoDB Operations", "SMS Sending", "Notification Sending")
    parts = [figure for name in names if (figure := metric(summary, name))]
    whole = metric(summary, "Total Duration")
    if not whole or not parts:
        return
    longest = max(parts, key=lambda part: part.value)
    words = f"no part is longer than the whole: {seconds(longest.value)} of {seconds(whole.value)}"
    yield told(longest.value <= whole.value, "parts", words, [longest.line, whole.line])
    rest = whole.value - sum(part.value for part in parts)
    if rest > whole.value / 2 and whole.value > 60:
        words = (
            f"{seconds(rest)} of {seconds(whole.value)} are in none of the measured parts "
            f"({' + '.join(f'{part.value:g}' for part in parts)} = {whole.value - rest:g} s)"
        )
        yield unshown("parts", words, whole.line, *(part.line for part in parts))
