"""What will be sent until a moment if nothing changes at Naver: the decision, asked ahead; pure.

Between two moments at which a condition or a text's hours can change, every answer stays: so the
rules are asked at each of these moments, with the record as the messages before have left it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

from naverplace.base.clock import SEOUL
from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.effects import SendSms
from naverplace.domain.record_matching import MatchedBooking
from naverplace.domain.records import Record
from naverplace.rules import rescheduling
from naverplace.rules.carried_out import carried_out
from naverplace.rules.conditions import Context
from naverplace.rules.engine import PERIOD, RuleEngine
from naverplace.rules.explanation import Explainer
from naverplace.rules.rulebook import Rulebook

_TURNS = 3  # what was sent may make another rule true, in the run after


class ComingMessage(NamedTuple):
    """A message, and the moment from which on a run will send it."""

    at: datetime
    effect: SendSms


class Forecaster:
    """Looks ahead with a rulebook's enabled rules."""

    def __init__(self, rulebook: Rulebook) -> None:
        self._engine, self._explainer = RuleEngine(rulebook), Explainer(rulebook)
        self._book = rulebook

    def coming(
        self, matches: Iterable[MatchedBooking], *, now: datetime, until: datetime
    ) -> list[ComingMessage]:
        """List what is owed now or will be, until a moment, which is included; in order of time.

        A confirmed booking is taken for completed from its end on. What cannot be decided is not
        listed: the run says so itself.
        """
        now, until = now.astimezone(SEOUL), until.astimezone(SEOUL)
        found = [m for match in matches for m in self._of(match, now, until)]
        return sorted(found, key=lambda m: (m.at, m.effect.key, m.effect.kind))

    def _of(self, match: MatchedBooking, now: datetime, until: datetime) -> Iterator[ComingMessage]:
        booking, record = match
        if record and (plan := rescheduling.plan_reschedule(record, booking, now=now)):
            record = plan.record
        for moment in self._moments(booking, record, now, until):
            for _ in range(_TURNS):
                then = MatchedBooking(_as_of(booking, moment), record)
                effects = self._engine.decide([then], now=moment, served={}).effects
                sends = [effect for effect in effects if isinstance(effect, SendSms)]
                yield from (ComingMessage(moment, effect) for effect in sends)
                before, record = record, carried_out(record, effects, at=moment)
                if record == before:
                    break

    def _moments(
        self, booking: Booking, record: Record | None, now: datetime, until: datetime
    ) -> list[datetime]:
        """List when anything can change for a booking, from now on, in order."""
        done = booking.end or booking.start
        moments: set[datetime | None] = {now, done}
        # Of a day's hours those until the day after are known beforehand, so two days are asked.
        for day in (now, until):
            for seen in (booking, _as_of(booking, done)):
                ctx = Context(seen, record, day, self._book.stores, self._book.fields)
                moments |= self._explainer.moments(ctx)
        if None in moments:  # a condition of somebody's own: asked as the runs will ask it
            moments |= {now + PERIOD * count for count in range((until - now) // PERIOD + 1)}
        return sorted(m for m in moments if m and now <= m <= until)


def _as_of(booking: Booking, moment: datetime) -> Booking:
    if booking.status is BookingStatus.CONFIRMED and (booking.end or booking.start) <= moment:
        return booking.model_copy(update={"status": BookingStatus.COMPLETED})
    return booking
