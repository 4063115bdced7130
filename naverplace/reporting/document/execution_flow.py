"""The execution flow of a run in its seven steps, as far as it was measured."""

from __future__ import annotations

from collections.abc import Iterator

from naverplace.domain.effects import CHANNELS
from naverplace.reporting.document.view import UNSENT, View, mark
from naverplace.reporting.thresholds import NOT_MEASURED

_NOT_ACCEPTED = ("refused", "in_doubt", "failed")


def execution_flow(view: View) -> str:
    """Write the seven steps; a step is ticked only when the run shows that it went well."""
    steps = (_initialised, _authenticated, _fetched, _processed, _written, _notified, _handled)
    parts = ["## Execution Flow Verification"]
    for number, step in enumerate(steps, 1):
        title, *lines = step(view)
        parts.append("\n".join([f"### {number}. {title}", *lines]))
    return "\n\n".join(parts)


def _initialised(view: View) -> Iterator[str]:
    rules = view.report.rules
    yield f"Initialization {mark(True)}"
    yield "- Settings, rules, templates and stores were read and found right before any call"
    yield f"- Rules enabled: {NOT_MEASURED if rules is None else rules}"


def _authenticated(view: View) -> Iterator[str]:
    known = any(not store["problem"] for store in view.report.stores)
    yield f"Naver Authentication {mark(True if known else False if view.failed else None)}"
    if known and not view.report.browser_opened:
        yield "- Session retrieved from DynamoDB (cached cookies), good by one question to Naver"
    elif known:
        yield "- Logged in with a browser, or checked the session in one"
    else:
        yield "- No store was read, so that the session is not proved good"
    yield f"- Time until the session was good: {_span(view, 'session')}"


def _fetched(view: View) -> Iterator[str]:
    report = view.report
    broken = [store for store in report.stores if store["problem"]]
    yield f"Booking Data Fetching {mark(None if not report.stores else not broken)}"
    yield f"- Called Naver Booking API for {len(report.stores)} stores"
    yield f"- Stores that could not be read or are stopped: {len(broken)}"
    yield f"- Retrieved {report.bookings_confirmed} active bookings (RC03 - confirmed status)"
    yield f"- Retrieved {report.bookings_completed} completed bookings (RC08 - completed status)"
    yield f"- Quarantined bookings (broken data, nothing is sent for them): {report.quarantined}"


def _processed(view: View) -> Iterator[str]:
    report = view.report
    well = None if report.dry_run else not view.not_accepted
    yield f"SMS Processing {mark(well)}"
    yield f"- Total messages owed: {sum(report.planned.values())}"
    for group in view.groups:
        sent = group.outcomes.get("accepted", 0)
        yield f"- **{group.title}:** {group.planned} detected"
        if report.dry_run:
            yield "  - Dry run: nothing was sent"
            continue
        yield f"  - Sent {group.kind} SMS: {sent}/{group.planned} success"
        for outcome, count in group.outcomes.items():
            if outcome != "accepted":
                yield f"  - {_words(outcome)}: {count}"
    if view.report.expired:
        yield f"- **Too late to be sent, never accepted:** {len(view.report.expired)}"


def _words(outcome: str) -> str:
    return {
        "adopted": "Found accepted from an earlier try",
        "skipped": "Skipped (not needed any more, or left to another run)",
        "in_doubt": "In doubt",
        UNSENT: "Not tried",
    }.get(outcome, outcome.capitalize())


def _written(view: View) -> Iterator[str]:
    report, check = view.report, view.check
    counted = check.table if check else None
    yield f"DynamoDB Updates {mark(not any('write' in c for c in view.contradictions))}"
    yield f"- Table: `sms` - {report.writes} write operations"
    for action, count in report.writes_by_action.items():
        yield f"  - {action}: {count}"
    if counted is not None:
        yield f"- Messages of this run found in the table: {sum(counted.values())}"
    yield f"- Response time: {view.response_time('dynamodb')}"
    yield f"- Throttling: {NOT_MEASURED} (botocore repeats such calls by itself)"


def _notified(view: View) -> Iterator[str]:
    report, check = view.report, view.check
    reached = not any("did not reach" in problem for problem in report.problems)
    yield f"Notification Sending {mark(reached and not view.not_accepted)}"
    yield ""
    yield "#### SMS via SENS API"
    yield f"- Total SMS sent: {view.sent}"
    yield f"- Found accepted from an earlier try: {report.outcomes.get('adopted', 0)}"
    yield f"- Not accepted: {view.not_accepted}"
    for outcome in _NOT_ACCEPTED:
        if count := report.outcomes.get(outcome, 0):
            yield f"  - {_words(outcome)}: {count}"
    yield f"- Delivered to the phones: {_delivered(view)}"
    yield f"- SENS API response time: {view.response_time('sms')}"
    yield "- Provider: Naver Cloud SENS; status 202 is an acceptance, not a delivery"
    for name in CHANNELS:
        lost = any(f"did not reach {name}" in problem for problem in report.problems)
        calls = report.calls.get(name)
        yield ""
        yield f"#### {name.capitalize()} Notification"
        if calls and calls["count"]:
            yield f"- Delivery: {'FAILED ❌' if lost else 'accepted ✅'}"
        else:
            yield f"- Delivery: {'FAILED ❌' if lost else 'nothing was sent'}"
        yield f"- Response time: {view.response_time(name)}"
    if check and check.not_yet:
        yield f"\n{check.not_yet} messages are too young for SENS's log; the reconciliation looks."


def _delivered(view: View) -> str:
    if not view.check or view.check.log is None:
        return NOT_MEASURED
    ends = view.check.ends
    return (
        f"{ends.get('delivered', 0)} by SENS's log so far, {ends.get('failed', 0)} undelivered, "
        f"{ends.get('open', 0)} still under way"
    )


def _handled(view: View) -> Iterator[str]:
    report = view.report
    yield f"Error Handling {mark(not report.problems and not view.contradictions)}"
    yield f"- Problems: {len(report.problems)}"
    yield f"- Contradictions: {len(view.contradictions)}"
    yield f"- Messages in doubt: {len(report.unsettled)}"


def _span(view: View, phase: str) -> str:
    span = view.report.spans.get(phase)
    return f"{span[1] - span[0]:.3f}s" if span else NOT_MEASURED
