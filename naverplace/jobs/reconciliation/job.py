"""The reconciliation, step by step: the same functions serve the Prefect flow and the CLI.

Each door makes a ReconciliationContext and calls compare_ledger, follow, sum_up, publish and
remember. What was named is remembered only after the owner was told: after a crash it is named
again.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.errors import NaverPlaceError
from naverplace.base.timing import PhaseTimer
from naverplace.domain.message_status import MessageStatus
from naverplace.jobs.reconciliation.findings import (
    NEVER_FINISHED,
    UNDELIVERED,
    DeliveryUpdate,
    Finding,
    Reconciliation,
    entry_finding,
    expected_in_log,
    findings_of,
    nothing_to_compare,
)
from naverplace.jobs.reconciliation.matching import (
    SKEW,
    Match,
    MatchClass,
    MatchResult,
    ReconciliationWindow,
    match_messages,
)
from naverplace.jobs.reconciliation.summary import reconciliation_look
from naverplace.ledger.receipts import record_receipt
from naverplace.ledger.run_memory import (
    Watermark,
    read_test_messages,
    read_watermark,
    write_watermark,
)
from naverplace.ledger.scan import LedgerScan, entries_of, flags_of
from naverplace.messaging.sens import KEPT, SensClient, each_once, read_requests, with_contents
from naverplace.pipeline.notify_owner import keep_files, read_aliases, tell
from naverplace.redaction.redactor import REDACTOR, describe
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
FIRST = timedelta(days=1)  # looked back without a watermark
_SHOWN_IN_LOG = (MatchClass.MATCHED, MatchClass.EARLIER, MatchClass.TOO_YOUNG)


class ReconciliationContext:
    """What every step needs; opaque on purpose, so that nobody hashes or stores it."""

    def __init__(
        self, settings: Settings, *, run_id: str, door: str, since: datetime | None = None
    ) -> None:
        self.settings, self.run_id, self.door, self.since = settings, run_id, door, since
        self.clock = settings.make_clock()
        self.now = self.clock.now()
        self.watch = PhaseTimer()
        self.sens = SensClient(settings.sens, self.clock)
        dynamodb = open_dynamodb(settings.aws)
        self.table = LedgerScan(dynamodb, settings.aws.sms_table)
        self.session_table = StateTable(dynamodb, settings.aws.session_table)


@dataclass(frozen=True)
class LedgerComparison:
    """The ledger and SENS's log side by side."""

    window: ReconciliationWindow
    tail: datetime  # accepted messages counted since then are followed
    mark: Watermark
    matched: MatchResult = field(repr=False)
    problems: tuple[str, ...] = ()
    nothing_to_compare: bool = False  # one side was empty, whatever the other says


def run_reconciliation(
    settings: Settings, *, run_id: str, door: str = "cli", since: datetime | None = None
) -> Reconciliation:
    """Do everything that one reconciliation does; what cannot be read is a failed one.

    With `since` it looks once more from that moment, tells nobody and remembers nothing.
    """
    context = ReconciliationContext(settings, run_id=run_id, door=door, since=since)
    try:
        compared = compare_ledger(context)
        done = sum_up(context, compared, follow(context, compared))
    except NaverPlaceError as error:
        log.exception("the reconciliation failed")
        return publish(context, broken(context, describe(error)))
    done = publish(context, done)
    remember(context, compared, done)
    return done


