"""Telling the owner: the one way of every run and job; keeping a run's report and its costs."""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from naverplace.aws.dynamodb import DYNAMODB, open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.clock import SEOUL
from naverplace.base.errors import NaverPlaceError, RulesError, SettingsError
from naverplace.base.files import write_whole
from naverplace.base.timing import PhaseTimer
from naverplace.base.yaml_nodes import ErrorList
from naverplace.delivery.outcomes import describe_error
from naverplace.domain.effects import CHANNELS, FALLBACK, Channel
from naverplace.domain.notification_routing import Routing, When, load_routing
from naverplace.domain.owner_memory import OwnerMemory
from naverplace.domain.stores import Store
from naverplace.domain.troubles import Source, Trouble, TroubleKind, kind_of_error
from naverplace.ledger.owner_memory_table import OwnerMemoryTable
from naverplace.ledger.run_memory import record_reported_run
from naverplace.messaging.owner_channels import OwnerChannel, open_channels
from naverplace.pipeline.context import RunContext, open_run
from naverplace.pipeline.rulebook_in_force import load_in_force
from naverplace.redaction.redactor import REDACTOR, describe
from naverplace.reporting.cloudwatch_emf import metrics_line
from naverplace.reporting.document import render
from naverplace.reporting.owner_messages import Look, OwnerMessage, due, note, told
from naverplace.reporting.report import RunReport
from naverplace.reporting.run_facts import RunFacts
from naverplace.reporting.run_troubles import look_of
from naverplace.reporting.summary import for_owner
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
UNWRITTEN = "no report was written: "


@dataclass(frozen=True)
class Notified:
    """Which channels took a text, and what went wrong with the others."""

    channels: tuple[Channel, ...] = ()
    failed: Mapping[Channel, str] = field(default_factory=dict)  # why
    problems: tuple[str, ...] = ()
    reached: bool = True  # every message was taken by some channel

    def joined(self, other: Notified, *, reached: bool) -> Notified:
        """Add what became of another text."""
        return Notified(
            tuple(dict.fromkeys((*self.channels, *other.channels))),
            {**self.failed, **other.failed},
            tuple(dict.fromkeys((*self.problems, *other.problems))),
            self.reached and reached,
        )


def send_text(
    text: str,
    channels: Mapping[Channel, OwnerChannel],
    names: Iterable[Channel],
    *,
    what: str,
    watch: PhaseTimer | None = None,
) -> Notified:
    """Send one text, scrubbed, to the owner's channels of these names; `what` names it in words."""
    sent: list[Channel] = []
    failed: dict[Channel, str] = {}
    watch = watch or PhaseTimer()
    for name in names:
        try:
            with watch.phase("notifications"), watch.call(name):
                channels[name].send(REDACTOR.scrub(text))
            sent.append(name)
        except Exception as error:  # noqa: BLE001 - whatever an answer does to us, the run stands
            log.error("%s did not reach %s: %s", what, name, describe(error))
            failed[name] = REDACTOR.scrub(describe_error(error))
    problems = tuple(f"{what} did not reach {name}: {why}" for name, why in failed.items())
    return Notified(tuple(sent), failed, problems)


def tell(settings: Settings, look: Look, run: RunContext | None = None) -> Notified:
    """Tell the owner what is worth it of what was seen: the one way of every run and job.

    Raises nothing: a channel that fails is a problem of the result, and is told by the others.
    """
    table = run.session_table if run else _open_session_table(settings)
    memories = OwnerMemoryTable(table, run.clock if run else settings.make_clock())
    channels = run.channels if run else open_channels(settings)
    look = replace(look, prices=settings.prices.on(look.now.astimezone(SEOUL).date()))
    if run:
        link = run.settings.report_link
        look = replace(look, rulebook=run.rulebook_version.korean())
        look = replace(look, page=f"{link}/today.html" if link else "")
        routing, aliases = run.rulebook.routing, _aliases(run.all_stores)
    else:
        routing, aliases = _load_routing(settings, table)
    messages: list[OwnerMessage] = []
    again: list[Channel] = []

    def decide(memory: OwnerMemory) -> tuple[OwnerMemory, bool]:
        noted = note(memory, look)
        messages[:] = due(noted, look, routing.summary, aliases)
        again[:] = _to_try_again(noted, routing) if look.summarises else ()
        return noted, bool(messages or again)

    memory = taken = memories.acquire(decide)
    notified = Notified()
    for message in messages:
        names = routing.channels_for(alert=message.alert)
        memory, sent = _send(message, memory, look.now, channels, names, run)
        notified = notified.joined(sent, reached=bool(sent.channels))
    if messages:
        memory = _tell_of_channels(memory, notified, look.now, channels, routing)
    memory = _try_again(memory, again, notified, look.now, channels, routing)
    if messages or again:
        memories.release(taken, memory)
    return notified


