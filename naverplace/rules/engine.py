"""Deciding: every booking x every enabled rule gives one verdict, and the effects that are owed.

Pure: the same bookings, records, rules and moment give the same decisions, in whatever order the
bookings come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import cast

from naverplace.base.clock import SEOUL
from naverplace.base.errors import CannotDecide
from naverplace.base.memory import collector_paused
from naverplace.base.registry import Registry
from naverplace.domain.booking import Booking, new_item
from naverplace.domain.due_messages import DueMessage
from naverplace.domain.effects import (
    CreateRecord,
    Effect,
    MarkExpired,
    MoveRecord,
    Notify,
    RecordKey,
    SendSms,
    SetFlag,
)
from naverplace.domain.message_kinds import KINDS
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.record_matching import MatchedBooking, match_records
from naverplace.domain.records import LedgerEntry, Record, attribute, read_record
from naverplace.domain.results import Decisions, RuleVerdict, Undecided
from naverplace.rules import expiry, rescheduling
from naverplace.rules.actions import ACTIONS, NotDue
from naverplace.rules.conditions import CONDITIONS, Context, Evaluation
from naverplace.rules.evaluation import RuleEvaluator, WatchedContext
from naverplace.rules.rule_parser import Rule
from naverplace.rules.rulebook import Rulebook

PERIOD = timedelta(minutes=20)  # from one run to the next
AHEAD = timedelta(hours=6)  # so far every run looks at the coming ones


@dataclass
class _Owed:
    """What is owed for one booking: each effect once, whichever rule came first."""

    effects: dict[tuple[str, ...], Effect] = field(default_factory=dict)
    later: set[str] = field(default_factory=set)  # kinds of messages that wait for their hours


class RuleEngine:
    """Applies a rulebook with the registered conditions and actions."""

    def __init__(
        self, rulebook: Rulebook, *, conditions: Registry = CONDITIONS, actions: Registry = ACTIONS
    ) -> None:
        self.rulebook = rulebook
        self._evaluator = RuleEvaluator(rulebook, conditions=conditions, actions=actions)

    def decide(
        self,
        matches: Iterable[MatchedBooking],
        *,
        now: datetime,
        back: timedelta = expiry.BACK,
        served: Mapping[str, datetime],
        reported_runs: Collection[str] | None = None,
        rules_since: Mapping[str, datetime] | None = None,
    ) -> Decisions:
        """Decide what is owed at this moment, and name what has expired.

        Raises ValueError when `now` has no zone.

        What cannot be decided for one booking is named in `errors` and in its verdict; everything
        else goes on. What a booking lacked when it started is looked for until `back` later; of
        unknown bookings from when their store was first `served`. What a run not in
        `reported_runs` marked is marked again. Of a rule that is there only since a moment
        (`rules_since`) nothing has expired that was due before.
        """
        if now.tzinfo is None:
            raise ValueError("now must be aware: a time without a zone may be nine hours off")
        with collector_paused():
            return self._decide(
                matches, now.astimezone(SEOUL), back, served, reported_runs, rules_since
            )

    def _decide(
        self,
        matches: Iterable[MatchedBooking],
        now: datetime,
        back: timedelta,
        served: Mapping[str, datetime],
        reported_runs: Collection[str] | None,
        rules_since: Mapping[str, datetime] | None,
    ) -> Decisions:
        verdicts: list[RuleVerdict] = []
        effects: list[Effect] = []
        errors: list[Undecided] = []
        moved: list[MatchedBooking] = []
        book = self.rulebook
        for booking, record in in_order(matches, now):
            owed = _Owed()
            if record and (plan := rescheduling.plan_reschedule(record, booking, now=now)):
                record = plan.record
                owed.effects[_identity(plan.effect)] = plan.effect
            moved.append(MatchedBooking(booking, record))
            ctx = Context(booking, record, now, book.stores, book.fields)
            for rule in self._evaluator.rules:
                try:
                    verdicts.append(self._apply(rule, ctx, owed=owed))
                except CannotDecide as error:
                    why = str(error)
                    evaluation = Evaluation(False, failed=f"error: {why}")
                    verdicts.append(_verdict(rule, booking, evaluation))
                    errors.append(Undecided(booking.booking_num, booking.store_id, rule.name, why))
            effects += _in_turn(owed)
        effects += expiry.find_expired(
            moved,
            self._evaluator,
            now=now,
            owed={(effect.key, effect.kind) for effect in effects if isinstance(effect, SendSms)},
            served=served,
            back=back,
            reported_runs=reported_runs,
            rules_since=rules_since,
        )
        return Decisions(tuple(verdicts), tuple(effects), tuple(errors))

    def forecast(
        self, matches: Iterable[MatchedBooking], *, now: datetime, ahead: timedelta = AHEAD
    ) -> list[DueMessage]:
        """List what the runs of the next hours will owe if nothing changes, with when it is due.

        The rules are asked as those runs will ask them. What one of them could not decide is not
        listed: it says so itself. What is owed now already may be listed again.
        """
        now, book = now.astimezone(SEOUL), self.rulebook
        moments = [now + PERIOD * count for count in range(1, ahead // PERIOD + 1)]
        rules = [r for r in self._evaluator.rules if any(c.word == "send_sms" for c in r.then)]
        found: dict[tuple[RecordKey, str], DueMessage] = {}
        for booking, record in matches:
            match = self._as_next_run_finds_it(MatchedBooking(booking, record), now)
            ctx = Context(*match, now, book.stores, book.fields)
            able = [rule for rule in rules if not self._evaluator.never_holds(rule, ctx)]
            for message in (m for rule in able for m in self._coming(rule, match, moments)):
                first = found.setdefault((message.key, message.kind), message)
                found[message.key, message.kind] = min(first, message, key=lambda m: m.due)
        return list(found.values())

    def _as_next_run_finds_it(self, match: MatchedBooking, now: datetime) -> MatchedBooking:
        """Give a booking with the record that this run makes or moves, if it does."""
        booking, record = match
        if record is None:
            effects = self.decide([match], now=now, served={}).effects
            made = any(isinstance(effect, CreateRecord) for effect in effects)
            return MatchedBooking(booking, read_record(new_item(booking)) if made else None)
        plan = rescheduling.plan_reschedule(record, booking, now=now)
        return MatchedBooking(booking, plan.record if plan else record)

    def _coming(
        self, rule: Rule, match: MatchedBooking, moments: Iterable[datetime]
    ) -> Iterator[DueMessage]:
        """List the messages that a rule owes at the first of these moments at which it owes any."""
        book = self.rulebook
        for moment in moments:
            watched = WatchedContext(Context(*match, moment, book.stores, book.fields))
            sends: list[SendSms] = []
            with suppress(CannotDecide):
                owed = self._evaluator.evaluate(rule, cast(Context, watched)).owed
                sends = [effect for _, effect in owed if isinstance(effect, SendSms)]
            yield from (DueMessage.of(effect, moment) for effect in sends)
            if sends or not watched.asked:
                return

    def _apply(self, rule: Rule, ctx: Context, *, owed: _Owed) -> RuleVerdict:
        """Judge one rule for one booking, and note what it owes: all of it, or on error nothing."""
        if no := self._evaluator.plain_no(rule, ctx):
            booking = ctx.booking
            return RuleVerdict(booking.booking_num, booking.store_id, rule.name, False, *no)
        evaluation, actions = self._evaluator.evaluate(rule, ctx)
        observed = dict(evaluation.observed)
        for call, effect in actions:
            if isinstance(effect, NotDue):
                observed[call.text] = effect.why
                owed.later |= {effect.later} - {""}
            else:
                owed.effects.setdefault(_identity(effect), effect)
        return _verdict(rule, ctx.booking, evaluation._replace(observed=observed))


def match_and_decide(
    bookings: Iterable[Booking],
    records: Mapping[RecordKey, Record],
    rulebook: Rulebook,
    *,
    now: datetime,
    back: timedelta = expiry.BACK,
    served: Mapping[str, datetime] | None = None,
    reported_runs: Collection[str] | None = None,
) -> Decisions:
    """Match bookings with their records and decide, with this library's conditions and actions."""
    return RuleEngine(rulebook).decide(
        match_records(bookings, records),
        now=now,
        back=back,
        served=expiry.first_signs(records.values(), served),
        reported_runs=reported_runs,
    )


