"""Deciding: every booking x every enabled rule gives one verdict, and the effects that are owed.

Pure: the same bookings, records, rules and moment give the same decisions, in whatever order the
bookings come.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.base.errors import CannotDecide
from naverplace.base.registry import Registry
from naverplace.domain import record_matching
from naverplace.domain.booking import Booking, BookingStatus
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
from naverplace.domain.records import LedgerEntry, Record, attribute
from naverplace.domain.results import Decisions, Undecided, Verdict
from naverplace.rules import expiry, rescheduling
from naverplace.rules.actions import ACTIONS, NotDue
from naverplace.rules.conditions import CONDITIONS, Context, Evaluation
from naverplace.rules.evaluation import RuleEvaluator
from naverplace.rules.rule_parser import Rule
from naverplace.rules.rulebook import Rulebook

_EARLY = (BookingStatus.REQUESTED, BookingStatus.CONFIRMED)


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
        bookings: Iterable[Booking],
        records: Mapping[RecordKey, Record],
        *,
        now: datetime,
        back: timedelta = expiry.BACK,
        served: Mapping[str, datetime] | None = None,
        reported_runs: Collection[str] | None = None,
    ) -> Decisions:
        """Decide what is owed at this moment, and name what has expired.

        Raises ValueError when `now` has no zone.

        A booking that stands in two lists counts once, with its newest status: while the lists are
        read it may complete, so RC08 wins over RC03. What cannot be decided for one booking is
        named in `errors` and in its verdict; everything else goes on. `records` may hold a booking
        under another spelling of its phone. What a booking lacked when it started is looked for
        until `back` later; of unknown bookings from when their store was first `served`, or the
        records' first sign of it. What a run not in `reported_runs` marked is marked again.
        """
        if now.tzinfo is None:
            raise ValueError("now must be aware: a time without a zone may be nine hours off")
        now = now.astimezone(SEOUL)
        verdicts: list[Verdict] = []
        effects: list[Effect] = []
        errors: list[Undecided] = []
        book = self.rulebook
        bookings = in_order(newest(bookings), now)
        own = record_matching.match_records(bookings, records)
        for booking in bookings:
            owed = _Owed()
            if (record := own.get(booking.key)) and (
                move := rescheduling.plan_reschedule(record, booking, now=now)
            ):
                own[booking.key] = move.record
                owed.effects[_identity(move.effect)] = move.effect
            ctx = Context(booking, own.get(booking.key), now, book.stores, book.fields)
            for rule in self._evaluator.rules:
                try:
                    verdicts.append(self._apply(rule, ctx, owed=owed))
                except CannotDecide as error:
                    why = str(error)
                    verdicts.append(
                        _verdict(rule, booking, Evaluation(False, failed=f"error: {why}"))
                    )
                    errors.append(Undecided(booking.booking_num, booking.store_id, rule.name, why))
            effects += _in_turn(owed)
        still = {(effect.key, effect.kind) for effect in effects if isinstance(effect, SendSms)}
        signs = expiry.first_signs(records.values(), served or {})
        effects += expiry.find_expired(
            bookings,
            own,
            self._evaluator,
            now=now,
            owed=still,
            served=signs,
            back=back,
            reported_runs=reported_runs,
        )
        return Decisions(tuple(verdicts), tuple(effects), tuple(errors))

    def _apply(self, rule: Rule, ctx: Context, *, owed: _Owed) -> Verdict:
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


def decide(
    bookings: Iterable[Booking],
    records: Mapping[RecordKey, Record],
    rulebook: Rulebook,
    *,
    now: datetime,
    back: timedelta = expiry.BACK,
    served: Mapping[str, datetime] | None = None,
    reported_runs: Collection[str] | None = None,
) -> Decisions:
    """Decide what is owed at this moment, with the conditions and actions of this library."""
    return RuleEngine(rulebook).decide(
        bookings, records, now=now, back=back, served=served, reported_runs=reported_runs
    )


def newest(bookings: Iterable[Booking]) -> list[Booking]:
    """Keep of every booking the reading with its newest status; of two alike the later one."""
    kept: dict[str, Booking] = {}
    for booking in bookings:
        other = kept.get(booking.booking_num)
        if other is None or _age(booking) > _age(other):
            kept[booking.booking_num] = booking
    return list(kept.values())


def _age(booking: Booking) -> tuple[Any, ...]:
    settled = booking.status not in _EARLY
    # The last two only keep the choice independent of the order that bookings come in.
    return settled, booking.read_at, booking.status.value, booking.start, booking.raw_phone


def in_order(bookings: Iterable[Booking], now: datetime) -> list[Booking]:
    """Order bookings by urgency: the next to start first, those that have started last."""
    return sorted(bookings, key=lambda b: (b.start <= now, b.start, b.booking_num))


def _verdict(rule: Rule, booking: Booking, evaluation: Evaluation) -> Verdict:
    return Verdict(
        booking.booking_num,
        booking.store_id,
        rule.name,
        evaluation.holds,
        evaluation.failed,
        evaluation.observed,
    )


def _identity(effect: Effect) -> tuple[str, ...]:
    """Name what must not be owed twice for one booking."""
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
