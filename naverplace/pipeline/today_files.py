"""The owner's page of a run, as files beside its report: today's, and the run's own."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from naverplace.base.clock import SEOUL
from naverplace.base.errors import NaverPlaceError
from naverplace.domain.due_messages import DueMessage
from naverplace.domain.owner_memory import OwnerMemory
from naverplace.domain.record_matching import MatchedBooking
from naverplace.domain.troubles import Source, Trouble
from naverplace.ledger.owner_memory_table import OwnerMemoryTable
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.steps import RunResults
from naverplace.redaction.redactor import REDACTOR
from naverplace.reporting.owner_messages import cost_words, note
from naverplace.reporting.report import RunReport
from naverplace.reporting.run_facts import RunFacts
from naverplace.reporting.run_troubles import look_of
from naverplace.reporting.today_page import AHEAD, Outlook, render_today, today_page, told_on
from naverplace.rules.engine import RuleEngine

TODAY = "today.html"  # the newest page of all stores, for a bookmark
log = logging.getLogger(__name__)


def today_files(
    run: RunContext, results: RunResults, facts: RunFacts, report: RunReport, name: str
) -> dict[str, str]:
    """Make the run's page; gives files by name, none when a defect of ours keeps us from it."""
    try:
        html = _page(run, results, facts, report)
    except Exception:  # the messages are out: a missing page must not cost the report
        log.exception("no page for run %s", run.run_id)
        return {}
    of_all = not run.dry_run and not run.shard and run.stores.keys() == run.all_stores.keys()
    return dict.fromkeys([f"{name}.html", *([TODAY] if of_all else [])], html)


def link_of(run: RunContext, name: str) -> str:
    """Say where a page of the report folder can be opened: its link, else its path."""
    if link := run.settings.report_link:
        return f"{link}/{name}"
    return str(run.settings.report_dir / name) if run.settings.report_dir else ""


def note_for_page(run: RunContext, results: RunResults) -> None:
    """Note what the page needs of the bookings at hand, which are about to be let go."""
    if not run.settings.report_dir:
        return
    try:
        matches, coming = _outlook(run, results)
    except Exception:  # a page without them must not cost a message
        log.exception("the page of run %s lacks some stores", run.run_id)
        return
    results.put_away.coming += coming
    today = run.now.astimezone(SEOUL).date()
    results.put_away.told_today += [
        match for match in matches if match.record and told_on(today, match.record)
    ]


def _outlook(run: RunContext, results: RunResults) -> tuple[list[MatchedBooking], list[DueMessage]]:
    """Give the bookings at hand that we serve, and their messages of the next hours."""
    decided = results.decided
    matches = [
        match
        for match in (decided.matches if decided else ())
        if decided and decided.owners[match.booking.store_id].ours
    ]
    messages = RuleEngine(run.rulebook).coming(matches, now=run.now, until=run.now + AHEAD)
    return matches, [DueMessage.of(message.effect, message.at) for message in messages]


def _page(run: RunContext, results: RunResults, facts: RunFacts, report: RunReport) -> str:
    matches, coming = _outlook(run, results)
    matches, coming = results.put_away.told_today + matches, results.put_away.coming + coming
    look = look_of(facts, results.failure_kind, report.contradictions)
    memory = _memory(run)
    if look.tally and not run.dry_run:  # what the telling takes down in a moment
        memory = note(memory, look)
    troubles = (*look.troubles, *_seen_by_others(memory))
    prices = run.settings.prices.on(run.now.astimezone(SEOUL).date())
    cost = cost_words(memory.month.types, prices)
    if cost and memory.month.since:
        cost += f", {memory.month.since.astimezone(SEOUL):%m/%d}부터"
    page = today_page(facts, Outlook(matches, coming, troubles, cost))
    return render_today(REDACTOR.scrub_values(page))


def _memory(run: RunContext) -> OwnerMemory:
    try:
        return OwnerMemoryTable(run.session_table, run.clock).read()
    except NaverPlaceError as error:
        log.warning("what is remembered is not on the page: %s", error)
        return OwnerMemory()


def _seen_by_others(memory: OwnerMemory) -> Iterator[Trouble]:
    """List what stands according to watchdog, reconciliation and retention."""
    for standing in memory.standing.values():
        trouble = standing.as_trouble()
        if not standing.over and trouble.words.source is not Source.RUN:
            yield trouble