def in_order(matches: Iterable[MatchedBooking], now: datetime) -> list[MatchedBooking]:
    """Order bookings by urgency: the next to start first, those that have started last."""
    return sorted(
        matches, key=lambda m: (m.booking.start <= now, m.booking.start, m.booking.booking_num)
    )


def _verdict(rule: Rule, booking: Booking, evaluation: Evaluation) -> RuleVerdict:
    return RuleVerdict(
        booking.booking_num,
        booking.store_id,
        rule.name,
        evaluation.holds,
        evaluation.failed,
        evaluation.observed,
    )


def _identity(effect: Effect) -> tuple[str, ...]:
    if isinstance(effect, SendSms):
        return "sms", effect.kind
    if isinstance(effect, Notify):
        return effect.channel, effect.kind
    if isinstance(effect, MarkExpired):
        return "expired", effect.kind
    if isinstance(effect, SetFlag):
        return "flag", effect.flag
    return ("move",) if isinstance(effect, MoveRecord) else ("record",)


def _turn(effect: Effect) -> int:
    if isinstance(effect, CreateRecord | MoveRecord):
        return 0
    if isinstance(effect, SendSms):
        return 1 + KINDS.index(effect.kind) if effect.kind in KINDS else 4
    return 5 if isinstance(effect, SetFlag) else 6


def _in_turn(owed: _Owed) -> list[Effect]:
    """Order a booking's effects: record, confirmation, guide, event, others, flags, notices.

    A new record holds from its creation on which messages without a flag are owed: should the run
    die before it sends them, `message_owed` still knows.
    """
    effects = sorted(owed.effects.values(), key=_turn)
    kinds = {e.kind for e in effects if isinstance(e, SendSms) and not e.flag} | owed.later
    if not kinds:
        return effects
    # The table moves a message on from the token that it finds, so there must be one.
    mark = LedgerEntry(state=MessageStatus.OWED, attempt=0, token="decided").as_map()  # noqa: S106
    marks = {attribute(kind): mark for kind in sorted(kinds)}
    return [
        replace(effect, item={**effect.item, **marks})
        if isinstance(effect, CreateRecord | SendSms | Notify)
        else effect
        for effect in effects
    ]
