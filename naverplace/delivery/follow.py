"""What became of the messages that SENS took: asked in every run, whatever became of the booking.

A store's item lists what awaits its delivery (ledger/store_state.py), so nothing is scanned. All
stores need one list call of SENS's log, which the settling of doubts uses as well.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from naverplace.base.clock import Clock
from naverplace.base.errors import NaverPlaceError
from naverplace.base.phone import mask
from naverplace.delivery.in_doubt import SIGNATURE_LIFE
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import MOVED_FROM, Record
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.message_ledger import MessageLedger
from naverplace.ledger.scan import LedgerMessage, entries_of
from naverplace.ledger.store_state import PendingMessage, StoreState
from naverplace.messaging.sens import SensClient
from naverplace.redaction.redactor import describe

FOLLOWED = timedelta(hours=3)  # then only the reconciliation asks
OLDEST = timedelta(days=1)  # after an outage: the reconciliation has asked since
# What was sent is known so long to who resolves doubts: another message may have the same text.
KNOWN = timedelta(minutes=30)
UNREAD = timedelta(hours=1)  # so long the log may stay unread before a person should look
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SmsLogWindow:
    """What SENS's log showed at a moment of all that was requested since `start`."""

    start: datetime
    read_at: datetime
    entries: Sequence[SmsLogEntry] = field(repr=False)


@dataclass(frozen=True)
class FailedMessage:
    """A message that SENS took and could not deliver; no name, no full phone."""

    pending: PendingMessage = field(repr=False)
    access: bool  # its text opens a door
    phone: str  # masked
    start: datetime | None  # of the booking
    why: str
    request_id: str
    ended_at: datetime | None

    @property
    def booking_num(self) -> str:
        """Name its booking."""
        return self.pending.key.booking_num


@dataclass(frozen=True)
class FollowedMessages:
    """What became of the messages of the last hours."""

    delivered: int = 0  # written into the ledger now
    failed: int = 0  # the same
    under_way: int = 0
    failures: tuple[FailedMessage, ...] = ()  # that nobody was told of yet
    over: frozenset[PendingMessage] = field(default=frozenset(), repr=False)  # await no longer
    log: SmsLogWindow | None = field(default=None, repr=False)
    problem: str = ""  # why they were not followed
    unread_since: datetime | None = None  # the oldest that they were not followed for

    @property
    def writes(self) -> int:
        """Count the writes to table `sms`."""
        return self.delivered + self.failed


@dataclass(frozen=True)
class DeliveryFollower:
    """Asks SENS once, and moves accepted messages on to delivered or failed."""

    ledger: MessageLedger
    sens: SensClient
    clock: Clock
    run_id: str

    def follow(self, states: Collection[StoreState]) -> FollowedMessages:
        """Follow what awaits its delivery; why it could not be done is in the result.

        Raises Transient or Permanent when the ledger cannot be read.
        """
        awaiting = {message: since for s in states for message, since in s.awaiting.items()}
        if not awaiting:
            return FollowedMessages()
        records = self.ledger.records.read(message.key for message in awaiting)
        before = {
            message: _entries(message, since, records.get(message.key))
            for message, since in awaiting.items()
        }
        under_way = [entry for entries in before.values() for entry in entries if _is_open(entry)]
        shown, problem = self._read_log(states) if under_way else (None, "")
        ended, unwritten = self._write_ends(under_way, shown)
        problem = problem or unwritten
        after = {m: [ended.get(e, e) for e in entries] for m, entries in before.items()}
        over = {m for m, entries in after.items() if not any(map(_is_open, entries))}
        young = {m for m, since in awaiting.items() if since > self.clock.now() - KNOWN}
        over -= {m for m in young if not any(map(_has_failed, after[m]))}  # told, and never twice
        late = {m for m, since in awaiting.items() if since < self.clock.now() - FOLLOWED}
        results = [entry.message.state for entry in ended.values()]
        return FollowedMessages(
            delivered=results.count(MessageStatus.DELIVERED),
            failed=results.count(MessageStatus.FAILED),
            under_way=len(under_way) - len(ended),
            failures=tuple(_failures(after, records)),
            over=frozenset(over if problem else over | late),
            log=shown,
            problem=problem,
            unread_since=min(awaiting.values()) if problem else None,
        )

    def _read_log(self, states: Collection[StoreState]) -> tuple[SmsLogWindow | None, str]:
        """Read SENS's log since the oldest message of these stores that is open or awaits.

        The open ones are in it for the settling of doubts, which then asks nothing more.
        """
        now = self.clock.now()
        since = min(at for s in states for at in (*s.awaiting.values(), *s.open.values()))
        start = max(since, now - OLDEST) - SIGNATURE_LIFE  # SENS's clock may differ from ours
        try:
            entries = self.sens.find(start=start, end=now + SIGNATURE_LIFE)
        except NaverPlaceError as error:
            log.warning("deliveries are not followed in this run: %s", error)
            return None, f"deliveries were not followed: {describe(error)}"
        return SmsLogWindow(start, now, entries), ""

    def _write_ends(
        self, under_way: Iterable[LedgerMessage], window: SmsLogWindow | None
    ) -> tuple[dict[LedgerMessage, LedgerMessage], str]:
        """Write down what the log says became of them; gives each that ended as it is now."""
        found = {entry.request_id: entry for entry in window.entries} if window else {}
        ended: dict[LedgerMessage, LedgerMessage] = {}
        for message in under_way:
            shown = found.get(message.request_id)
            if shown is None or not shown.end:
                continue
            try:
                moved = self.ledger.record_receipt(message, shown, run_id=self.run_id)
            except NaverPlaceError as error:
                log.warning("not all deliveries are followed in this run: %s", error)
                return ended, f"not all deliveries were followed: {describe(error)}"
            if moved:  # else somebody else has moved it meanwhile, and tells it
                entry = replace(
                    message.message,
                    state=shown.end,
                    provider_status=shown.result,
                    ended_at=shown.end_time,
                    followed_by=self.run_id,
                )
                ended[message] = replace(message, message=entry)
        return ended, ""


def _entries(
    awaited: PendingMessage, since: datetime, record: Record | None
) -> list[LedgerMessage]:
    """List the entries of a message that awaits; a move may have put its entry away since."""
    return [
        entry
        for entry in (entries_of(record) if record else ())
        if entry.kind.partition(MOVED_FROM)[0] == awaited.kind
        if (entry.message.claimed_at or since) >= since - SIGNATURE_LIFE  # else an earlier start's
    ]


def _is_open(entry: LedgerMessage) -> bool:
    return entry.message.state == MessageStatus.ACCEPTED and bool(entry.request_id)


def _has_failed(entry: LedgerMessage) -> bool:
    return entry.message.state == MessageStatus.FAILED


def _failures(
    entries: Mapping[PendingMessage, Iterable[LedgerMessage]],
    records: Mapping[RecordKey, Record],
) -> Iterator[FailedMessage]:
    """List what failed and is told by a run; the reconciliation tells what it has found itself."""
    for awaited, entry in ((m, e) for m, those in entries.items() for e in those):
        if not (_has_failed(entry) and entry.message.followed_by):
            continue
        yield FailedMessage(
            awaited,
            # A guide for an earlier start of a moved booking opens no door any more.
            access=entry.message.access and MOVED_FROM not in entry.kind,
            phone=mask(entry.to),
            start=records[awaited.key].start,
            why=entry.message.provider_status,
            request_id=entry.request_id,
            ended_at=entry.message.ended_at,
        )
