"""Messages that should be out by now and are not, as far as the ledger tells; pure.

Asked beside the runs, so that nobody waits in vain for a run that never starts. What has no record
yet is unknown here: that no run looks at a store any more is told instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.base.phone import from_legacy_sort_key, normalise_phone
from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.effects import SendSms, store_of_booking
from naverplace.domain.message_kinds import kind_label
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.record_matching import match_records
from naverplace.domain.records import Record
from naverplace.domain.stores import Store
from naverplace.ledger.store_state import StoreState
from naverplace.quality.circuit_breaker import BATCH, Baseline
from naverplace.reporting.markdown import render_page
from naverplace.rules.engine import RuleEngine
from naverplace.rules.rulebook import Rulebook

_OPEN = (MessageStatus.OWED, MessageStatus.CLAIMED, MessageStatus.IN_DOUBT, MessageStatus.REFUSED)


@dataclass(frozen=True)
class LateMessage:
    """One message that is late; holds no phone, name or text."""

    booking_num: str
    kind: str
    due: datetime
    expires: datetime | None
    why: str

    def row(self) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        return {
            "store_id": store_of_booking(self.booking_num),
            "booking": self.booking_num,
            "kind": self.kind,
            "due": self.due.isoformat(timespec="minutes"),
            "expires": self.expires and self.expires.isoformat(timespec="minutes"),
            "why": self.why,
        }


@dataclass(frozen=True)
class WatchdogCheck:
    """What the watchdog has seen, whom it was told, and what went wrong on the way."""

    now: datetime
    overdue: tuple[LateMessage, ...] = ()
    silent: Mapping[str, datetime | None] = field(default_factory=dict)  # stores: last looked at
    records: int = 0  # looked through
    missed_by_legacy: Mapping[str, int] = field(default_factory=dict)  # stores: guides
    told: tuple[str, ...] = ()  # channels
    pinged: bool = False
    problems: tuple[str, ...] = ()

    @property
    def fine(self) -> bool:
        """Tell whether nobody need be woken."""
        return not (self.overdue or self.silent or self.missed_by_legacy)

    def as_json(self) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        return {
            **asdict(self),
            "now": self.now.isoformat(timespec="seconds"),
            "fine": self.fine,
            "overdue": [late.row() for late in self.overdue],
            "silent": {s: t and t.isoformat(timespec="minutes") for s, t in self.silent.items()},
        }


def find_late_messages(
    records: Iterable[Record],
    items: Mapping[str, StoreState],
    rulebook: Rulebook,
    *,
    now: datetime,
    grace: timedelta,
    silence: timedelta,
    legacy_stores: Collection[str] = (),
) -> WatchdogCheck:
    """List what was due longer than `grace` ago, and the stores no run has read for `silence`.

    `items` are the stores' own items; what a store's last plausible batch did not list any more is
    cancelled or over, and so not late. `legacy_stores` are stores that the legacy sends for.
    """
    last = {s: Baseline.from_map(item.extra.get(BATCH)) for s, item in items.items()}
    engine = RuleEngine(rulebook)
    seen = 0
    late: list[LateMessage] = []
    for record in records:
        seen += 1
        store_id = record.key.store_id
        if store_id not in rulebook.stores:
            continue
        if store_id in legacy_stores:
            late += _forgotten(record, now)
        else:
            late += _late(record, engine, last.get(store_id), now=now, grace=grace)
    silent = {
        store_id: batch.at if batch else None
        for store_id, batch in last.items()
        if store_id not in legacy_stores and (batch is None or now - batch.at > silence)
    }
    late.sort(
        key=lambda message: (message.expires or message.due, message.booking_num, message.kind)
    )
    return WatchdogCheck(now, tuple(late), silent, seen)


def _forgotten(record: Record, now: datetime) -> Iterator[LateMessage]:
    """List what is reserved in a store of the legacy, which never sends it."""
    if record.reserved and record.booking_time > f"{now.astimezone(SEOUL):%F %T}":
        since = next(filter(None, record.reserved.values()), "")
        due = datetime.fromisoformat(since) if since else now
        why = "reserved, and its store is not ours: run naverplace rollback for it once more"
        yield LateMessage(record.key.booking_num, "reserved", due, None, why)


def _late(
    record: Record, engine: RuleEngine, last: Baseline | None, *, now: datetime, grace: timedelta
) -> Iterator[LateMessage]:
    """List a record's late messages: those in the ledger, and those that no run has begun."""
    known = set()
    for kind, entry in record.messages.items():
        ended = entry.expires is not None and entry.expires <= now
        since = entry.due or entry.claimed_at
        if entry.state in _OPEN and since and since + grace <= now and not ended:
            known.add(kind)
            why = f"{entry.state} after attempt {entry.attempt}"
            why += f": {entry.reason}" if entry.reason else ""
            yield LateMessage(record.key.booking_num, kind, since, entry.expires, why)
    booking = _booking(record, now)
    # Without a last batch, the booking counts as still listed.
    if booking is None or (last and int(booking.start.timestamp() // 60) not in last.ahead):
        return
    if last and last.at + grace > now:
        return  # a run has decided just now, and may be sending it
    number = record.key.booking_num
    decided = engine.decide(
        match_records([booking], {record.key: record}), now=now - grace, served={}
    )
    for effect in decided.effects:
        if not isinstance(effect, SendSms) or effect.kind in known:
            continue
        due = effect.due or now - grace
        yield LateMessage(number, effect.kind, due, effect.expires, "no run has begun it")
    for error in decided.errors:
        yield LateMessage(number, error.rule, now - grace, None, f"undecided: {error.message}")


def _booking(record: Record, now: datetime) -> Booking | None:
    """Make the booking that the record tells of; None when it is over, or tells no start."""
    start = record.start
    if start is None or start <= now:
        return None
    store_id, _, booking_id = record.key.booking_num.partition("_")
    raw_phone = from_legacy_sort_key(record.key.phone)
    try:
        digits = normalise_phone(raw_phone)
    except ValueError:
        return None  # quarantined: no message can reach it
    return Booking(
        store_id=store_id,
        booking_id=int(booking_id),
        status=BookingStatus.CONFIRMED,
        name=record.name or "-",
        phone=digits,
        raw_phone=raw_phone,
        start=start,
        read_at=now,
    )


def watchdog_message(seen: WatchdogCheck, stores: Mapping[str, Store]) -> str:
    """Write what the owner reads when something is late."""
    return render_page(
        "watchdog_message.txt.j2",
        seen=seen,
        stores=stores,
        kind_label=kind_label,
        local=lambda moment, form: f"{moment.astimezone(SEOUL):{form}}",
        most=15,
    ).removesuffix("\n")
