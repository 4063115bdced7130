"""The reconciliation, step by step: the same functions serve the Prefect flow and the CLI.

Each door makes a Reconciling and calls compare, follow, sum_up, report, remember in this order.
What was named is remembered only after the owner was told: a crash names it again, never not at
all.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.state_table import StateTable
from naverplace.base.errors import NaverPlaceError
from naverplace.base.timing import PhaseTimer
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.jobs.reconciliation.classification import Class, Matched, Window
from naverplace.jobs.reconciliation.delivery_receipts import follow_up
from naverplace.jobs.reconciliation.findings import (
    Followed,
    Reconciliation,
    counts,
    findings_of,
    none_of_more,
)
from naverplace.jobs.reconciliation.matching import SKEW, match
from naverplace.jobs.reconciliation.notify import keep, tell
from naverplace.ledger.entries import LedgerMessage, LegacyFlag, entries_of, flags_of
from naverplace.ledger.scan import LedgerScan
from naverplace.ledger.watermark import Watermark, read_watermark, write_watermark
from naverplace.messaging.sens import (
    KEPT,
    SensClient,
    each_once,
    read_log,
    read_requests,
    with_contents,
)
from naverplace.redaction.redactor import REDACTOR, describe
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
FIRST = timedelta(days=1)  # looked back without a watermark


class Reconciling:
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
class Compared:
    """The ledger and SENS's log side by side."""

    window: Window
    tail: datetime  # accepted messages counted since then are followed
    mark: Watermark
    matched: Matched = field(repr=False)
    problems: tuple[str, ...] = ()
    hollow: bool = False  # one side was empty: nothing was compared, whatever the other says

    @property
    def counted(self) -> int:
        """Tell how many messages the whole ledger counts as sent."""
        return sum(
            judged.entry is not None and judged.entry.counted_as_sent
            for judged in self.matched.entries
        )


def reconcile(
    settings: Settings, *, run_id: str, door: str = "cli", since: datetime | None = None
) -> Reconciliation:
    """Do everything that one reconciliation does; what cannot be read is a failed one.

    With `since` it looks once more from that moment, tells nobody and remembers nothing.
    """
    this = Reconciling(settings, run_id=run_id, door=door, since=since)
    try:
        compared = compare(this)
        done = sum_up(this, compared, follow(this, compared))
    except NaverPlaceError as error:
        log.exception("the reconciliation failed")
        return report(this, broken(this, describe(error)))
    done = report(this, done)
    remember(this, compared, done)
    return done


def compare(this: Reconciling) -> Compared:
    """Read ledger and log, and match them. Raises Transient, Permanent."""
    mark = read_watermark(this.session_table)
    window, tail, problems = _bounds(this, mark)
    if mark.until is None and this.since is None:
        # If this very first one fails, the next one still begins here.
        write_watermark(this.session_table, until=window.start)
    start = max(tail - SKEW, this.now - KEPT)
    messages = read_log(this.sens, start=start, end=this.now)
    # The ledger is read after the log: what is in the log was claimed before it was sent.
    entries, flags = _ledger(this.table)
    matched = _match(this, entries, messages, window, flags)
    if unseen := [j.entry for j in matched.entries if j.entry and j.klass is Class.MISSING]:
        # Adopted late, it may stand in the log before the window: its id finds it all the same.
        asked = read_requests(this.sens, [e.request_id for e in unseen if e.request_id])
        messages = each_once([*messages, *asked])
        matched = _match(this, entries, messages, window, flags)
    if unknown := matched.lacking_content():
        wanted = [message for message in unknown if window.side(message.request_time) is None]
        messages = with_contents(this.sens, messages, wanted)
        matched = _match(this, entries, messages, window, flags)
    hollow = none_of_more(matched, window)
    if mark.ledger_size and not any(entry.counted_as_sent for entry in entries):
        hollow.append(
            f"table {this.table.table.name!r} counts no message at all, and had {mark.ledger_size} "
            "the last time: is it the right table, and was it restored or emptied?"
        )
    return Compared(window, tail, mark, matched, (*problems, *hollow), bool(hollow))


