"""Capturing a run: what it noted becomes a bundle, under pseudonyms before anything is written.

A capture is never worth a run: whatever goes wrong with it is one line of the report.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from naverplace.domain.extra_fields import Field
from naverplace.domain.results import ActionResult
from naverplace.pipeline.capture.bundle import CapturedMessage, Outputs
from naverplace.pipeline.capture.bundle_store import write_bundle
from naverplace.pipeline.capture.inputs import due_of
from naverplace.pipeline.capture.recorder import CapturedInputs
from naverplace.quality import frames
from naverplace.quality.validation import ValidationResult
from naverplace.redaction.redactor import describe
from naverplace.reporting.report import RunReport
from naverplace.reporting.run_facts import RunFacts
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
FIGURES = (
    *("door", "dry_run", "status", "balanced", "bookings_confirmed", "bookings_completed"),
    *("quarantined", "planned", "messages", "outcomes", "notices", "writes", "writes_by_action"),
    *("phases", "seconds", "memory_mb", "adopted", "settled", "bookings_decided"),
)


def capture_run(
    captured: CapturedInputs,
    facts: RunFacts,
    report: RunReport,
    validated: ValidationResult,
    *,
    settings: Settings,
    fields: Sequence[Field],
    halted: Collection[str],
) -> RunReport:
    """Write the run's bundle, without halted stores; one that is not written is a problem line.

    The run's status stays: the messages are out, and nobody waits for a bundle.
    """
    problem = captured.problem
    try:
        if not problem:
            stores = [store.store_id for store in facts.stores]
            bundled = [s for s in stores if s in captured.confirmed and s not in halted]
            inputs = captured.inputs(
                facts.run_id, facts.now, bundled, settings, facts.rulebook_version.id
            )
            outputs = Outputs(
                sends=tuple(_sends(facts, validated)),
                results=_counted(facts.results),
                figures={name: getattr(report, name) for name in FIGURES}
                | {name: len(getattr(report, name)) for name in ("problems", "contradictions")},
                # For every store that is not in the bundle why: never in a text of its own.
                left_out={s: "could not be read" for s in stores if s not in captured.confirmed}
                | dict.fromkeys(halted, "stopped by the breaker"),
            )
            log.info("captured: %s", write_bundle(settings, inputs, outputs, fields))
    except Exception as error:
        log.exception("no bundle of run %s", facts.run_id)
        problem = describe(error)
    if not problem:
        return report
    count = sum(map(len, (*captured.confirmed.values(), *captured.completed.values())))
    line = f"capture: this run is in no bundle ({count} bookings): {problem}"
    return replace(report, problems=(*report.problems, line))


def _sends(facts: RunFacts, validated: ValidationResult) -> list[CapturedMessage]:
    """List the messages owed with their outcome, matched by booking and kind."""
    bookings = (b for checked in validated.stores for b in frames.to_bookings(checked.good))
    starts = {booking.booking_num: booking.start for booking in bookings}
    ended = {(r.booking_num, r.kind): r for r in facts.sends}
    sends = []
    for effect in facts.owed:
        number = effect.key.booking_num
        start = effect.for_start or starts.get(number) or effect.due or facts.now
        result = ended.get((number, effect.kind))
        sends.append(
            CapturedMessage(
                booking_num=number,
                kind=effect.kind,
                due=due_of(effect.kind, start, facts.now),
                store_id=effect.store_id,
                rule=effect.rule,
                outcome=result.outcome.value if result else "",
                flag=effect.flag or "",
                type=effect.message_type,
                content_type=effect.content_type,
            )
        )
    return sends


def _counted(results: Sequence[ActionResult]) -> dict[str, dict[str, int]]:
    return {
        action: dict(Counter(sorted(r.outcome.value for r in results if r.action == action)))
        for action in sorted({r.action for r in results})
    }
