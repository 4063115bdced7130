"""Forecasts of the stores: made by the first run after the evening's digest is due, then scored.

What is kept is small, and nothing rests on it: a forecast that cannot be kept costs no message.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from naverplace.base.clock import format_utc, parse_time
from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.carried_out import carried_out
from naverplace.domain.effects import Effect, SendSms
from naverplace.domain.forecasts import (
    FORECAST,
    MADE,
    Forecast,
    MessageName,
    marks_of,
    read_forecast,
)
from naverplace.domain.message_status import WITH_PROVIDER
from naverplace.domain.record_matching import MatchedBooking
from naverplace.domain.records import MOVED_FROM, Record, read_record
from naverplace.domain.results import Outcome
from naverplace.ledger.scan import LedgerMessage, entries_of
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.steps import DecisionResult, RunResults
from naverplace.reporting.forecast_score import StoreOutcome, score_forecast
from naverplace.rules.actions import kind_of
from naverplace.rules.engine import RuleEngine
from naverplace.rules.rule_logic import needs_completed
from naverplace.rules.rule_parser import Rule

AHEAD = timedelta(hours=26)  # a day, and until the run that scores it has come
_TAKEN = (Outcome.ACCEPTED, Outcome.ADOPTED)


def stores_to_forecast(run: RunContext, served: Collection[str]) -> list[str]:
    """List the stores of which no forecast was made since the digest was due.

    A store that is new here gets its first one after the next digest. Raises Transient, Permanent.
    """
    if run.dry_run or not served:
        return []
    made = run.session_table.get(MADE) or {}
    due = run.rulebook.routing.summary.last_digest_before(run.now)
    times = {store_id: parse_time(made.get(store_id)) for store_id in served}
    if new := {store_id: format_utc(run.now) for store_id, at in times.items() if at is None}:
        run.session_table.update(MADE, new)
    return sorted(store_id for store_id, at in times.items() if at and at < due)


def renew_forecasts(
    run: RunContext, results: RunResults, decided: DecisionResult, stores: Iterable[str]
) -> Counter[str]:
    """Score the forecasts of these stores, and make the next ones. Raises Transient, Permanent."""
    counts: Counter[str] = Counter()
    paused = run.store_locks.table.read(stores)
    tried = {
        MessageName(r.booking_num, r.kind): r.outcome in _TAKEN
        for r in results.actions
        if r.action == "send_sms"
    }
    taken = {name for name, was_taken in tried.items() if was_taken}
    for store_id in stores:
        at, matches = run.clock.now(), decided.matches_of(store_id)
        held = paused[store_id].pause_at(run.now) is not None
        item = run.session_table.get(FORECAST + store_id) or {}
        if last := read_forecast(store_id, item):
            counts += score_forecast(last, _outcome(run, last, matches, tried, held))
        effects = decided.effects_of(store_id)
        after = [_after(match, effects, taken, at) for match in matches]
        coming = RuleEngine(run.rulebook).coming(after, now=at, until=at + AHEAD)
        messages = {MessageName(m.effect.key.booking_num, m.effect.kind): m.at for m in coming}
        version = run.rulebook_version.id
        marks = marks_of(match.booking for match in matches)
        new = Forecast(store_id, at, at + AHEAD, version, messages, marks)
        run.session_table.put(new.as_item())
        run.session_table.update(MADE, {store_id: format_utc(run.now)})
    return counts


def _after(
    match: MatchedBooking, effects: Iterable[Effect], taken: Collection[MessageName], at: datetime
) -> MatchedBooking:
    """Give a booking with its record as this run has left it."""
    number = match.booking.booking_num
    done = [
        effect
        for effect in effects
        if effect.key.booking_num == number
        and (not isinstance(effect, SendSms) or MessageName(number, effect.kind) in taken)
    ]
    return match._replace(record=carried_out(match.record, done, at=at))


def _outcome(
    run: RunContext,
    last: Forecast,
    matches: Iterable[MatchedBooking],
    tried: Mapping[MessageName, bool],
    paused: bool,
) -> StoreOutcome:
    matches = list(matches)
    bookings = {match.booking.booking_num: match.booking for match in matches}
    records: list[Record] = [match.record for match in matches if match.record]
    gone = {name.booking_num for name in last.messages} - bookings.keys()
    for number in sorted(gone):  # what is not listed any more may have got its message before
        records += map(read_record, run.table.records.table.query("booking_num", number))
    entries = [entry for record in records for entry in entries_of(record)]
    taken = [e for e in entries if e.message.state in WITH_PROVIDER and _since(e, last.at)]
    sent = {_name(entry) for entry in taken}
    sent |= {
        name for name, was_taken in tried.items() if was_taken and name.store_id == last.store_id
    }
    unsent = ({_name(entry) for entry in entries} | tried.keys()) - sent
    unsent |= _owed_when_due(run, last, matches) - sent
    return StoreOutcome(
        run.now,
        frozenset(sent),
        frozenset(unsent),
        bookings,
        paused,
        run.rulebook_version.id,
        for_another_start=frozenset(_name(e) for e in taken if _is_of_another_start(e, bookings)),
        of_completed=kinds_of_completed(run.rulebook.rules),
    )


def _owed_when_due(
    run: RunContext, last: Forecast, matches: Iterable[MatchedBooking]
) -> set[MessageName]:
    """Name what the rules owed at the foreseen moment: what of it is not sent, no run came for."""
    engine, by_number = RuleEngine(run.rulebook), {m.booking.booking_num: m for m in matches}
    return {
        name
        for name, due in last.messages.items()
        if due <= run.now and (match := by_number.get(name.booking_num))
        for coming in engine.coming([_as_it_was(match, due)], now=due, until=due)
        if coming.effect.kind == name.kind
    }


def _as_it_was(match: MatchedBooking, at: datetime) -> MatchedBooking:
    """Give a booking that is completed by now as it was before."""
    booking = match.booking
    if booking.completed_at and booking.completed_at > at:
        booking = booking.model_copy(update={"status": BookingStatus.CONFIRMED})
    return match._replace(booking=booking)


def kinds_of_completed(rules: Iterable[Rule]) -> frozenset[str]:
    """Name the kinds of messages that rules send for completed bookings only."""
    needs: dict[str, set[bool]] = {}
    for rule in rules:
        for call in rule.then:
            if rule.enabled and call.word == "send_sms":
                kind = kind_of(str(call.parameters["template"]), call.parameters.get("once"))
                needs.setdefault(kind, set()).add(needs_completed(rule.when))
    return frozenset(kind for kind, said in needs.items() if said == {True})


def _is_of_another_start(entry: LedgerMessage, bookings: Mapping[str, Booking]) -> bool:
    booking, start = bookings.get(entry.key.booking_num), entry.message.for_start
    return MOVED_FROM in entry.kind or bool(booking and start and start != booking.start)


def _name(entry: LedgerMessage) -> MessageName:
    return MessageName(entry.key.booking_num, entry.kind.partition(MOVED_FROM)[0])


def _since(entry: LedgerMessage, at: datetime) -> bool:
    return entry.at is not None and entry.at > at