def _send(
    message: OwnerMessage,
    memory: OwnerMemory,
    now: datetime,
    channels: Mapping[Channel, OwnerChannel],
    names: Iterable[Channel],
    run: RunContext | None = None,
) -> tuple[OwnerMemory, Notified]:
    what = "the alert" if message.alert else "the summary"
    sent = send_text(message.text, channels, names, what=what, watch=run.watch if run else None)
    return (told(memory, message, now) if sent.channels else memory), sent


def _tell_of_channels(
    memory: OwnerMemory,
    notified: Notified,
    now: datetime,
    channels: Mapping[Channel, OwnerChannel],
    routing: Routing,
) -> OwnerMemory:
    """Tell by the channels that work of those that do not, and of those that do again."""
    down = [
        Trouble(TroubleKind.CHANNEL_DOWN, name, detail=why) for name, why in notified.failed.items()
    ]
    tried = {*notified.failed, *notified.channels}
    look = Look(Source.TELLING, now, tuple(down), {TroubleKind.CHANNEL_DOWN: tried})
    names = [n for n in routing.channels_for(alert=True) if n not in notified.failed]
    for message in due(memory, look, routing.summary, {}):
        memory, _ = _send(message, memory, now, channels, names)
    return memory


def _to_try_again(memory: OwnerMemory, routing: Routing) -> list[Channel]:
    """List the channels of which was told that they are down."""
    down = {
        s.subject
        for s in memory.standing.values()
        if s.kind is TroubleKind.CHANNEL_DOWN and not s.over
    }
    return [name for name in routing.channels_for(alert=True) if name in down]


def _try_again(
    memory: OwnerMemory,
    names: Iterable[Channel],
    notified: Notified,
    now: datetime,
    channels: Mapping[Channel, OwnerChannel],
    routing: Routing,
) -> OwnerMemory:
    """Send a channel that was down the news that it works again: if it takes it, that is true."""
    for name in names:
        if name in notified.failed or name in notified.channels:
            continue
        others = [n for n in routing.channels_for(alert=True) if n != name]
        look = Look(Source.TELLING, now, (), {TroubleKind.CHANNEL_DOWN: {name}})
        for message in due(memory, look, routing.summary, {}):
            memory, sent = _send(message, memory, now, channels, [name])
            if sent.channels:
                _send(message, memory, now, channels, others)
    return memory


def _open_session_table(settings: Settings) -> StateTable:
    return StateTable(open_dynamodb(settings.aws), settings.aws.session_table)


def _load_routing(settings: Settings, table: StateTable) -> tuple[Routing, dict[str, str]]:
    """Read where alerts go, and the stores' aliases; files that are wrong keep no alert back."""
    try:
        book = load_in_force(settings, table).rulebook
        return book.routing, _aliases(book.stores)
    except RulesError:
        read = load_routing(settings.rules_dir / "notifications.yaml", ErrorList())
    fallback = {"channels": {FALLBACK: {"enabled": True}}, "alerts": [FALLBACK]}
    return read or Routing.model_validate(fallback), {}


def read_aliases(settings: Settings) -> dict[str, str]:
    """Name the stores as the owner does; none when no rulebook is right."""
    return _load_routing(settings, _open_session_table(settings))[1]


def _aliases(stores: Mapping[str, Store]) -> dict[str, str]:
    return {store.id: store.alias for store in stores.values()}


def tell_failure(run: RunContext, kind: TroubleKind, text: str) -> Notified:
    """Tell the owner why a run failed, or why it waits."""
    if run.dry_run:
        return Notified()
    look = Look(Source.RUN, run.now, (Trouble(kind, detail=REDACTOR.scrub(text)),))
    return tell(run.settings, look, run)


