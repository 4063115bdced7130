"""Telling the owner what a run did, and keeping its report."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace

from naverplace.base.errors import NaverPlaceError
from naverplace.domain.effects import FALLBACK, Channel
from naverplace.ledger.reported_runs import record_reported_runs
from naverplace.messaging.owner_channels import OPENERS
from naverplace.pipeline.context import RunContext, open_run
from naverplace.pipeline.measurements import collect_measurements
from naverplace.redaction.redactor import REDACTOR, describe
from naverplace.reporting.cloudwatch_emf import metrics_line
from naverplace.reporting.document import render
from naverplace.reporting.report import RunReport
from naverplace.reporting.summary import for_owner
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)


def send_summary(run: RunContext, report: RunReport) -> RunReport:
    """Send the summary where notifications.yaml routes it; a channel that fails is a problem."""
    text = REDACTOR.scrub(for_owner(report))
    failed = report.status == "failed"
    problems = send_text(run, text, channels=run.rulebook.routing.channels_for(alert=failed))
    if report.expired and not problems:
        _remember(run)
    report = replace(report, **collect_measurements(run))  # telling takes time, too
    if not problems:
        return report
    return replace(report, status="failed", problems=(*report.problems, *problems))


def _remember(run: RunContext) -> None:
    """Note that what this run marked as expired was told; else the next one tells it again."""
    days = run.settings.ledger.expired_days + 1
    try:
        record_reported_runs(run.session_table, run.run_id, now=run.now, days=days)
    except NaverPlaceError:
        log.exception("what has expired will be named once more")


def send_alert(run: RunContext, text: str) -> list[str]:
    """Send a failure to the owner's alert channels, scrubbed; return what went wrong."""
    when = run.now.strftime("%m/%d %H:%M")
    message = REDACTOR.scrub(f"🚨 {when} 예약 알림 실행 실패\n{text}")
    return send_text(run, message, channels=run.rulebook.routing.channels_for(alert=True))


def open_or_alert(
    settings: Settings, *, run_id: str, door: str, dry_run: bool = False, only: Sequence[str] = ()
) -> RunContext:
    """Open a run; when its rules are wrong, tell the owner before the error goes on.

    notifications.yaml may be the very file that is wrong, so one channel is told directly.
    """
    try:
        return open_run(settings, run_id=run_id, door=door, dry_run=dry_run, only=only)
    except NaverPlaceError as error:
        if door != "cli":  # there a person reads the error already
            _tell_directly(settings, describe(error))
        raise


def _tell_directly(settings: Settings, text: str) -> None:
    try:
        OPENERS[FALLBACK](settings).send(
            REDACTOR.scrub(f"🚨 예약 알림을 시작하지 못했습니다\n{text}")
        )
    except NaverPlaceError as error:
        log.error("the alert did not reach %s: %s", FALLBACK, error)


def send_text(run: RunContext, text: str, *, channels: Iterable[Channel]) -> list[str]:
    """Send one text to the owner's channels, and return what went wrong."""
    problems = []
    for name in channels:
        try:
            with run.watch.phase("notifications"), run.watch.call(name):
                run.channels[name].send(text)
        except NaverPlaceError as error:
            log.error("the summary could not be sent to %s: %s", name, error)
            problems.append(REDACTOR.scrub(f"the summary did not reach {name}: {error}"))
    return problems


def write_report(run: RunContext, report: RunReport) -> None:
    """Write report and summary document into the folder that the settings name, if any.

    Also prints the line for CloudWatch, where it is wanted; it holds nothing but numbers.
    """
    if run.settings.document.metrics_line:
        sys.stdout.write(metrics_line(report) + "\n")
        sys.stdout.flush()
    folder = run.settings.report_dir
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    text = REDACTOR.scrub(json.dumps(report.as_json(), ensure_ascii=False, indent=2, default=str))
    name = f"{run.now:%Y%m%dT%H%M%S}-{run.run_id}"
    (folder / f"{name}.json").write_text(text, "utf-8")
    if document := document_of(report):
        (folder / f"{name}.md").write_text(document, "utf-8")


def document_of(report: RunReport) -> str:
    """Write the run's summary document, scrubbed; empty when a defect of ours keeps us from it."""
    try:
        text = REDACTOR.scrub(render(report))
    except Exception:  # the messages are out: a missing page must not cost the report
        log.exception("no summary document for run %s", report.run_id)
        return ""
    if report.status == "success" and " FAILED " in text.partition("\n")[0]:
        log.error("run %s: its document does not balance, see its cross-checks", report.run_id)
    return text
