"""What the run meant for the outside services, and for the customers of each store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from naverplace.domain.effects import CHANNELS
from naverplace.reporting.document.view import GOOD, View, mark
from naverplace.reporting.thresholds import NOT_MEASURED


def integration(view: View) -> str:
    """Write how each service was met; only what was seen from here."""
    parts = ["## Integration Verification"]
    parts.append(
        "### Upstream: Trigger (not measured)\n"
        "- Who started the run, and when it should have started, is not known to it"
    )
    for title, lines in (
        ("SENS SMS API", _sens(view)),
        ("DynamoDB", _dynamodb(view)),
        *((f"{name.capitalize()} API", _channel(view, name)) for name in CHANNELS),
    ):
        holds, *told = lines
        parts.append("\n".join([f"### Downstream: {title} {mark(holds)}", *map(str, told)]))
    return "\n\n".join(parts)


def _sens(view: View) -> list[Any]:
    outcomes, check = view.report.outcomes, view.check
    asked = sum(outcomes.values())
    lines: list[Any] = [None if not asked else not view.not_accepted]
    lines.append(f"- Accepted by SENS: {view.sent}")
    if check is None or check.log is None:
        return [*lines, f"- Looked up in SENS's own log: {NOT_MEASURED} {_why_not(view)}".rstrip()]
    lines.append(f"- Found in SENS's own log: {sum(check.log.values())}")
    return [*lines, f"- Too young for SENS's log: {check.not_yet}"]


def _why_not(view: View) -> str:
    check = view.check
    if check and check.why_not:
        return f"({'; '.join(check.why_not)})"
    return "(nothing was sent)" if not view.sent else ""


def _dynamodb(view: View) -> list[Any]:
    calls = view.report.calls.get("dynamodb")
    if not calls or not calls["count"]:
        return [None, f"- Calls: {NOT_MEASURED if not calls else 0}"]
    # The run would have failed on a table that does not answer.
    good = bool(view.report.stores) and not view.report.outcomes.get("failed")
    return [
        good,
        f"- Calls: {calls['count']:.0f}",
        f"- Write operations: {view.report.writes}",
    ]


def _channel(view: View, name: str) -> list[Any]:
    calls = view.report.calls.get(name)
    lost = any(f"did not reach {name}" in problem for problem in view.report.problems)
    if not calls or not calls["count"]:
        return [False if lost else None, f"- Calls: {NOT_MEASURED if not calls else 0}"]
    took = "no" if lost else "yes"
    return [
        not lost,
        f"- Calls: {calls['count']:.0f}",
        f"- The service took the summary: {took}",
        f"- Read by a person: {NOT_MEASURED}",
    ]


def customer_impact(view: View) -> str:
    """Write one line for each store, their total, and what went wrong for customers."""
    report = view.report
    lines = ["## Customer Impact Assessment\n", "### SMS Delivery Verification"]
    lines += [_store(view, store) for store in report.stores]
    served = view.served()
    active = sum(bool(view.served(store["store_id"])) for store in report.stores)
    bookings = NOT_MEASURED if served is None else f"{served} bookings processed"
    busy = "" if served is None else f", {active} of them with messages owed"
    lines.append(
        f"\n**Total: {len(report.stores)} stores processed{busy}, {bookings}, "
        f"{view.sent} SMS sent, {view.not_accepted} failures**\n"
    )
    lines.append(f"### Customer Disruption {mark(not list(_disruptions(view)))}")
    lines += list(_disruptions(view)) or ["- No message was refused, lost, too late or in doubt"]
    lines.append(f"- SLA of each message: {NOT_MEASURED} (SENS tells when it has delivered)")
    return "\n".join(lines)


def _store(view: View, store: Mapping[str, Any]) -> str:
    sent = sum(store["messages"].values())
    bad = sum(n for outcome, n in store["outcomes"].items() if outcome not in GOOD)
    served = view.served(store["store_id"])
    bookings = "" if served is None else f"{served} bookings processed, "
    problem = f"; problem: {store['problem']}" if store["problem"] else ""
    return (
        f"- **Store {store['store_id']} ({store['alias']}):** {bookings}{sent} SMS sent; "
        f"RC03 {store['confirmed']}, RC08 {store['completed']}, "
        f"quarantined {store['quarantined']}, not accepted {bad} "
        f"{mark(not bad and not store['problem'])}{problem}"
    )


def _disruptions(view: View) -> Iterator[str]:
    outcomes = view.report.outcomes
    for outcome in ("refused", "in_doubt", "failed"):
        if count := outcomes.get(outcome, 0):
            yield f"- Messages {outcome.replace('_', ' ')}: {count}"
    for row in view.report.expired:
        yield f"- {row['kind']} of booking {row['booking']} came too late: {row['reason']}"
    for store in view.report.stores:
        if store["problem"]:
            yield f"- Customers of {store['alias']} ({store['store_id']}) were not served"
