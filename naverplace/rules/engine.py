"""Deciding: every booking x every enabled rule gives one verdict, and the effects that are owed.

Pure: the same bookings, records, rules and moment give the same decisions, in whatever order the
bookings come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from naverplace.base.clock import SEOUL
from naverplace.base.errors import CannotDecide
from naverplace.base.registry import Registry
from naverplace.domain.booking import Booking
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
from naverplace.rules.evaluation import RuleEvaluator
from naverplace.rules.rule_parser import Rule
from naverplace.rules.rulebook import Rulebook


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
    ) -> Decisions:
        """Decide what is owed at this moment, and name what has expired.

        Raises ValueError when `now` has no zone.

        What cannot be decided for one booking is named in `errors` and in its verdict; everything
        else goes on. What a booking lacked when it started is looked for until `back` later; of
        unknown bookings from when their store was first `served`. What a run not in
        `reported_runs` marked is marked again.
        """
        if now.tzinfo is None:
            raise ValueError("now must be aware: a time without a zone may be nine hours off")
        now = now.astimezone(SEOUL)
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
        )
        return Decisions(tuple(verdicts), tuple(effects), tuple(errors))

    def _apply(self, rule: Rule, ctx: Context, *, owed: _Owed) -> RuleVerdict:
        """Judge one rule for one booking, and note what it owes: all of it, or on error nothing."""
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