def _bounds(this: Reconciling, mark: Watermark) -> tuple[Window, datetime, list[str]]:
    """Tell what is judged, since when accepted messages are followed, and what is lost for good."""
    wishes = this.settings.reconcile
    end = this.now - timedelta(seconds=wishes.lag_seconds)
    last = this.since or mark.until
    start = min(last, end) if last else end - FIRST
    if not this.since and last:
        start -= timedelta(hours=wishes.overlap_hours)
    problems = []
    earliest = this.now - KEPT
    if start < earliest:
        problems.append(
            f"SENS keeps its log for 90 days: {start:%Y-%m-%d %H:%M} to {earliest:%Y-%m-%d %H:%M} "
            "cannot be compared any more"
        )
        start = earliest
    return Window(start, end), start - timedelta(days=wishes.tail_days), problems


def _ledger(table: LedgerScan) -> tuple[list[LedgerMessage], list[LegacyFlag]]:
    entries: list[LedgerMessage] = []
    flags: list[LegacyFlag] = []
    for record in table.scan():
        entries += entries_of(record)
        flags += flags_of(record)
    return entries, flags


def _match(
    this: Reconciling,
    entries: list[LedgerMessage],
    messages: list[SmsLogEntry],
    window: Window,
    flags: list[LegacyFlag],
) -> Matched:
    wishes = this.settings.reconcile
    return match(
        entries,
        messages,
        window=window,
        flags=flags,
        known_senders=wishes.known_senders,
        legacy_sends=wishes.legacy_sends,
    )


def follow(this: Reconciling, compared: Compared) -> Followed:
    """Follow the accepted messages of the last days; what goes wrong is in the result."""
    return follow_up(
        compared.matched.entries,
        table=this.table,
        sens=this.sens,
        since=compared.tail,
        overdue=this.now - timedelta(days=this.settings.reconcile.tail_days),
    )


def sum_up(this: Reconciling, compared: Compared, followed: Followed) -> Reconciliation:
    """Sum up; a finding that was named before does not fail once more."""
    window, matched = compared.window, compared.matched
    named = compared.mark.names if this.since is None else lambda _: False
    found = [*findings_of(matched), *followed.findings]
    findings = tuple(replace(finding, new=not named(finding.id)) for finding in found)
    problems = tuple(p for p in (*compared.problems, followed.problem) if p)
    wrong = problems or any(finding.new and finding.wrong for finding in findings)
    return Reconciliation(
        run_id=this.run_id,
        door=this.door,
        now=this.now.isoformat(timespec="seconds"),
        since=window.start.isoformat(timespec="seconds"),
        until=window.end.isoformat(timespec="seconds"),
        status="failed" if wrong else "success",
        ledger=sum(counts(judged.entry, window) for judged in matched.entries),
        log=sum(
            j.message is not None and not window.side(j.message.request_time)
            for j in matched.messages
        ),
        entries=matched.entry_counts(),
        messages=matched.message_counts(),
        delivered=followed.delivered,
        failed=followed.failed,
        under_way=followed.under_way,
        findings=findings,
        problems=tuple(REDACTOR.scrub(problem) for problem in problems),
        complete=this.since is None and not (followed.problem or compared.hollow),
        seconds=round(this.watch.seconds(), 3),
    )


def broken(this: Reconciling, failure: str) -> Reconciliation:
    """Report a reconciliation that could not read what it had to compare."""
    nothing = Compared(Window(this.now, this.now), this.now, Watermark(), Matched((), ()))
    return sum_up(this, nothing, Followed(problem=failure))


def report(this: Reconciling, done: Reconciliation) -> Reconciliation:
    """Tell the owner, unless somebody only looks once more, and keep the report."""
    return keep(this.settings, done if this.since else tell(this.settings, done))


def remember(this: Reconciling, compared: Compared, done: Reconciliation) -> None:
    """Move the watermark on, if all could be read and the owner could be told."""
    if not done.complete:
        return
    doubtful = [
        judged.message.request_time
        for judged in compared.matched.messages
        if judged.klass is Class.IN_DOUBT and judged.message and judged.message.request_time
    ]
    # What is in doubt is judged again when it is settled; after the tail nobody waits any more.
    held = min([compared.window.end, *doubtful])
    longest = compared.window.end - timedelta(days=this.settings.reconcile.tail_days)
    write_watermark(
        this.session_table,
        until=max(held, longest),
        named=[finding.id for finding in done.findings],
        ledger_size=compared.counted,
        notes={
            "run_id": this.run_id,
            "at": done.now,
            "counts": {"ledger": done.ledger, "log": done.log, "findings": len(done.findings)},
        },
    )
