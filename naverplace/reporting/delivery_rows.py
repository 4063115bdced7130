"""Every message of a run, one row each: what was owed, and how it ended; pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from naverplace.domain.effects import CreateRecord, SendSms
from naverplace.domain.results import ActionResult
from naverplace.reporting.run_facts import RunFacts

NOT_SENT = "not_sent"  # a dry run, or a run that broke off before it


def delivery_rows(facts: RunFacts) -> Iterator[dict[str, Any]]:
    """List every message that was owed or sent; no phone, name or text."""
    new = {e.key for e in facts.decisions.effects if isinstance(e, CreateRecord)}
    ended: dict[tuple[str, str, str], list[ActionResult]] = {}
    for result in facts.results:
        if result.action == "send_sms":
            name = (result.booking_num, result.kind, result.store_id)
            ended.setdefault(name, []).append(result)
    for effect in facts.decisions.effects:
        if not isinstance(effect, SendSms):
            continue
        booking = effect.key.booking_num
        found = ended.get((booking, effect.kind, effect.store_id))
        yield {
            "booking": booking,
            "store_id": effect.store_id,
            "kind": effect.kind,
            "new": effect.key in new,
            "planned": True,
            **_end(found.pop(0) if found else None),
        }
    for (booking, kind, store_id), results in ended.items():
        for unplanned in results:  # a contradiction, but it happened
            row = {"booking": booking, "store_id": store_id, "kind": kind, "new": False}
            yield {**row, "planned": False, **_end(unplanned)}


def _end(result: ActionResult | None) -> dict[str, Any]:
    return {
        "outcome": result.outcome.value if result else NOT_SENT,
        "request_id": result.request_id if result else "",
        "seconds": round(result.seconds, 3) if result else 0.0,
    }
