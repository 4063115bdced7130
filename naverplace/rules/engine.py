"""Deciding: every booking x every enabled rule gives one verdict, and the effects that are owed.

The same decision, asked ahead, tells what will be sent if nothing changes at Naver.

Pure: the same bookings, records, rules and moment give the same decisions, in whatever order the
bookings come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import NamedTuple, cast

from naverplace.base.clock import SEOUL
from naverplace.base.errors import CannotDecide
from naverplace.base.memory import collector_paused
from naverplace.base.registry import Registry
from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.carried_out import carried_out
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
from naverplace.domain.records import LedgerEntry, Record, attribute
from naverplace.domain.results import Decisions, RuleVerdict, Undecided
from naverplace.rules import expiry, rescheduling
from naverplace.rules.actions import ACTIONS, NotDue
from naverplace.rules.conditions import CONDITIONS, Context, Evaluation
from naverplace.rules.evaluation import RuleEvaluator, WatchedContext
from naverplace.rules.rule_parser import Rule
from naverplace.rules.rulebook import Rulebook

PERIOD = timedelta(minutes=20)  # from one run to the next
_TURNS = 3  # what was sent may make another rule true, in the run after


class ComingMessage(NamedTuple):
    """A message, and the moment from which on a run will send it."""

    at: datetime
    effect: SendSms


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
        unknown bookings from when their store was first `served`. What an execution not in
        `reported_runs` has marked is marked again. Of a rule that is there only since a moment
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

    def coming(
        self,
        matches: Iterable[MatchedBooking],
        *,
        now: datetime,
        until: datetime,
        completed: bool = True,
    ) -> list[ComingMessage]:
        """List what is owed now or will be, until a moment, which is included; in order of time.

        Between two moments at which a condition or a text's hours can change, every answer stays:
        so the rules are asked at each of these moments, with the record as the messages before
        have left it; a rule that no time can change is not asked again. A confirmed booking is
        taken for completed from its end on, if `completed`. What cannot be decided is not
        listed: the run says so itself.
        """
        now, until = now.astimezone(SEOUL), until.astimezone(SEOUL)
        with collector_paused():
            found = [m for match in matches for m in self._of(match, now, until, completed)]
        return sorted(found, key=lambda m: (m.at, m.effect.key, m.effect.kind))

    def _of(
        self, match: MatchedBooking, now: datetime, until: datetime, completed: bool
    ) -> Iterator[ComingMessage]:
        booking, record = match
        if record and (plan := rescheduling.plan_reschedule(record, booking, now=now)):
            record = plan.record
        rules, book = self._evaluator.rules, self.rulebook
        stays: set[str] = set()  # rules that did not look at the time: their answer stays
        before: tuple[Booking, Record | None] | None = None
        moment: datetime | None = now
        while moment is not None:
            seen = _as_of(booking, moment) if completed else booking
            for _ in range(_TURNS):
                ctx = Context(seen, record, moment, book.stores, book.fields)
                if (seen, record) != before:
                    stays = {r.name for r in rules if self._evaluator.never_holds(r, ctx)}
                before = seen, record
                effects = self._owed_at(ctx, stays)
                sends = [effect for effect in effects if isinstance(effect, SendSms)]
                yield from (ComingMessage(moment, effect) for effect in sends)
                record = carried_out(record, effects, at=moment)
                if (seen, record) == before:
                    break
            ctx = Context(seen, record, moment, book.stores, book.fields)
            moment = self._next_moment(ctx, stays if (seen, record) == before else (), now, until)

    def _owed_at(self, ctx: Context, stays: set[str]) -> list[Effect]:
        """Give what the rules owe a booking at a moment, but for those that stay as they are."""
        owed = _Owed()
        for rule in (rule for rule in self._evaluator.rules if rule.name not in stays):
            watched = WatchedContext(ctx)
            with suppress(CannotDecide):
                self._apply(rule, cast(Context, watched), owed=owed)
            if not watched.asked:
                stays.add(rule.name)
        return _in_turn(owed)

    def _next_moment(
        self, ctx: Context, stays: Collection[str], now: datetime, until: datetime
    ) -> datetime | None:
        """Tell when an answer can change next, of those that do not stay; None: not until then."""
        moments = self._evaluator.moments(ctx, without=stays)
        moments.add(ctx.booking.end or ctx.booking.start)  # it is completed from then on
        if None in moments:  # a condition of somebody's own: asked as the runs will ask it
            moments.add(now + PERIOD * ((ctx.now - now) // PERIOD + 1))
        return min((m for m in moments if m and ctx.now < m <= until), default=None)

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


def _as_of(booking: Booking, moment: datetime) -> Booking:
    if booking.status is BookingStatus.CONFIRMED and (booking.end or booking.start) <= moment:
        return booking.model_copy(update={"status": BookingStatus.COMPLETED})
    return booking


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
