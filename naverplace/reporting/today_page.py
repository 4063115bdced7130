"""The owner's page: how today stands and what comes in the next 24 hours; pure.

It is one HTML file without a script, which opens on a phone as on a screen; phones are masked in it
and no customer is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.base.phone import mask
from naverplace.domain.due_messages import DueMessage
from naverplace.domain.message_kinds import kind_label
from naverplace.domain.message_status import MessageStatus as _S
from naverplace.domain.record_matching import MatchedBooking
from naverplace.domain.records import Record
from naverplace.domain.results import Outcome
from naverplace.domain.troubles import Trouble, TroubleKind
from naverplace.ledger.scan import LedgerMessage, entries_of
from naverplace.reporting.markdown import render_page
from naverplace.reporting.run_facts import RunFacts, StoreFacts, pause_rows
from naverplace.reporting.summary import quarantine_words

AHEAD = timedelta(hours=24)
_OF_BOOKINGS = (TroubleKind.BAD_BOOKING, TroubleKind.ODD_NAME)  # have a list of their own
SENT = "sent"  # accepted by SENS, whatever became of it
_TAKEN = (Outcome.ACCEPTED, Outcome.ADOPTED)
_SETTLED = (*_TAKEN, Outcome.SKIPPED)


@dataclass(frozen=True)
class StoreToday:
    """One store's messages of today; None where nothing was decided, so nobody knows."""

    alias: str
    owed: int | None = None
    sent: int | None = None
    arrived: int | None = None
    failed: int | None = None
    next: str = ""  # when its next message is due
    note: str = ""  # why nothing is sent, or by whom


@dataclass(frozen=True)
class ComingRow:
    """A message of the next hours."""

    time: str
    store: str
    kind: str
    phone: str  # masked


@dataclass(frozen=True)
class ComingHour:
    """The messages that are due within one hour."""

    label: str
    share: int  # of the fullest hour, in percent
    messages: tuple[ComingRow, ...]


@dataclass(frozen=True)
class TodayPage:
    """Everything that the page shows, in words."""

    when: datetime
    dry_run: bool
    stores: tuple[StoreToday, ...]
    hours: tuple[ComingHour, ...]
    troubles: tuple[Trouble, ...]
    bad_bookings: tuple[Mapping[str, str], ...]
    pauses: tuple[Mapping[str, Any], ...]
    rulebook: str
    mistakes: tuple[str, ...]
    cost: str = ""

    @property
    def urgent(self) -> bool:
        """Tell whether a customer stands before a closed door, or soon will."""
        return any(trouble.words.urgent for trouble in self.troubles)

    def total(self, name: str) -> int:
        """Add up a column of the stores, as far as it is known."""
        return sum(getattr(store, name) or 0 for store in self.stores)


@dataclass(frozen=True)
class Outlook:
    """What a run knows beside its facts: its bookings with their records, and what is to come."""

    matches: Sequence[MatchedBooking] = field(default=(), repr=False)
    coming: Sequence[DueMessage] = field(default=(), repr=False)
    troubles: Sequence[Trouble] = ()  # with those that others than the run have seen
    cost: str = ""  # of this month, in words; '' is unknown


def today_page(facts: RunFacts, outlook: Outlook) -> TodayPage:
    """Gather the page of a run; `outlook.coming` are messages that are not owed yet."""
    coming = sorted(_coming(facts, outlook.coming), key=lambda m: (m.due, m.key, m.kind))
    served = {store.store_id for store in facts.stores if not _unserved(store)}
    return TodayPage(
        when=facts.now.astimezone(SEOUL),
        dry_run=facts.dry_run,
        stores=tuple(_stores(facts, outlook.matches, coming)),
        hours=tuple(_hours(facts, [m for m in coming if m.key.store_id in served])),
        troubles=tuple(_told_in_order(outlook.troubles)),
        bad_bookings=tuple(_bad_bookings(facts.stores)),
        pauses=tuple(row for row in pause_rows(facts) if not row["over"]),
        rulebook=facts.rulebook_version.korean() if facts.rulebook_version.id else "",
        mistakes=facts.rulebook_version.mistakes,
        cost=outlook.cost,
    )


def render_today(page: TodayPage) -> str:
    """Write the page as one HTML file; its texts must have been scrubbed."""
    return render_page("today_page.html.j2", page=page, ahead=AHEAD)


def _told_in_order(troubles: Iterable[Trouble]) -> Iterator[Trouble]:
    """List what a person must look at, urgent first, each once."""
    listed = {(t.kind, t.subject): t for t in troubles if t.kind not in _OF_BOOKINGS}
    yield from sorted(listed.values(), key=lambda t: (not t.words.urgent, t.kind, t.subject))


