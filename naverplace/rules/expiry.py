"""Messages that were owed until a booking's start, were never accepted, and are too late now; pure.

The rules are evaluated again, as they stood at the last moment before the start. So what is lost is
found by the same rules that owe it, after whatever outage.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.errors import CannotDecide
from naverplace.domain.booking import Booking, BookingStatus, new_item
from naverplace.domain.effects import MarkExpired, RecordKey, SendSms
from naverplace.domain.message_kinds import FLAG_OF
from naverplace.domain.message_status import WITH_PROVIDER, MessageStatus
from naverplace.domain.record_matching import MatchedBooking
from naverplace.domain.records import LedgerEntry, Record, attribute
from naverplace.rules.actions import NotDue, kind_of
from naverplace.rules.conditions import Context
from naverplace.rules.evaluation import RuleEvaluator
from naverplace.rules.rule_parser import Call, Rule, required_calls

BACK = timedelta(days=2)  # how long after its start a booking is still looked at
REPORT_LIMIT = timedelta(minutes=15)  # a run that has not reported by then never will
START_BOUND_CONDITIONS = ("starts_in_future", "time_before_booking")
NEVER_REACHED = "no run reached it"  # the reason of a message that nothing was tried for
_MOMENT = timedelta(seconds=1)
_STARTED = (BookingStatus.CONFIRMED, BookingStatus.COMPLETED)


def find_expired(
    matches: Iterable[MatchedBooking],
    evaluator: RuleEvaluator,
    *,
    now: datetime,
    owed: Collection[tuple[RecordKey, str]] = (),
    served: Mapping[str, datetime],
    back: timedelta = BACK,
    reported_runs: Collection[str] | None = None,
    rules_since: Mapping[str, datetime] | None = None,
) -> tuple[MarkExpired, ...]:
    """List what expired with its booking's start, and does not stand in the ledger as expired yet.

    `owed` are the messages, by record key and kind, that some rule still owes, so they have not
    expired. A booking without record counts only if it started after
    its store was first `served`, see first_signs: a new installation owed nothing before it began.
    What another run marked and never reported is listed again; None: all runs have reported.
    A rule owed nothing before it was there, `rules_since`.
    """
    marks: list[MarkExpired] = []
    for booking, record in matches:
        if booking.status not in _STARTED or not now - back <= booking.start <= now:
            continue
        since = served.get(booking.store_id)
        if record or (since and since < booking.start):
            unreported = unreported_kinds(record, reported_runs, now=now)
            started = _StartedBooking(
                booking, record, evaluator, unreported=unreported, rules_since=rules_since or {}
            )
            marks += started.expired_messages()
    return tuple(mark for mark in marks if (mark.key, mark.kind) not in owed)


def unreported_kinds(
    record: Record | None, reported_runs: Collection[str] | None, *, now: datetime
) -> frozenset[str]:
    """Name the kinds that were marked as expired by a run that died before its report."""
    if record is None or reported_runs is None:
        return frozenset()
    return frozenset(
        kind
        for kind, entry in record.messages.items()
        if entry.state == MessageStatus.EXPIRED
        and entry.execution_id
        and entry.execution_id not in reported_runs
        and (entry.settled_at is None or entry.settled_at + REPORT_LIMIT <= now)
    )


def first_signs(
    records: Iterable[Record], known: Mapping[str, datetime] | None = None
) -> dict[str, datetime]:
    """Tell for each store since when we have served it, for all that is known or claims show.

    What the legacy missed before that is not ours to name.
    """
    signs = dict(known or {})
    for record in records:
        store_id = record.key.store_id
        for message in record.messages.values():
            if message.claimed_at:
                signs[store_id] = min(message.claimed_at, signs.get(store_id, message.claimed_at))
    return signs


class _StartedBooking:
    """A booking whose start is past, seen as it stood just before: confirmed, about to start."""

    def __init__(
        self,
        booking: Booking,
        record: Record | None,
        evaluator: RuleEvaluator,
        *,
        unreported: Collection[str] = (),
        rules_since: Mapping[str, datetime],
    ) -> None:
        self.booking = booking.model_copy(update={"status": BookingStatus.CONFIRMED})
        self.completed = booking.status is BookingStatus.COMPLETED
        self.record, self.evaluator, self.unreported = record, evaluator, unreported
        self.rules = [
            rule
            for rule in evaluator.rules
            if rules_since.get(rule.name, booking.start) <= booking.start
        ]
        self._record_for_rules = record and replace(  # as it was before the unreported marks
            record, messages={k: m for k, m in record.messages.items() if k not in unreported}
        )

    def expired_messages(self) -> list[MarkExpired]:
        """List each kind once, whichever rule owed it first."""
        marks: dict[str, MarkExpired] = {}
        for rule in self.rules:
            words = {call.word for call in required_calls(rule.when)}
            if words.intersection(START_BOUND_CONDITIONS):
                for mark in self._owed_by(rule):
                    marks.setdefault(mark.kind, mark)
        return list(marks.values())

    def _owed_by(self, rule: Rule) -> Iterator[MarkExpired]:
        book = self.evaluator.rulebook
        waited: dict[str, str] = {}  # kinds whose hours had not come at some moment, and why
        for moment in self._last_moments(rule):
            ctx = Context(self.booking, self._record_for_rules, moment, book.stores, book.fields)
            try:
                actions = self.evaluator.evaluate(rule, ctx).owed
            except CannotDecide as error:
                yield from self._owed_without_text(rule, ctx, f"undecided: {error}")
                continue
            for _, owed in actions:
                if isinstance(owed, SendSms) and not self._is_resolved(owed.kind):
                    times = {"due": owed.due, "expires": owed.expires, "for_start": owed.for_start}
                    yield self._mark(owed.rule, owed.kind, self._reason(owed.kind), **times)
                elif isinstance(owed, NotDue) and owed.later and not self._is_resolved(owed.later):
                    why = f"it may be sent {owed.why}, and the rule held at other hours"
                    waited.setdefault(owed.later, why)
        for kind, reason in waited.items():
            yield self._mark(rule.name, kind, reason, due=None, expires=None, for_start=None)

    def _owed_without_text(self, rule: Rule, ctx: Context, reason: str) -> Iterator[MarkExpired]:
        """Name what a rule that holds would have sent, but for a text that cannot be filled in."""
        try:
            evaluation = self.evaluator.holds(rule, ctx)
        except CannotDecide:
            return  # nobody can say that it was owed
        for call in rule.then:
            if not evaluation.holds or call.word != "send_sms":
                continue
            kind = kind_of(call.parameters["template"], call.parameters["once"])
            flag = FLAG_OF.get(kind)
            sent = flag and self.record and getattr(self.record, flag)
            if not sent and not self._is_resolved(kind):
                for_start = ctx.booking.start if evaluation.start_bound else None
                times = {"due": evaluation.holds_since, "expires": None, "for_start": for_start}
                yield self._mark(rule.name, kind, reason, **times)

    def _last_moments(self, rule: Rule) -> list[datetime]:
        """List the last moments at which the rule could still owe something, the latest first."""
        start = self.booking.start
        ends = [start]
        for call in required_calls(rule.when):
            if call.word == "current_hour":
                ends.append(_last_before(start, hour=call.parameters["hour"] + 1))
        for call in rule.then:
            template = self.evaluator.rulebook.templates.get(self._template(call))
            if template and template.window:
                closes = template.window[1]
                ends.append(_last_before(start, hour=closes.hour, minute=closes.minute))
        known_since = self.booking.status_known_since
        moments = {end - _MOMENT for end in ends}
        return sorted((m for m in moments if not known_since or known_since <= m), reverse=True)

    def _template(self, call: Call) -> str:
        name = str(call.parameters.get("template", ""))
        store = self.evaluator.rulebook.stores.get(self.booking.store_id)
        return ((store.templates if store else None) or {}).get(name, name)

    def _is_resolved(self, kind: str) -> bool:
        entry = self._entry(kind)
        if entry is None or kind in self.unreported:
            return False
        return entry.is_in_doubt or entry.state in (MessageStatus.EXPIRED, *WITH_PROVIDER)

    def _entry(self, kind: str) -> LedgerEntry | None:
        return self.record.messages.get(kind) if self.record else None

    def _reason(self, kind: str) -> str:
        """Word why a message was never accepted; a reason of the ledger holds no phone."""
        entry = self._entry(kind)
        if entry and kind in self.unreported:
            return entry.reason
        if entry is None or not entry.attempt:
            known = self.record.messages if self.record else ()
            moved = any(name.startswith(f"{kind}_at_") for name in known)
            return NEVER_REACHED + (" after the booking was moved" if moved else "")
        why = f": {entry.reason}" if entry.reason else ""
        if entry.state == MessageStatus.REFUSED:
            return f"refused {_times(entry.refusals or entry.attempt)}{why}"
        return f"tried {_times(entry.attempt)}, SENS has taken none{why}"

    def _mark(self, rule: str, kind: str, reason: str, **times: datetime | None) -> MarkExpired:
        booking, entry = self.booking, self._entry(kind)
        key = self.record.key if self.record else booking.key
        return MarkExpired(
            key=key,
            rule=rule,
            kind=kind,
            store_id=booking.store_id,
            due=times["due"],
            expires=times["expires"] or booking.start,
            reason=reason,
            flag=FLAG_OF.get(kind),
            for_start=times["for_start"],
            seen=(entry.token, entry.state) if entry else None,
            item={**new_item(booking), "phone": key.phone, **self._suppress_event()},
        )

    def _suppress_event(self) -> dict[str, Any]:
        """Mark the event too in a record made only now for a completed booking.

        The record alone would make the event owed to a booking that came unknown (L13).
        """
        if self.record or not self.completed:
            return {}
        why = "the booking was completed before it had a record"
        entry = LedgerEntry(MessageStatus.EXPIRED, attempt=0, token="completed", reason=why)  # noqa: S106
        return {attribute("event"): entry.as_map()}


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _last_before(start: datetime, *, hour: int, minute: int = 0) -> datetime:
    """Give the last such time of day that is not after the start; hour 24 is midnight."""
    moment = start.replace(hour=hour % 24, minute=minute, second=0, microsecond=0)
    return moment if moment <= start else moment - timedelta(days=1)
