"""A run's report, gathered from what its steps gave; every text is scrubbed on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from naverplace.delivery.in_doubt import InDoubtMessage
from naverplace.domain.results import ActionResult, Decisions
from naverplace.naver.session import NaverSession
from naverplace.pipeline.capture.capture_run import capture_run
from naverplace.pipeline.check_sent import check_sent
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.measurements import collect_measurements
from naverplace.pipeline.step_results import DecisionResult, StoreBatch
from naverplace.quality.circuit_breaker import Halt
from naverplace.quality.validation import ValidatedStore, ValidationResult
from naverplace.redaction.redactor import REDACTOR
from naverplace.reporting.report import RunReport, make_report
from naverplace.reporting.run_facts import RunFacts, StoreFacts


def build_report(
    run: RunContext,
    *,
    session: NaverSession | None,
    batches: Sequence[StoreBatch] = (),
    validated: ValidationResult | None = None,
    decided: DecisionResult | None = None,
    results: Sequence[ActionResult] = (),
    doubts: Sequence[InDoubtMessage] = (),
    failure: str = "",
) -> RunReport:
    """Sum up what happened, with every text scrubbed of secrets and phones."""
    decisions = decided.decisions if decided else Decisions((), ())
    crosscheck = check_sent(run, decisions, results)
    by_store = {c.store_id: c for c in validated.stores} if validated else {}
    halts = decided.halts if decided else {}
    owners = decided.owners if decided else {}
    facts = RunFacts(
        run_id=run.run_id,
        door=run.door,
        now=run.now,
        dry_run=run.dry_run,
        stores=tuple(
            replace(
                _store_facts(run, b, by_store.get(b.store_id), halts.get(b.store_id)),
                owner=owners[b.store_id].owner if b.store_id in owners else "",
            )
            for b in batches
        ),
        rules=run.rulebook.enabled_names,
        bookings_decided=decided.bookings if decided else 0,
        decisions=decisions,
        results=tuple(results),
        browser_opened=session is not None and session.browser_opened,
        table_writes=run.table.records.writes,
        failure=REDACTOR.scrub(failure),
        doubts=tuple(doubts),
        crosscheck=crosscheck,
        **collect_measurements(run),
    )
    report = make_report(facts)
    if run.captured is None or validated is None or decided is None:
        return report
    with run.watch.phase("capture"):
        return capture_run(
            run.captured,
            facts,
            report,
            validated,
            settings=run.settings,
            fields=run.fields,
            halted=decided.halts,
        )


def _store_facts(
    run: RunContext, batch: StoreBatch, checked: ValidatedStore | None, halt: Halt | None
) -> StoreFacts:
    quarantined: tuple[dict[str, Any], ...] = ()
    if checked:
        quarantined = tuple(q.as_row() for q in checked.quarantined)
    return StoreFacts(
        store_id=batch.store_id,
        alias=run.all_stores[batch.store_id].alias,
        confirmed=batch.confirmed,
        completed=batch.completed,
        passed=len(checked.good) if checked else 0,
        quarantined=quarantined,
        error=REDACTOR.scrub(batch.error),
        stopped=halt.reason if halt else checked.reason if checked and checked.stopped else "",
        told=halt.korean if halt else "",
        pages=batch.pages,
    )
