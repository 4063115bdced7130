"""What a run left in doubt, and what it found to be too late; for its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from naverplace.base.clock import SEOUL
from naverplace.delivery.in_doubt import InDoubtMessage, Resolution
from naverplace.domain.effects import MarkExpired
from naverplace.domain.results import ActionResult, Outcome
from naverplace.reporting.run_facts import RunFacts

IN_RUN = "in_run"  # the delivery of this very run left it


def count_resolutions(facts: RunFacts) -> dict[str, int]:
    """Count the doubts of this run by what became of them."""
    ended = Counter(d.resolution.value for d in facts.doubts if d.resolution.is_final)
    ended.update(d.resolution.value for d in still_in_doubt(facts))
    ended.update(r.settled for r in facts.results if r.settled)
    return dict(ended)


def still_in_doubt(facts: RunFacts) -> list[InDoubtMessage]:
    """List the doubts of earlier runs that neither this run's start nor its delivery has ended."""
    met = {(r.booking_num, r.kind) for r in _sends(facts)}
    return [
        doubt
        for doubt in facts.doubts
        if not doubt.resolution.is_final
        and doubt.resolution is not Resolution.RESOLVED_BY_OTHER_RUN
        and (doubt.claim.key.booking_num, doubt.claim.kind) not in met
    ]


def in_doubt_rows(facts: RunFacts) -> Iterator[dict[str, str]]:
    """List what nobody can tell yet whether it was sent; no phone, no name."""
    for doubt in still_in_doubt(facts):
        yield doubt.row()
    for result in _sends(facts):
        if result.outcome is Outcome.IN_DOUBT:
            yield {
                "booking": result.booking_num,
                "kind": result.kind,
                "settled": IN_RUN,
                "since": facts.now.isoformat(timespec="seconds"),
                "run_id": facts.run_id,
                "request_id": result.request_id,
                "why": result.message,
            }


def expired_rows(facts: RunFacts) -> Iterator[dict[str, str]]:
    """List what was owed and can not be sent any more, each once: by the run that notes it."""
    noted = {
        (r.booking_num, r.kind)
        for r in facts.results
        if r.action == "mark_expired" and r.outcome is Outcome.WRITTEN
    }
    for effect in facts.decisions.effects:
        if isinstance(effect, MarkExpired) and (effect.key.booking_num, effect.kind) in noted:
            yield {
                "booking": effect.key.booking_num,
                "store_id": effect.store_id,
                "kind": effect.kind,
                "due": _minute(effect.due),
                "expires": _minute(effect.expires),
                "reason": effect.reason,
            }


def _minute(moment: datetime | None) -> str:
    return f"{moment.astimezone(SEOUL):%Y-%m-%d %H:%M}" if moment else ""


def _sends(facts: RunFacts) -> list[ActionResult]:
    return [r for r in facts.results if r.action == "send_sms"]
