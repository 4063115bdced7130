"""Explaining one booking: what became of its messages, what every rule says, and until when."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.base.errors import Permanent
from naverplace.base.phone import mask
from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_
from naverplace.domain.booking import Booking
from naverplace.domain.effects import SendSms, store_of_booking
from naverplace.domain.record_matching import MatchedBooking
from naverplace.domain.records import read_record
from naverplace.ledger.caps import cap_of, sent_messages
from naverplace.ledger.scan import entries_of
from naverplace.pipeline import context, steps
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.find_booking import WantedBooking, choose, wanted_booking
from naverplace.pipeline.local_runner import ThreadExecutor
from naverplace.rules import rescheduling
from naverplace.rules.conditions import Context
from naverplace.rules.explanation import Answer, Explainer, sends
from naverplace.settings.schema import Settings


@dataclass(frozen=True)
class Explanation:
    """What is known of one booking; no full phone, no name."""

    booking: str
    store: str  # as people call it
    start: datetime | None
    at: datetime  # the moment that the rules were asked about
    obstacles: tuple[str, ...] = ()  # why nothing is sent, whatever the rules say
    history: tuple[str, ...] = ()
    rules: tuple[Answer, ...] = ()
    rulebook: tuple[str, ...] = ()  # the version in force, and what is wrong with newer files

    def lines(self) -> list[str]:
        """Put it in lines for a terminal."""
        words = (
            _("{booking} ({store}), starts {start}; asked about {at}")
            if self.start
            else _("{booking} ({store}); asked about {at}")
        )
        start = _moment(self.start) if self.start else ""
        names = {"booking": self.booking, "store": self.store, "start": start}
        asked = [words.format(**names, at=_moment(self.at))]
        rules = [line for rule in self.rules for line in _rule_lines(rule)]
        return [*self.obstacles, *asked, *self.history, *rules, *self.rulebook]

    def as_json(self) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        return {
            "booking": self.booking,
            "store": self.store,
            "start": self.start.isoformat() if self.start else None,
            "at": self.at.isoformat(),
            "obstacles": list(self.obstacles),
            "history": list(self.history),
            "rules": [_as_json(rule) for rule in self.rules],
            "rulebook": list(self.rulebook),
        }


def explain_booking(settings: Settings, who: str, *, at: datetime | None = None) -> Explanation:
    """Find a booking by what a person says of it, and explain it; sends and writes nothing.

    `at` asks the rules about another moment, with today's booking and record. Raises
    SeveralBookings when the words fit more than one, Permanent when they fit none,
    NaverPlaceError when it cannot be read.
    """
    wanted = wanted_booking(settings, who)
    run = context.open_run(
        settings, run_id=f"explain-{uuid.uuid4()}", door="cli", dry_run=True, only=wanted.stores
    )
    explanation = _explained(run, wanted, at or run.now)
    version = run.rulebook_version
    return replace(explanation, rulebook=(version.worded(), *version.mistakes))


def _explained(run: RunContext, wanted: WantedBooking, at: datetime) -> Explanation:
    session = steps.restore_session(run)
    calls = {store_id: (run, session, store_id) for store_id in run.stores}
    read = ThreadExecutor().each_store(run, steps.read_store, calls)
    booking_num = choose(run, wanted, read)
    store_id = store_of_booking(booking_num)
    batch = read[store_id]
    if isinstance(batch, Exception):
        raise batch
    found = Explanation(
        booking_num,
        run.all_stores[store_id].alias,
        None,
        at,
        history=tuple(_ledger_lines(run, booking_num)),
    )
    validated = steps.check_quality(run, [batch])
    for row in (q for c in validated.stores for q in c.quarantined):
        if row.booking_id == booking_num.partition("_")[2]:
            said = _("{booking} is quarantined: {reasons}")
            said = said.format(booking=booking_num, reasons="; ".join(row.reasons))
            return replace(found, obstacles=(said,))
    decided = steps.decide(run, validated)
    stopped = [c.reason for c in validated.stores if c.stopped]
    for reason in [*stopped, *(halt.reason for halt in decided.halts.values())]:
        said = _("store {store} is stopped: {reason}").format(store=store_id, reason=reason)
        return replace(found, obstacles=(said,))
    match = next((m for m in decided.matches if m.booking.booking_num == booking_num), None)
    if match is None:
        return replace(found, obstacles=(_not_listed(run, booking_num, found.history),))
    rules = tuple(Explainer(run.rulebook).explain(_context(run, match, at)))
    owed = [effect for rule in rules for effect in sends(rule)]
    return replace(
        found,
        start=match.booking.start,
        obstacles=tuple(_held_back(run, store_id, owed)),
        history=(*_seen(match.booking), *found.history),
        rules=rules,
    )


def _not_listed(run: RunContext, booking_num: str, history: Sequence[str]) -> str:
    days = run.settings.naver.completed_lookback_days
    lost = _(
        "booking {booking!r} is neither among the confirmed bookings of store {store} nor among "
        "those completed in the last {days} days"
    ).format(booking=booking_num, store=store_of_booking(booking_num), days=days)
    if not history:
        raise Permanent(lost)
    return lost


def _context(run: RunContext, match: MatchedBooking, at: datetime) -> Context:
    """Give the booking as a run would decide about it: a moved one with its record moved."""
    booking, record = match
    if record and (plan := rescheduling.plan_reschedule(record, booking, now=at)):
        record = plan.record
    return Context(booking, record, at, run.rulebook.stores, run.rulebook.fields)


def _seen(booking: Booking) -> Iterator[str]:
    """Tell what Naver says of the booking's way until now."""
    times = {_("asked for"): booking.made_at, _("confirmed"): booking.confirmed_at}
    parts = [f"{word} {_moment(at)}" for word, at in times.items() if at]
    said = _("at Naver: {status}").format(status=booking.status.value)
    yield said + (f" ({', '.join(parts)})" if parts else "")


