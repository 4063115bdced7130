"""A run's report, gathered from what its steps gave; every text is scrubbed on the way."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

from naverplace.base.errors import NaverPlaceError
from naverplace.delivery.in_doubt import SIGNATURE_LIFE
from naverplace.domain.effects import RecordKey, SendSms
from naverplace.domain.results import ActionResult, Decisions, Outcome
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.messaging.sens import SensClient, read_requests
from naverplace.pipeline import forecasts
from naverplace.pipeline.capture.capture_run import capture_run
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.notify_owner import (
    collect_measurements,
    keep_report_files,
    print_metrics,
    report_name,
    tell_run,
)
from naverplace.pipeline.pause_facts import collect_pauses
from naverplace.pipeline.steps import RunResults
from naverplace.pipeline.today_files import link_of, today_files
from naverplace.redaction.redactor import REDACTOR
from naverplace.reporting.report import RunReport, make_report
from naverplace.reporting.run_facts import RunFacts, StoreFacts
from naverplace.reporting.sent_crosscheck import AcceptedMessage, CrossCheck, crosscheck_sent

log = logging.getLogger(__name__)
SINGLE = 20  # messages that the window does not show are asked for one by one, but not more
T = TypeVar("T")


def report_run(run: RunContext, results: RunResults) -> RunReport:
    """Sum up, write the report, and tell the owner.

    The messages are out: what fails from here on is a problem of the report, and raises nothing.
    """
    facts = replace(gather_facts(run, results), forecast=score_forecasts(run, results))
    report_run = _sum_up(run, results, facts)
    pages: dict[str, str] = {}
    if run.settings.report_dir:
        name = report_name(run)
        pages = today_files(run, results, facts, report_run, name)
        report_run = replace(report_run, page=link_of(run, f"{name}.html") if pages else "")
    report_run = keep_report_files(run, report_run, pages)  # the owner is told with it
    report_run = tell_run(run, facts, report_run, results.failure_kind)
    print_metrics(run, report_run)
    return keep_report_files(run, report_run)  # with what became of the telling


def build_report(run: RunContext, results: RunResults) -> RunReport:
    """Sum up what happened, with every text scrubbed of secrets and phones; tells nobody."""
    return _sum_up(run, results, gather_facts(run, results))


def gather_facts(run: RunContext, results: RunResults) -> RunFacts:
    """Gather what a report is computed from."""
    decided = results.decided
    decisions = decided.decisions if decided else Decisions((), ())
    return RunFacts(
        run_id=run.run_id,
        execution_id=run.execution_id,
        door=run.door,
        now=run.now,
        dry_run=run.dry_run,
        stores=tuple(_store_facts(run, results)),
        rules=run.rulebook.enabled_names,
        rulebook_version=run.rulebook_version,
        bookings_decided=decided.bookings if decided else 0,
        decisions=decisions,
        results=tuple(results.actions),
        browser_opened=results.session is not None and results.session.browser_opened,
        table_writes=run.table.records.writes,
        failure=REDACTOR.scrub(results.failure),
        doubts=tuple(results.in_doubt or ()),
        followed=results.followed,
        pauses=collect_pauses(run),
        crosscheck=check_sent(run, decisions, results.actions),
        measurements=collect_measurements(run),
    )


def _sum_up(run: RunContext, results: RunResults, facts: RunFacts) -> RunReport:
    report_run = make_report(facts)
    validated, decided = results.validated, results.decided
    if run.captured is None or validated is None or decided is None:
        return report_run
    with run.watch.phase("capture"):
        return capture_run(
            run.captured,
            facts,
            report_run,
            validated,
            settings=run.settings,
            fields=run.fields,
            halted=decided.halts,
        )


def score_forecasts(run: RunContext, results: RunResults) -> Counter[str]:
    """Score and renew the forecasts whose time has come. Raises nothing: it must cost no report."""
    before = results.put_away.forecast
    if (decided := results.decided) is None:
        return before
    try:
        with run.watch.phase("forecast"):
            served = {s for s in results.group if s in decided.owners and decided.owners[s].ours}
            if stores := forecasts.stores_to_forecast(run, served - decided.halts.keys()):
                return before + forecasts.renew_forecasts(run, results, decided, stores)
    except Exception:
        log.exception("the forecasts were not renewed")
    return before


def _store_facts(run: RunContext, results: RunResults) -> Iterator[StoreFacts]:
    """Give what is known of each store; nothing before the rows have been checked."""
    validated, decided = results.validated, results.decided
    checks = {c.store_id: c for c in validated.stores} if validated else {}
    failed = {**(validated.failed if validated else {}), **(decided.failed if decided else {})}
    for batch in results.batches if validated else ():
        checked = checks.get(batch.store_id)
        halt = decided.halts.get(batch.store_id) if decided else None
        owned = decided.owners.get(batch.store_id) if decided else None
        yield StoreFacts(
            store_id=batch.store_id,
            alias=run.all_stores[batch.store_id].alias,
            confirmed=batch.confirmed,
            completed=batch.completed,
            passed=len(checked.good) if checked else 0,
            quarantined=tuple(q.as_row() for q in checked.quarantined) if checked else (),
            odd_names=checked.odd_names if checked else (),
            error=REDACTOR.scrub(batch.error or failed.get(batch.store_id, "")),
            stopped=halt.reason if halt else checked.reason if checked else "",
            told=halt.korean if halt else "",
            owner=owned.owner if owned else "",
        )


def check_sent(
    run: RunContext, decisions: Decisions, results: Sequence[ActionResult]
) -> CrossCheck | None:
    """Compare what the run has sent with the table and SENS's log; None when nothing was sent.

    Raises nothing: what could not be read is said in the result. Asks once, without patience, for
    the messages are out and the owner waits for the summary.
    """
    sent = _sent(decisions, results)
    if run.dry_run or not sent or not run.settings.document.check_log:
        return None
    why_not: list[str] = []
    with run.watch.phase("cross-check"):
        keys = {message.key for message in sent}
        records = _try(lambda: list(run.table.records.read(keys).values()), "the table", why_not)
        messages = _try(lambda: _read_log(run, sent), "SENS's log", why_not)
    return crosscheck_sent(
        sent,
        records=records,
        log=messages,
        execution_id=run.execution_id,
        now=run.clock.now(),
        settle_seconds=run.settings.ledger.settle_seconds,
        why_not=why_not,
        in_doubt={(r.booking_num, r.kind) for r in results if r.outcome is Outcome.IN_DOUBT},
    )


def _sent(decisions: Decisions, results: Sequence[ActionResult]) -> list[AcceptedMessage]:
    owed = {(e.key.booking_num, e.kind): e for e in decisions.effects if isinstance(e, SendSms)}
    sent = []
    for result in results:
        if result.outcome not in (Outcome.ACCEPTED, Outcome.ADOPTED) or not result.request_id:
            continue
        effect = owed.get((result.booking_num, result.kind))
        key = effect.key if effect else RecordKey(result.booking_num, "")
        to = effect.to if effect else ""
        sent.append(AcceptedMessage(key, result.kind, result.store_id, result.request_id, to))
    return sent


def _read_log(run: RunContext, sent: Sequence[AcceptedMessage]) -> list[SmsLogEntry]:
    sens = SensClient(run.settings.sens.model_copy(update={"attempts": 1}), run.clock)
    # SENS's clock may be as far from ours as a signature lives.
    start, end = run.now - SIGNATURE_LIFE, run.clock.now() + SIGNATURE_LIFE
    entries = sens.find(start=start - timedelta(seconds=1), end=end)
    shown = {entry.request_id for entry in entries}
    missing = [message.request_id for message in sent if message.request_id not in shown]
    return entries + read_requests(sens, missing[:SINGLE])


def _try(read: Callable[[], T], what: str, why_not: list[str]) -> T | None:
    try:
        return read()
    except NaverPlaceError as error:
        log.warning("%s could not be read for the cross-check: %s", what, error)
        why_not.append(REDACTOR.scrub(f"{what} could not be read: {error}"))
        return None