def _bad_bookings(stores: Iterable[StoreFacts]) -> Iterator[dict[str, str]]:
    for store in stores:
        for row in store.quarantined:
            yield {
                "store": store.alias,
                "booking": str(row["booking_id"]),
                "phone": phone if "*" in (phone := str(row["phone"])) else "",  # else its shape
                "why": f"{quarantine_words(row)} 이상",
            }
        for booking_id in store.odd_names:
            why = "이름이 이상하여 문자에는 다르게 적습니다"
            yield {"store": store.alias, "booking": booking_id, "phone": "", "why": why}


def _coming(facts: RunFacts, later: Iterable[DueMessage]) -> Iterator[DueMessage]:
    """List what is owed and not out, and what comes to be owed within the next hours."""
    ended = {(r.booking_num, r.kind) for r in facts.sends if r.outcome in _SETTLED}
    waiting = [DueMessage.of(e, facts.now) for e in facts.owed]
    found = {(m.key, m.kind): m for m in later if m.due < facts.now + AHEAD}
    for message in (found | {(m.key, m.kind): m for m in waiting}).values():
        if (message.key.booking_num, message.kind) not in ended:
            yield message


def _hours(facts: RunFacts, coming: Sequence[DueMessage]) -> Iterator[ComingHour]:
    aliases = {store.store_id: store.alias for store in facts.stores}
    now = facts.now.astimezone(SEOUL)
    today = now.date()

    def label(message: DueMessage) -> str:
        due = message.due.astimezone(SEOUL)
        if due <= now:
            return "지금"
        return f"{'' if due.date() == today else '내일 '}{due:%H}시"

    hours = [(name, list(group)) for name, group in groupby(coming, key=label)]
    most = max((len(messages) for _, messages in hours), default=1)
    for name, messages in hours:
        yield ComingHour(
            name,
            round(100 * len(messages) / most),
            tuple(
                ComingRow(
                    f"{m.due.astimezone(SEOUL):%H:%M}",
                    aliases.get(m.key.store_id, m.key.store_id),
                    kind_label(m.kind),
                    mask(m.phone),
                )
                for m in messages
            ),
        )


def _unserved(store: StoreFacts) -> str:
    """Say why we send nothing for a store; '' when we do."""
    if store.error:
        return "예약을 읽지 못했습니다"
    if store.stopped:
        return "멈췄습니다"
    return {"legacy": "이전 프로그램이 보냅니다", "shadow": "이전 프로그램이 보냅니다"}.get(
        store.owner, ""
    )


def _stores(
    facts: RunFacts, matches: Iterable[MatchedBooking], coming: Sequence[DueMessage]
) -> Iterator[StoreToday]:
    counts = _count_today(facts, matches)
    today = facts.now.astimezone(SEOUL).date()
    by_store: dict[str, list[DueMessage]] = {}
    for message in coming:
        by_store.setdefault(message.key.store_id, []).append(message)
    for store in facts.stores:
        if (note := _unserved(store)) or facts.failure:
            yield StoreToday(store.alias, note=note or "실행이 실패했습니다")
            continue
        mine = by_store.get(store.store_id, [])
        waiting = sum(m.due.astimezone(SEOUL).date() <= today for m in mine)
        sent, arrived, failed, expired = (
            counts[store.store_id, word] for word in (SENT, _S.DELIVERED, _S.FAILED, _S.EXPIRED)
        )
        yield StoreToday(
            store.alias,
            owed=sent + expired + waiting,
            sent=sent,
            arrived=arrived,
            failed=failed + expired,
            next=_next(mine[0].due, facts.now) if mine else "",
        )


def _next(due: datetime, now: datetime) -> str:
    due, now = due.astimezone(SEOUL), now.astimezone(SEOUL)
    if due <= now:
        return "지금"
    return f"{due:%H:%M}" if due.date() == now.date() else f"내일 {due:%H:%M}"


def told_on(day: date, record: Record) -> list[LedgerMessage]:
    """List the messages of a record that were last heard of on this Korean day."""
    if not record.messages:
        return []
    return [e for e in entries_of(record) if e.at and e.at.astimezone(SEOUL).date() == day]


def _count_today(facts: RunFacts, matches: Iterable[MatchedBooking]) -> Counter[tuple[str, str]]:
    """Count today's messages by store and state: the ledger's, and those of this very run."""
    counts: Counter[tuple[str, str]] = Counter()
    today = facts.now.astimezone(SEOUL).date()
    known: set[tuple[str, str]] = set()

    for entry in (e for m in matches if m.record for e in told_on(today, m.record)):
        counts[entry.key.store_id, entry.message.state] += 1
        if entry.counted_as_sent:
            counts[entry.key.store_id, SENT] += 1
            known.add((entry.key.booking_num, entry.kind))
    for result in facts.sends:
        if result.outcome in _TAKEN and (result.booking_num, result.kind) not in known:
            counts[result.store_id, SENT] += 1
    return counts
