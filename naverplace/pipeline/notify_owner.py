"""Telling the owner: the one way of every run and job; keeping a run's report and its costs."""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from naverplace.aws.dynamodb import DYNAMODB
from naverplace.base.errors import NaverPlaceError
from naverplace.base.timing import PhaseTimer
from naverplace.base.yaml_nodes import ErrorList
from naverplace.domain.effects import CHANNELS, FALLBACK, Channel
from naverplace.domain.notification_routing import load_routing
from naverplace.ledger.run_memory import record_reported_runs
from naverplace.messaging.owner_channels import OwnerChannel, open_channels
from naverplace.pipeline.context import RunContext, open_run
from naverplace.redaction.redactor import REDACTOR, describe
from naverplace.reporting.cloudwatch_emf import metrics_line
from naverplace.reporting.document import render
from naverplace.reporting.report import RunReport
from naverplace.reporting.summary import for_owner
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)


class Notified(NamedTuple):
    """Which channels took a text, and what went wrong with the others."""

    channels: tuple[Channel, ...]
    problems: tuple[str, ...]


def send_text(
    text: str,
    channels: Mapping[Channel, OwnerChannel],
    names: Iterable[Channel],
    *,
    what: str,
    watch: PhaseTimer | None = None,
) -> Notified:
    """Send one text, scrubbed, to the owner's channels of these names; `what` names it in words."""
    sent, problems, watch = [], [], watch or PhaseTimer()
    for name in names:
        try:
            with watch.phase("notifications"), watch.call(name):
                channels[name].send(REDACTOR.scrub(text))
            sent.append(name)
        except NaverPlaceError as error:
            log.error("%s did not reach %s: %s", what, name, error)
            problems.append(REDACTOR.scrub(f"{what} did not reach {name}: {error}"))
    return Notified(tuple(sent), tuple(problems))


def send_alert(settings: Settings, text: str, *, what: str = "the alert") -> Notified:
    """Send a text to the channels of alerts; with a broken notifications.yaml, to the fallback."""
    routing = load_routing(settings.rules_dir / "notifications.yaml", ErrorList())
    names = routing.channels_for(alert=True) if routing else (FALLBACK,)
    return send_text(text, open_channels(settings), names, what=what)


def send_run_alert(run: RunContext, text: str) -> Notified:
    """Send the owner why a run failed, or why it waits."""
    return send_alert(run.settings, f"🚨 {run.now:%m/%d %H:%M} 예약 알림 실행 실패\n{text}")


def open_or_alert(
    settings: Settings, *, run_id: str, door: str, dry_run: bool = False, only: Sequence[str] = ()
) -> RunContext:
    """Open a run; when its rules are wrong, tell the owner before the error goes on."""
    try:
        return open_run(settings, run_id=run_id, door=door, dry_run=dry_run, only=only)
    except NaverPlaceError as error:
        if door != "cli":  # there a person reads the error already
            send_alert(settings, f"🚨 예약 알림을 시작하지 못했습니다\n{describe(error)}")
        raise


def send_summary(run: RunContext, report: RunReport) -> RunReport:
    """Send the summary where notifications.yaml routes it; a channel that fails is a problem."""
    names = run.rulebook.routing.channels_for(alert=report.status == "failed")
    text = for_owner(report)
    problems = send_text(text, run.channels, names, what="the summary", watch=run.watch).problems
    if report.expired and not problems:
        _record_reported(run)
    report = replace(report, **collect_measurements(run))  # telling takes time, too
    if not problems:
        return report
    return replace(report, status="failed", problems=(*report.problems, *problems))


def _record_reported(run: RunContext) -> None:
    """Note that what this run marked as expired was told; else the next one tells it again."""
    days = run.settings.ledger.expired_days + 1
    try:
        record_reported_runs(run.session_table, run.run_id, now=run.now, days=days)
    except NaverPlaceError:
        log.exception("what has expired will be named once more")


def keep_report_files(run: RunContext, report: RunReport) -> None:
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


LAMBDA_MEMORY = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"  # set by AWS Lambda, in MB


def collect_measurements(
    run: RunContext, environment: Mapping[str, str] = os.environ
) -> dict[str, Any]:
    """Read stopwatch and memory, under the names of the report's fields."""
    watch, told = run.watch, environment.get(LAMBDA_MEMORY, "")
    names = {DYNAMODB: (DYNAMODB,), "sms": ("sms",), "notifications": CHANNELS}
    names |= {channel: (channel,) for channel in CHANNELS}
    return {
        "phases": {n: round(end - begin, 3) for n, (begin, end) in watch.spans().items()},
        "spans": {n: (round(b, 3), round(e, 3)) for n, (b, e) in watch.spans().items()},
        "calls": {
            name: {figure: round(value, 3) for figure, value in vars(watch.calls(*those)).items()}
            for name, those in names.items()
        },
        "seconds": round(watch.seconds(), 3),
        "memory_mb": round(_peak_memory_mb(), 1),
        "allocated_mb": float(told) if told.isdigit() else run.settings.document.allocated_mb,
        "thresholds": run.settings.thresholds.model_dump(),
    }


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 / (1024 if sys.platform == "darwin" else 1)  # Linux counts kilobytes