def open_or_alert(
    settings: Settings, *, run_id: str, door: str, dry_run: bool = False, only: Sequence[str] = ()
) -> RunContext:
    """Open a run; when its rules are wrong, tell the owner before the error goes on."""
    try:
        return open_run(settings, run_id=run_id, door=door, dry_run=dry_run, only=only)
    except NaverPlaceError as error:
        if door != "cli" and not dry_run:  # there a person reads the error already
            said = describe(error)
            if isinstance(error, SettingsError | RulesError):
                said = "\n- ".join(error.problems)
            trouble = Trouble(kind_of_error(error), detail=REDACTOR.scrub(said))
            tell(settings, Look(Source.RUN, settings.make_clock().now(), (trouble,)))
        raise


def tell_run(
    run: RunContext, facts: RunFacts, report: RunReport, failure_kind: TroubleKind
) -> RunReport:
    """Tell the owner what a run has seen and sent; a channel that fails is a problem of the run.

    A dry run tells only its caller. Whoever ordered a shard tells what all shards sent.
    """
    if run.dry_run:
        return report
    look = look_of(facts, failure_kind, report.contradictions)
    if run.settings.report_dir:
        kind = TroubleKind.REPORT_UNWRITTEN
        why = [p.removeprefix(UNWRITTEN) for p in report.problems if p.startswith(UNWRITTEN)]
        found = tuple(Trouble(kind, detail=detail) for detail in why)
        look = replace(
            look, troubles=(*look.troubles, *found), looked_at={**look.looked_at, kind: None}
        )
    if not run.shard:
        always = run.rulebook.routing.summary.when is When.ALWAYS
        look = replace(look, summarises=True, report=for_owner(report) if always else "")
    notified = tell(run.settings, look, run)
    if report.expired and notified.reached:
        _record_reported(run)
    report = replace(report, **collect_measurements(run))  # telling takes time, too
    if not notified.problems:
        return report
    return replace(report, status="failed", problems=(*report.problems, *notified.problems))


def _record_reported(run: RunContext) -> None:
    """Note that what this run marked as expired was told; else the next one tells it again."""
    days = run.settings.ledger.expired_days + 1
    try:
        record_reported_run(run.session_table, run.execution_id, now=run.now, days=days)
    except NaverPlaceError:
        log.exception("what has expired will be named once more")


def print_metrics(run: RunContext, report: RunReport) -> None:
    """Print the line for CloudWatch, where it is wanted; it holds nothing but numbers."""
    if not run.settings.document.metrics_line:
        return
    try:
        sys.stdout.write(metrics_line(report) + "\n")
        sys.stdout.flush()
    except OSError:  # nobody reads it
        log.exception("no metrics of run %s", report.run_id)


def report_name(run: RunContext) -> str:
    """Name the files of a run's report, without their endings."""
    return f"{run.now:%Y%m%dT%H%M%S}-{run.run_id}"


def keep_report_files(
    run: RunContext, report: RunReport, pages: Mapping[str, str] = MappingProxyType({})
) -> RunReport:
    """Write report, summary document and pages into the folder that the settings name, if any.

    Gives the report, with one problem more when it could not be written; its status stays.
    """
    if not (folder := run.settings.report_dir):
        return report
    name = report_name(run)
    tree = REDACTOR.scrub_values(report.as_json())
    text = json.dumps(tree, ensure_ascii=False, indent=2, default=str)
    files = {f"{name}.json": text, f"{name}.md": document_of(report), **pages}
    problem = keep_files(folder, {name: text for name, text in files.items() if text})
    if not problem or problem in report.problems:
        return report
    return replace(report, problems=(*report.problems, problem))


def keep_files(folder: Path, files: Mapping[str, str]) -> str:
    """Write texts by file name; gives what went wrong, '' when all are written."""
    try:
        for name, text in files.items():
            write_whole(folder / name, text)
    except NaverPlaceError as error:
        log.error("%s", error)
        return REDACTOR.scrub(f"{UNWRITTEN}{error}")
    return ""


def document_of(report: RunReport) -> str:
    """Write the run's summary document, scrubbed; empty when a defect of ours keeps us from it."""
    try:
        return render(REDACTOR.scrub_values(report))
    except Exception:  # the messages are out: a missing page must not cost the report
        log.exception("no summary document for run %s", report.run_id)
        return ""


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
        "cold_start": run.cold_start,
        "init_seconds": round(run.init_seconds, 3),
        "memory_mb": round(_peak_memory_mb(), 1),
        "allocated_mb": float(told) if told.isdigit() else run.settings.document.allocated_mb,
        "thresholds": run.settings.thresholds.model_dump(),
    }


def _peak_memory_mb() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1024 / (1024 if sys.platform == "darwin" else 1)  # Linux counts kilobytes
