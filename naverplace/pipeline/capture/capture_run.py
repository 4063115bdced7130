"""Capturing a run: its notes become a bundle, under pseudonyms before anything is written.

A capture is never worth a run: whatever goes wrong with it is one line of the report.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.domain.effects import SendSms
from naverplace.domain.results import ActionResult
from naverplace.pipeline.capture.bundle import Outputs, Sent
from naverplace.pipeline.capture.due_times import due_of
from naverplace.pipeline.capture.inputs import DecisionKey, Inputs
from naverplace.pipeline.capture.recorder import Noted
from naverplace.pipeline.capture.versions import rules_version, settings_version
from naverplace.pipeline.capture.write_bundle import keep
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.step_results import DecisionResult
from naverplace.quality import frames
from naverplace.quality.validation import ValidationResult
from naverplace.redaction.redactor import describe
from naverplace.reporting.report import RunReport

log = logging.getLogger(__name__)
FIGURES = (
    *("door", "dry_run", "status", "balanced", "bookings_confirmed", "bookings_completed"),
    *("quarantined", "planned", "messages", "outcomes", "notices", "writes", "writes_by_action"),
    *("phases", "seconds", "memory_mb", "adopted", "settled", "bookings_decided"),
)


def captured(
    run: RunContext,
    report: RunReport,
    *,
    validated: ValidationResult | None,
    decided: DecisionResult | None,
    results: Sequence[ActionResult],
) -> RunReport:
    """Write the run's bundle if capture is on; a bundle that is not written is a problem line.

    The run's status stays: the messages are out, and nobody waits for a bundle.
    """
    noted = run.noted
    if noted is None or validated is None or decided is None:
        return report
    try:
        with run.watch.phase("capture"):
            problem = noted.problem
            if not problem:
                inputs = inputs_of(run, noted, left_out=decided.halts)
                outputs = _outputs(run, noted, report, validated, decided, results)
                log.info("captured: %s", keep(run.settings, inputs, outputs, run.fields))
    except Exception as error:
        log.exception("no bundle of run %s", run.run_id)
        problem = describe(error)
    if not problem:
        return report
    count = sum(map(len, (*noted.confirmed.values(), *noted.completed.values())))
    line = f"capture: this run is in no bundle ({count} bookings): {problem}"
    return replace(report, problems=(*report.problems, line))


def _outputs(
    run: RunContext,
    noted: Noted,
    report: RunReport,
    validated: ValidationResult,
    decided: DecisionResult,
    results: Sequence[ActionResult],
) -> Outputs:
    return Outputs(
        sends=tuple(_sends(decided, results, starts_of(validated), run.now)),
        results=_counted(results),
        figures=_figures(report),
        left_out=_left_out(run, noted, decided.halts),
    )


def inputs_of(run: RunContext, noted: Noted, *, left_out: Collection[str]) -> Inputs:
    """Put a run's notes together, real people still in them; stores in the run's order."""
    stores = [s for s in run.stores if s in noted.confirmed and s not in left_out]
    return Inputs(
        run_id=run.run_id,
        now=run.now.astimezone(SEOUL),
        store_ids=tuple(stores),
        confirmed=[raw for store_id in stores for raw in noted.confirmed[store_id]],
        completed=[raw for store_id in stores for raw in noted.completed[store_id]],
        items={key: item for key, item in noted.items.items() if key.store_id in stores},
        rules_version=rules_version(run.settings.rules_dir),
        settings_version=settings_version(run.settings),
    )


def starts_of(validated: ValidationResult) -> dict[str, datetime]:
    """Give the start of every booking that passed the gates, by its number."""
    return {
        booking.booking_num: booking.start
        for checked in validated.stores
        for booking in frames.to_bookings(checked.good)
    }


def _sends(
    decided: DecisionResult,
    results: Sequence[ActionResult],
    starts: Mapping[str, datetime],
    now: datetime,
) -> list[Sent]:
    """List the messages owed with their outcome, matched by booking and kind."""
    ended = {(r.booking_num, r.kind): r for r in results if r.action == "send_sms"}
    sends = []
    for effect in decided.decisions.effects:
        if not isinstance(effect, SendSms):
            continue
        number = effect.key.booking_num
        start = effect.for_start or starts.get(number) or effect.due or now
        result = ended.get((number, effect.kind))
        sends.append(
            Sent(
                DecisionKey(number, effect.kind, due_of(effect.kind, start, now)),
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
    counts = Counter((r.action, r.outcome.value) for r in results)
    counted: dict[str, dict[str, int]] = {}
    for (action, outcome), count in sorted(counts.items()):
        counted.setdefault(action, {})[outcome] = count
    return counted


def _figures(report: RunReport) -> dict[str, Any]:
    whole = asdict(report)
    problems = {"problems": len(report.problems), "contradictions": len(report.contradictions)}
    return {name: whole[name] for name in FIGURES} | problems


def _left_out(run: RunContext, noted: Noted, halts: Collection[str]) -> dict[str, str]:
    """Say for every store of the run that is not in the bundle why: never in a text of its own."""
    unread = {s: "could not be read" for s in run.stores if s not in noted.confirmed}
    return unread | dict.fromkeys(halts, "stopped by the breaker")
