"""Messages that were owed until a booking's start, were never accepted, and are too late now; pure.

The rules are asked again, as they would have been asked at the last moment before the start. So
what is lost is found by the same rules that owe it, after whatever outage.
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
from naverplace.domain.records import LedgerEntry, Record, attribute
from naverplace.ledger.reported_runs import unreported_kinds
from naverplace.rules.actions import kind_of
from naverplace.rules.conditions import Context
from naverplace.rules.evaluator import Asking
from naverplace.rules.rule_parser import Call, Condition, Rule

BACK = timedelta(days=2)  # how long after its start a booking is still looked at
_MOMENT = timedelta(seconds=1)
_ANCHORS = ("starts_in_future", "time_before_booking")
_CAME = (BookingStatus.CONFIRMED, BookingStatus.COMPLETED)


def find_expired(
    bookings: Iterable[Booking],
    records: Mapping[RecordKey, Record],
    asking: Asking,
    *,
    now: datetime,
    owed: Collection[tuple[RecordKey, str]] = (),
    served: Mapping[str, datetime],
    back: timedelta = BACK,
    told: Collection[str] | None = None,
) -> tuple[MarkExpired, ...]:
    """List what expired with its booking's start, and does not stand in the ledger as expired yet.

    `records` are by booking key; `owed` are the messages, by record key and kind, that some rule
    still owes, so they have not expired. A booking without record counts only if it started after
    its store was first `served`, see first_signs: a new installation owed nothing before it began.
    `told` are the runs that have reported: what another one marked and never told is listed again;
    None: all have.
    """
    found: list[MarkExpired] = []
    for booking in bookings:
        over = now - back <= booking.start <= now and booking.status in _CAME
        record = records.get(booking.key)
        since = served.get(booking.store_id)
        if over and (record or (since and since < booking.start)):
            again = unreported_kinds(record, told, now=now)
            found += _Past(booking, record, asking, again=again).expired()
    return tuple(mark for mark in found if (mark.key, mark.kind) not in owed)


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


class _Past:
    """One booking that has started, as the rules saw it before."""

    def __init__(
        self,
        booking: Booking,
        record: Record | None,
        asking: Asking,
        *,
        again: Collection[str] = (),
    ) -> None:
        self.booking = booking.model_copy(update={"status": BookingStatus.CONFIRMED})
        self.completed = booking.status is BookingStatus.COMPLETED
        self.record, self.asking, self.again = record, asking, again
        left = {k: m for k, m in record.messages.items() if k not in again} if record else {}
        self.asked = replace(record, messages=left) if record else None

    def expired(self) -> list[MarkExpired]:
        """List each kind once, whichever rule owed it first."""
        found: dict[str, MarkExpired] = {}
        for rule in self.asking.rules:
            if any(call.word in _ANCHORS for call in _asked(rule.when)):
                for mark in self._of(rule):
                    found.setdefault(mark.kind, mark)
        return list(found.values())

    def _of(self, rule: Rule) -> Iterator[MarkExpired]:
        for moment in self._last_moments(rule):
            book = self.asking.rulebook
            ctx = Context(self.booking, self.asked, moment, book.stores, book.fields)
            try:
                made = self.asking.ask(rule, ctx).made
            except CannotDecide as error:
                yield from self._undecided(rule, ctx, str(error))
                continue
            for _, owed in made:
                if isinstance(owed, SendSms) and not self._settled(owed.kind):
                    yield self._mark(owed)

    def _last_moments(self, rule: Rule) -> list[datetime]:
        """List the last moments at which the rule could still owe something, the latest first."""
        start = self.booking.start
        ends = [start]
        for call in _asked(rule.when):
            if call.word == "current_hour":
                ends.append(_last(start, hour=call.parameters["hour"] + 1))
        for call in rule.then:
            template = self.asking.rulebook.templates.get(self._template(call))
            if template and template.window:
                closes = template.window[1]
                ends.append(_last(start, hour=closes.hour, minute=closes.minute))
        told = self.booking.told_at
        moments = {end - _MOMENT for end in ends}
        return sorted((at for at in moments if not told or told <= at), reverse=True)

    def _template(self, call: Call) -> str:
        name = str(call.parameters.get("template", ""))
        store = self.asking.rulebook.stores.get(self.booking.store_id)
        return ((store.templates if store else None) or {}).get(name, name)

    def _settled(self, kind: str) -> bool:
        """Tell whether it is with the provider, in doubt, or marked already."""
        entry = self._entry(kind)
        if entry is None or kind in self.again:
            return False
        return entry.is_in_doubt or entry.state in (MessageStatus.EXPIRED, *WITH_PROVIDER)

    def _entry(self, kind: str) -> LedgerEntry | None:
        return self.record.messages.get(kind) if self.record else None

    def _undecided(self, rule: Rule, ctx: Context, why: str) -> Iterator[MarkExpired]:
        """Name what a rule that holds would have sent, but for a text that cannot be filled in."""
        try:
            reply = self.asking.reply(rule, ctx)
        except CannotDecide:
            return  # nobody can say that it was owed
        for call in rule.then:
            if not reply.holds or call.word != "send_sms":
                continue
            kind = kind_of(call.parameters["template"], call.parameters["once"])
            flag = FLAG_OF.get(kind)
            sent = flag and self.record and getattr(self.record, flag)
            for_start = ctx.booking.start if reply.start_bound else None
            if not sent and not self._settled(kind):
                yield self._marked(
                    rule.name, kind, due=reply.since, for_start=for_start, why=f"undecided: {why}"
                )

    def _reason(self, kind: str) -> str:
        """Word why a message was never accepted; a reason of the ledger holds no phone."""
        entry = self._entry(kind)
        if entry and kind in self.again:
            return entry.reason
        if entry is None or not entry.attempt:
            known = self.record.messages if self.record else ()
            moved = any(name.startswith(f"{kind}_at_") for name in known)
            return "no run reached it" + (" after the booking was moved" if moved else "")
        why = f": {entry.reason}" if entry.reason else ""
        if entry.state == MessageStatus.REFUSED:
            return f"refused {_times(entry.refusals or entry.attempt)}{why}"
        return f"tried {_times(entry.attempt)}, SENS has taken none{why}"

    def _mark(self, owed: SendSms) -> MarkExpired:
        return self._marked(
            owed.rule,
            owed.kind,
            due=owed.due,
            for_start=owed.for_start,
            why=self._reason(owed.kind),
            expires=owed.expires,
        )

    def _marked(
        self,
        rule: str,
        kind: str,
        *,
        due: datetime | None,
        for_start: datetime | None,
        why: str,
        expires: datetime | None = None,
    ) -> MarkExpired:
        booking, entry = self.booking, self._entry(kind)
        key = self.record.key if self.record else booking.key
        return MarkExpired(
            key=key,
            rule=rule,
            kind=kind,
            store_id=booking.store_id,
            due=due,
            expires=expires or booking.start,
            reason=why,
            flag=FLAG_OF.get(kind),
            for_start=for_start,
            seen=(entry.token, entry.state) if entry else None,
            item={**new_item(booking), "phone": key.phone, **self._closed()},
        )

    def _closed(self) -> dict[str, Any]:
        """Close what a record made only now would newly owe: its booking came unknown (L13)."""
        if self.record or not self.completed:
            return {}
        why = "the booking was completed before it had a record"
        mark = LedgerEntry(MessageStatus.EXPIRED, attempt=0, token="completed", reason=why)  # noqa: S106
        return {attribute("event"): mark.as_map()}


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _asked(condition: Condition) -> Iterator[Call]:
    """List the conditions that must hold; those under `not` must not."""
    if isinstance(condition, Call):
        yield condition
    elif condition.word != "not":
        for part in condition.parts:
            yield from _asked(part)


def _last(start: datetime, *, hour: int, minute: int = 0) -> datetime:
    """Give the last such time of day that is not after the start; hour 24 is midnight."""
    at = start.replace(hour=hour % 24, minute=minute, second=0, microsecond=0)
    return at if at <= start else at - timedelta(days=1)