def _ledger_lines(run: RunContext, booking_num: str) -> Iterator[str]:
    """Tell of each message of a booking how far it came, and by which run; no full phone."""
    items = run.table.records.table.query("booking_num", booking_num)
    for message in (m for item in items for m in entries_of(read_record(item))):
        entry = message.message
        times = {
            _("due"): entry.due,
            _("claimed"): entry.claimed_at,
            _("since"): entry.settled_at,
            _("by SENS's clock"): entry.ended_at,
        }
        parts = [f"{w} {at.astimezone(SEOUL):%m/%d %H:%M:%S}" for w, at in times.items() if at]
        parts += [_("run {run}").format(run=entry.execution_id)] if entry.execution_id else []
        parts += [w for w in (entry.reason, entry.provider_status, entry.request_id) if w]
        words = _("{kind} to {phone}: {state}")
        state = _(STATES.get(entry.state, entry.state))
        said = words.format(kind=message.kind, phone=mask(message.to), state=state)
        yield f"{said} ({', '.join(parts)})"


def _held_back(run: RunContext, store_id: str, owed: Sequence[SendSms]) -> Iterator[str]:
    """Say what keeps the booking's messages from being sent: a pause, or a cap."""
    state, caps = run.store_locks.table.read([store_id])[store_id], run.settings.caps
    if pause := state.pause_at(run.now):
        words = _("nothing is sent: store {store}, {pause}")
        yield words.format(store=store_id, pause=pause.words)
    if sent_messages(state.extra).reached:
        cap = cap_of(state.extra, caps, run.now)
        words = _("store {store} has reached its cap: {sent} of {most} today")
        yield words.format(store=store_id, sent=cap.today, most=cap.day)
    if any(run.phones.is_reached(effect.to) for effect in owed):
        words = _("its phone has reached its cap: {most} in 24 hours")
        yield words.format(most=caps.per_phone)


_SIGNS = {True: N_("yes"), False: N_("no"), None: N_("undecided")}
STATES = {
    "owed": N_("owed"),
    "claimed": N_("claimed"),
    "accepted": N_("accepted"),
    "refused": N_("refused"),
    "in_doubt": N_("in_doubt"),
    "delivered": N_("delivered"),
    "failed": N_("failed"),
    "expired": N_("expired"),
}


def _rule_lines(answer: Answer, depth: int = 0) -> Iterator[str]:
    seen = ", ".join(f"{name}={_plain(value)}" for name, value in answer.observed.items())
    said = [_(_SIGNS[answer.holds]) + (f", {answer.why}" if answer.why else ""), *_until(answer)]
    rest = f" ({seen})" if seen else ""
    yield "  " * depth + f"{answer.text}: {'; '.join(said)}{rest}"
    for part in answer.parts:
        yield from _rule_lines(part, depth + 1)


def _until(answer: Answer) -> Iterator[str]:
    """Say when the answer changes; of what no time changes, nothing."""
    if answer.change.at:
        words = {
            True: _("no from {at} on"),
            False: _("yes from {at} on"),
            None: _("decided from {at} on"),
        }[answer.holds]
        yield words.format(at=_moment(answer.change.at))
    if not answer.change.known:
        yield _("a condition of yours looks at the time and does not say when it changes")


def _plain(value: Any) -> Any:
    return _moment(value) if isinstance(value, datetime) else value


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(SEOUL):%m/%d %H:%M}"


def _as_json(answer: Answer) -> dict[str, Any]:
    change = answer.change
    return {
        "text": answer.text,
        "holds": answer.holds,
        "why": answer.why,
        "observed": dict(answer.observed),
        "changes_at": change.at.isoformat() if change.at else None,
        "change_known": change.known,
        "parts": [_as_json(part) for part in answer.parts],
    }
