"""Why a booking got, or did not get, a message: every rule's verdict in words."""

from __future__ import annotations

import uuid

from naverplace.base.errors import Permanent
from naverplace.domain.effects import store_of_booking
from naverplace.domain.results import Decisions
from naverplace.pipeline import context, steps
from naverplace.settings.schema import Settings


def explain_booking(settings: Settings, booking_num: str) -> list[str]:
    """Read the booking's store now and put every verdict in words; sends and writes nothing.

    Raises Permanent when the booking is in neither list, NaverPlaceError when it cannot be read.
    """
    store_id = store_of_booking(booking_num)
    run = context.open_run(
        settings, run_id=f"explain-{uuid.uuid4()}", door="cli", dry_run=True, only=[store_id]
    )
    session = steps.restore_session(run)
    validated = steps.check_quality(run, [steps.read_store(run, session, store_id)])
    for row in (q for c in validated.stores for q in c.quarantined):
        if row.booking_id == booking_num.partition("_")[2]:
            return [f"{booking_num} is quarantined: {'; '.join(row.reasons)}"]
    decided = steps.decide(run, validated)
    stopped = [c.reason for c in validated.stores if c.stopped]
    for reason in [*stopped, *(halt.reason for halt in decided.halts.values())]:
        return [f"store {store_id} is stopped: {reason}"]
    lines = verdict_lines(decided.decisions, booking_num)
    if not lines:
        raise Permanent(
            f"booking {booking_num!r} is neither among the confirmed bookings of store {store_id} "
            f"nor among those completed in the last {settings.naver.completed_lookback_days} days"
        )
    return lines


def verdict_lines(decisions: Decisions, booking_num: str) -> list[str]:
    """Put one booking's verdicts in words, in the order of the rules."""
    lines = []
    for verdict in (v for v in decisions.verdicts if v.booking_num == booking_num):
        seen = ", ".join(f"{name}={value}" for name, value in verdict.observed.items())
        said = "fires" if verdict.fired else f"no: {verdict.failed_condition}"
        lines.append(f"{verdict.rule}: {said}" + (f" ({seen})" if seen else ""))
    return lines