def compare_ledger(context: ReconciliationContext) -> LedgerComparison:
    """Read ledger and log, and match them. Raises Transient, Permanent."""
    mark = read_watermark(context.session_table)
    window, tail, problems = _bounds(context, mark)
    if mark.until is None and context.since is None:
        # If this very first one fails, the next one still begins here.
        write_watermark(context.session_table, until=window.start)
    start = max(tail - SKEW, context.now - KEPT)
    messages = context.sens.find(start=start, end=context.now)
    # The ledger is read after the log: what is in the log was claimed before it was sent.
    records = list(context.table.scan())
    tests = read_test_messages(context.session_table)
    match = partial(
        match_messages,
        [entry for record in records for entry in entries_of(record)],
        window=window,
        flags=[flag for record in records for flag in flags_of(record)],
        known_senders=context.settings.reconcile.known_senders,
        legacy_sends=context.settings.reconcile.legacy_sends,
        test_messages=tests,
    )
    matched = match(messages)
    if missing := [
        m.entry for m in matched.entries if m.entry and m.match_class is MatchClass.MISSING
    ]:
        # Adopted late, it may stand in the log before the window: its id finds it all the same.
        asked = read_requests(context.sens, [e.request_id for e in missing if e.request_id])
        messages = each_once([*messages, *asked])
        matched = match(messages)
    own = context.settings.sens.own_numbers if tests else ()
    if unknown := matched.lacking_content(also_to=frozenset(own)):
        wanted = [m for m in unknown if window.outside_reason(m.request_time) is None]
        messages = with_contents(context.sens, messages, wanted)
        matched = match(messages)
    empty = nothing_to_compare(matched, window)
    if mark.ledger_size and not matched.ledger_size:
        empty.append(
            f"table {context.table.table.name!r} counts no message at all, and had "
            f"{mark.ledger_size} the last time: is it the right table, and was it restored or "
            "emptied?"
        )
    return LedgerComparison(window, tail, mark, matched, (*problems, *empty), bool(empty))


def _bounds(
    context: ReconciliationContext, mark: Watermark
) -> tuple[ReconciliationWindow, datetime, list[str]]:
    """Tell what is judged, since when accepted messages are followed, and what is lost for good."""
    wishes = context.settings.reconcile
    end = context.now - timedelta(seconds=wishes.lag_seconds)
    last = context.since or mark.until
    start = min(last, end) if last else end - FIRST
    if not context.since and last:
        start -= timedelta(hours=wishes.overlap_hours)
    problems = []
    earliest = context.now - KEPT
    if start < earliest:
        problems.append(
            f"SENS keeps its log for 90 days: {start:%Y-%m-%d %H:%M} to {earliest:%Y-%m-%d %H:%M} "
            "cannot be compared any more"
        )
        start = earliest
    return ReconciliationWindow(start, end), start - timedelta(days=wishes.tail_days), problems


def follow(context: ReconciliationContext, compared: LedgerComparison) -> DeliveryUpdate:
    """Move the accepted messages of the last days on to what SENS says became of them.

    Those that have had no result for too long are named. An error of SENS or of the table stops it
    and is in the result; what was moved by then stays moved.
    """
    overdue = context.now - timedelta(days=context.settings.reconcile.tail_days)
    counted = {
        entry: message
        for match_class, entry, message in compared.matched.entries
        if entry and entry.counted_as_sent and match_class in _SHOWN_IN_LOG
        if entry.at is None or entry.at >= compared.tail
    }
    accepted = {e: m for e, m in counted.items() if e.message.state == MessageStatus.ACCEPTED}
    findings: list[Finding] = [  # named until the owner was told of it
        entry_finding(UNDELIVERED, e)
        for e in counted
        if e.message.state == MessageStatus.FAILED and not e.message.followed_by  # a run tells it
    ]
    delivered = failed = under_way = 0
    problem = ""
    try:
        # Adopted late, a message may be older than what was read of the log.
        unseen = [entry.request_id for entry, message in accepted.items() if message is None]
        asked = {message.request_id: message for message in read_requests(context.sens, unseen)}
        for entry, in_log in accepted.items():
            message = in_log or asked.get(entry.request_id)
            if message is None or not message.end:
                under_way += 1
                if entry.at is None or entry.at < overdue:
                    findings.append(entry_finding(NEVER_FINISHED, entry, message))
                continue
            # Somebody else may have moved it meanwhile: then that one names it.
            moved = record_receipt(context.table.table, entry, message)
            if message.end == MessageStatus.DELIVERED:
                delivered += moved
            elif moved:
                failed += 1
                findings.append(entry_finding(UNDELIVERED, entry, message))
    except NaverPlaceError as error:
        log.exception("not all accepted messages were followed")
        problem = f"not all accepted messages were followed: {describe(error)}"
    return DeliveryUpdate(delivered, failed, under_way, tuple(findings), problem)


