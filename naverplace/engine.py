"""Deciding: every booking x every enabled rule gives one verdict, and the effects that are owed.

Pure: the same bookings, records, rules and moment give the same decisions, in whatever order the
bookings come.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from naverplace.actions import ACTIONS, ActionContext, NotOwed
from naverplace.booking import Booking, BookingStatus
from naverplace.clock import SEOUL
from naverplace.conditions import CONDITIONS, Context
from naverplace.effects import (
    CreateRecord,
    Decisions,
    Effect,
    Notify,
    RecordKey,
    SendSms,
    SetFlag,
    Undecided,
    Verdict,
)
from naverplace.errors import CannotDecide
from naverplace.questions import Question, Reply, compiled, placed
from naverplace.records import MessageState, Record, State, attribute
from naverplace.registry import Registry
from naverplace.rulebook import Rulebook
from naverplace.rulefile import Rule

_FIRST_KINDS = {"confirmation": 1, "guide": 2, "event": 3}
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
        self.rulebook, self.actions = rulebook, actions
        self._rules: list[tuple[Rule, Question]] = [
            (rule, compiled(rule.when, conditions)) for rule in rulebook.rules if rule.enabled
        ]

    def decide(
        self,
        bookings: Iterable[Booking],
        records: Mapping[RecordKey, Record],
        *,
        now: datetime,
    ) -> Decisions:
        """Decide what is owed at this moment. Raises ValueError when `now` has no zone.

        A booking that stands in two lists counts once, with its newest status: while the lists are
        read it may complete, so RC08 wins over RC03. What cannot be decided for one booking is
        named in `errors` and in its verdict; everything else goes on.
        """
        if now.tzinfo is None:
            raise ValueError("now must be aware: a time without a zone may be nine hours off")
        now = now.astimezone(SEOUL)
        verdicts: list[Verdict] = []
        effects: list[Effect] = []
        errors: list[Undecided] = []
        book = self.rulebook
        for booking in in_order(newest(bookings), now):
            ctx = Context(booking, records.get(booking.key), now, book.stores, book.fields)
            owed = _Owed()
            for rule, question in self._rules:
                try:
                    verdicts.append(self._apply(rule, question, ctx, owed=owed))
                except CannotDecide as error:
                    why = str(error)
                    verdicts.append(_verdict(rule, booking, Reply(False, {}, f"error: {why}")))
                    errors.append(Undecided(booking.booking_num, booking.store_id, rule.name, why))
            effects += _in_turn(owed)
        return Decisions(tuple(verdicts), tuple(effects), tuple(errors))

    def _apply(self, rule: Rule, question: Question, ctx: Context, *, owed: _Owed) -> Verdict:
        """Judge one rule for one booking, and note what it owes: all of it, or on error nothing."""
        reply = question(ctx)
        if not reply.holds:
            return _verdict(rule, ctx.booking, reply)
        action_context = self._action_context(rule, ctx, reply)
        made = [placed(call, self.actions[call.word], action_context) for call in rule.then]
        seen = dict(reply.seen)
        for call, one in zip(rule.then, made, strict=True):
            if isinstance(one, NotOwed):
                seen[call.text] = one.why
                owed.later |= {one.later} - {""}
            else:
                owed.effects.setdefault(_identity(one), one)
        return _verdict(rule, ctx.booking, reply._replace(seen=seen))

    def _action_context(self, rule: Rule, ctx: Context, reply: Reply) -> ActionContext:
        book, store_id = self.rulebook, ctx.booking.store_id
        if store_id not in book.stores:
            raise CannotDecide(f"{rule.place}: store {store_id} is not in stores.yaml")
        return ActionContext(
            booking=ctx.booking,
            record=ctx.record,
            now=ctx.now,
            store=book.stores[store_id],
            rule=rule.name,
            due=reply.since,
            templates=book.templates,
            access=book.access,
            routing=book.routing,
            default_sender=book.default_sender,
        )


def decide(
    bookings: Iterable[Booking],
    records: Mapping[RecordKey, Record],
    rulebook: Rulebook,
    *,
    now: datetime,
) -> Decisions:
    """Decide what is owed at this moment, with the conditions and actions of this library."""
    return RuleEngine(rulebook).decide(bookings, records, now=now)


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


def _verdict(rule: Rule, booking: Booking, reply: Reply) -> Verdict:
    return Verdict(
        booking.booking_num, booking.store_id, rule.name, reply.holds, reply.failed, reply.seen
    )


def _identity(effect: Effect) -> tuple[str, ...]:
    """Name what must not be owed twice for one booking."""
    if isinstance(effect, SendSms):
        return "sms", effect.kind
    if isinstance(effect, Notify):
        return effect.channel, effect.kind
    return ("flag", effect.flag) if isinstance(effect, SetFlag) else ("record",)


def _turn(effect: Effect) -> int:
    if isinstance(effect, CreateRecord):
        return 0
    if isinstance(effect, SendSms):
        return _FIRST_KINDS.get(effect.kind, 4)
    return 5 if isinstance(effect, SetFlag) else 6


def _in_turn(owed: _Owed) -> list[Effect]:
    """Order one booking's effects: record, confirmation, guide, event, others, flags, notices.

    A new record holds from its creation on which messages without a flag are owed: should the run
    die before it sends them, `message_owed` still knows.
    """
    effects = sorted(owed.effects.values(), key=_turn)
    kinds = {e.kind for e in effects if isinstance(e, SendSms) and not e.flag} | owed.later
    if not kinds:
        return effects
    # The table moves a message on from the token that it finds, so there must be one.
    mark = MessageState(state=State.OWED, attempt=0, token="decided").as_map()  # noqa: S106
    marks = {attribute(kind): mark for kind in sorted(kinds)}
    return [
        effect if isinstance(effect, SetFlag) else replace(effect, item={**effect.item, **marks})
        for effect in effects
    ]
