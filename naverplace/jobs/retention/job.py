"""Retention, step by step: the same steps serve the Prefect flow and the command.

Each door makes a Retention and calls look, ask, bookings, open_messages, files, bundles; what they
give is summed up by `sum_up`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.errors import NaverPlaceError
from naverplace.domain.booking import BookingStatus
from naverplace.domain.records import Record
from naverplace.domain.stores import load_stores
from naverplace.jobs.retention.log_files import LogFiles
from naverplace.jobs.retention.policy import WRONG, Listed, RetentionDecision, retention_decision
from naverplace.jobs.retention.report_files import ReportFiles, report_files
from naverplace.jobs.retention.result import LocationResult, RetentionResult
from naverplace.ledger.deletion import AllStoreStates, RecordDeletion, count_old_pending
from naverplace.ledger.store_state import NEW, owner_of
from naverplace.naver.booking_client import BookingClient, completed_window
from naverplace.naver.session import NaverSession, NoBrowser, open_naver_session
from naverplace.pipeline.capture.bundle_store import expiry_of, open_bundles
from naverplace.redaction.redactor import REDACTOR, describe
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
ADVICE = {
    RetentionDecision.UNREAD: "Naver was not read for their store; the next retention tries again",
    RetentionDecision.UNKNOWN: (
        "name their store in stores.yaml, or in retention.closed_stores when it is gone"
    ),
    RetentionDecision.UNDATED: "look at the items: neither a start nor a ledger tells their age",
}


@dataclass(frozen=True)
class OldRecords:
    """The records of the ledger that are old enough to be judged."""

    seen: int
    old: tuple[Record, ...] = field(repr=False)


class Retention:
    """What every step needs; opaque on purpose, so that nobody hashes or stores it."""

    def __init__(self, settings: Settings, *, dry_run: bool) -> None:
        self.settings, self.dry_run = settings, dry_run
        self.clock = settings.make_clock()
        self.now = self.clock.now()
        self.before = self.now - timedelta(days=settings.retention.days)
        self.history_before = self.now - timedelta(days=settings.retention.history_days)
        self.stores = load_stores(settings.stores_file)
        dynamodb = open_dynamodb(settings.aws)
        self.table = RecordDeletion(dynamodb, settings.aws.sms_table)
        self.session_table = StateTable(dynamodb, settings.aws.session_table)
        self.items = AllStoreStates(self.session_table)

    def look(self) -> OldRecords:
        """Read the whole ledger. Raises Transient, Permanent."""
        nothing, seen, old = Listed({}), 0, []
        for record in self.table.scan():
            seen += 1
            if (
                retention_decision(record, nothing, before=self.before)
                is not RetentionDecision.RECENT
            ):
                old.append(record)
        return OldRecords(seen, tuple(old))

    def ask(self, looked: OldRecords) -> Listed:
        """Ask Naver what it still lists of the stores that have old records.

        The session is borrowed and never renewed. Raises when no store can be read at all.
        """
        default = self.settings.cutover.default_owner
        closed = self.settings.retention.closed_stores
        items = self.items.stores.read(self.stores)
        legacy = {s for s, item in items.items() if owner_of(item, default).owner != NEW}
        old = {record.key.booking_num.partition("_")[0] for record in looked.old}
        wanted = [s for s in self.stores if s in old - legacy - set(closed)]
        read: dict[str, set[str]] = {}
        session = self._session(wanted) if wanted else None
        for store_id in wanted:
            try:
                read[store_id] = self._listed(session, store_id) if session else set()
            except NaverPlaceError as error:
                log.error("store %s could not be read: %s", store_id, describe(error))
        return Listed(read, known=set(self.stores), legacy=legacy, closed=set(closed))

    def _session(self, stores: Sequence[str]) -> NaverSession:
        return open_naver_session(
            self.settings.naver,
            table=self.session_table,
            clock=self.clock,
            authenticator=NoBrowser(),
            probe_stores=list(stores),
            max_skew_seconds=self.settings.clock.max_skew_seconds,
        )

    def _listed(self, session: NaverSession, store_id: str) -> set[str]:
        client = BookingClient(session, self.settings.naver, self.clock)
        window = completed_window(self.now, self.settings.naver.completed_lookback_days)
        raws = [
            *client.bookings(store_id, BookingStatus.CONFIRMED).raws,
            *client.bookings(store_id, BookingStatus.COMPLETED, window).raws,
        ]
        return {f"{store_id}_{raw.get('bookingId')}" for raw in raws}

    def bookings(self, looked: OldRecords, listed: Listed) -> LocationResult:
        """Forget the bookings whose time is over, and look again. Raises Transient, Permanent."""
        fates = [
            (record, retention_decision(record, listed, before=self.before))
            for record in looked.old
        ]
        due = [record for record, what in fates if what is RetentionDecision.FORGET]
        removed = 0 if self.dry_run else sum(self.table.delete(record) for record in due)
        again = due if self.dry_run else self.look().old
        left = sum(
            retention_decision(record, listed, before=self.before) is RetentionDecision.FORGET
            for record in again
        )
        kept: Counter[RetentionDecision] = Counter(
            what
            for _, what in fates
            if what not in (RetentionDecision.FORGET, RetentionDecision.RECENT)
        )
        return LocationResult(
            name=f"table {self.table.table.name}",
            days=self.settings.retention.days,
            seen=looked.seen,
            old=len(due),
            removed=removed,
            left=left,
            kept={why.value: count for why, count in kept.items()},
            problems=tuple(
                f"{kept[why]} old bookings stay, {why.value}: {ADVICE[why]}"
                for why in WRONG
                if kept[why]
            ),
        )

    def open_messages(self) -> LocationResult:
        """Drop the phones of messages that nobody has settled for so long. Raises Transient, ..."""
        days, seen, old, removed, left = self.settings.retention.days, 0, 0, 0, 0
        for item in self.items.read():
            seen += len(item.open)
            due = count_old_pending(item, before=self.before)
            old += due
            if due and not self.dry_run:
                removed += self.items.delete_pending(item.store_id, before=self.before)
        if old:
            left = sum(count_old_pending(item, before=self.before) for item in self.items.read())
        name = f"table {self.session_table.table.name}, open messages"
        return LocationResult(name, days, seen=seen, old=old, removed=removed, left=left)

    def files(self) -> list[LocationResult]:
        """Remove old reports, pages and logs; a folder that cannot be used is a problem."""
        places: list[ReportFiles | LogFiles] = [*report_files(self.settings)]
        if folder := self.settings.retention.log_dir:
            places.append(LogFiles("logs of this machine", folder, self.now))
        return [self._files(place) for place in places]

    def _files(self, place: ReportFiles | LogFiles) -> LocationResult:
        days = self.settings.retention.history_days
        try:
            seen, old = place.count(), place.old(self.history_before)
            removed = 0 if self.dry_run else place.remove(old)
            left = len(place.old(self.history_before))
        except NaverPlaceError as error:
            return LocationResult(place.name, days, problems=(REDACTOR.scrub(str(error)),))
        return LocationResult(place.name, days, seen=seen, old=len(old), removed=removed, left=left)

    def bundles(self) -> LocationResult:
        """Remove the captured runs that have expired. Raises Transient, Permanent."""
        bundles, now = open_bundles(self.settings), self.now
        names = bundles.names()
        old = [name for name in names if expiry_of(name) <= now]
        removed = 0 if self.dry_run or not old else bundles.remove_expired(now=now)
        left = sum(expiry_of(name) <= now for name in bundles.names()) if old else 0
        days = self.settings.capture.keep_days
        return LocationResult(
            "captured runs", days, seen=len(names), old=len(old), removed=removed, left=left
        )

    def sum_up(self, places: Iterable[LocationResult]) -> RetentionResult:
        """Sum up."""
        now = self.now.isoformat(timespec="seconds")
        return RetentionResult(now, self.dry_run, tuple(places))


def retain(settings: Settings, *, dry_run: bool) -> RetentionResult:
    """Do all that one retention does but for Prefect's history. Raises NaverPlaceError."""
    this = Retention(settings, dry_run=dry_run)
    looked = this.look()
    bookings = this.bookings(looked, this.ask(looked))
    return this.sum_up([bookings, this.open_messages(), *this.files(), this.bundles()])