def sum_up(
    context: ReconciliationContext, compared: LedgerComparison, followed: DeliveryUpdate
) -> Reconciliation:
    """Sum up; a finding that was named before does not fail once more."""
    window, matched = compared.window, compared.matched
    named = compared.mark.names if context.since is None else lambda _: False
    findings = tuple(
        replace(finding, new=not named(finding.id))
        for finding in (*findings_of(matched), *followed.findings)
    )
    problems = tuple(p for p in (*compared.problems, followed.problem) if p)
    wrong = problems or any(finding.new and finding.wrong for finding in findings)
    return Reconciliation(
        run_id=context.run_id,
        door=context.door,
        now=context.now.isoformat(timespec="seconds"),
        since=window.start.isoformat(timespec="seconds"),
        until=window.end.isoformat(timespec="seconds"),
        status="failed" if wrong else "success",
        ledger=sum(expected_in_log(match.entry, window) for match in matched.entries),
        log=sum(
            m.message is not None and not window.outside_reason(m.message.request_time)
            for m in matched.messages
        ),
        entries=_count_by_class(matched.entries),
        messages=_count_by_class(matched.messages),
        delivered=followed.delivered,
        failed=followed.failed,
        under_way=followed.under_way,
        findings=findings,
        problems=tuple(REDACTOR.scrub(problem) for problem in problems),
        complete=context.since is None and not (followed.problem or compared.nothing_to_compare),
        seconds=round(context.watch.seconds(), 3),
    )


def _count_by_class(matches: Iterable[Match]) -> dict[str, int]:
    return dict(Counter(match.match_class.value for match in matches))


def broken(context: ReconciliationContext, failure: str) -> Reconciliation:
    """Report a reconciliation that could not read what it had to compare."""
    window = ReconciliationWindow(context.now, context.now)
    nothing = LedgerComparison(window, context.now, Watermark(), MatchResult((), ()))
    return sum_up(context, nothing, DeliveryUpdate(problem=failure))


def publish(context: ReconciliationContext, done: Reconciliation) -> Reconciliation:
    """Tell the owner, unless somebody only looks once more, and keep the report."""
    settings = context.settings
    if context.since is None:
        notified = tell(settings, reconciliation_look(done, read_aliases(settings)))
        if notified.problems:
            problems = (*done.problems, *notified.problems)
            # What nobody took is found again: the next one begins where this one began.
            complete = done.complete and notified.reached
            done = replace(done, problems=problems, status="failed", complete=complete)
    if not (folder := settings.report_dir):
        return done
    stamp = done.now[:19].replace("-", "").replace(":", "")
    text = json.dumps(REDACTOR.scrub_values(done.as_json()), ensure_ascii=False, indent=2)
    problem = keep_files(folder, {f"{stamp}-reconcile-{done.run_id}.json": text})
    return replace(done, problems=(*done.problems, problem)) if problem else done


def remember(
    context: ReconciliationContext, compared: LedgerComparison, done: Reconciliation
) -> None:
    """Move the watermark on, if all could be read and the owner could be told."""
    if not done.complete:
        return
    doubtful = [
        match.message.request_time
        for match in compared.matched.messages
        if match.match_class is MatchClass.IN_DOUBT and match.message and match.message.request_time
    ]
    # What is in doubt is judged again when it is settled; after the tail nobody waits any more.
    held = min([compared.window.end, *doubtful])
    longest = compared.window.end - timedelta(days=context.settings.reconcile.tail_days)
    write_watermark(
        context.session_table,
        until=max(held, longest),
        named=[finding.id for finding in done.findings],
        ledger_size=compared.matched.ledger_size,
        notes={
            "run_id": context.run_id,
            "at": done.now,
            "counts": {"ledger": done.ledger, "log": done.log, "findings": len(done.findings)},
        },
    )
