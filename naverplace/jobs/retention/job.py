"""Retention, step by step: the same steps serve the Prefect flow and the command.

Each door makes a Retention and calls look, ask, bookings, open_messages, files, bundles; what they
give is summed up by `sum_up`.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import NamedTuple, TypeVar

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.clock import format_utc
from naverplace.base.errors import NaverPlaceError
from naverplace.domain.booking import BookingStatus
from naverplace.domain.records import Record
from naverplace.jobs.retention.folders import LogFiles, OwnFiles
from naverplace.jobs.retention.policy import Listed, RetentionDecision, retention_decision
from naverplace.jobs.retention.result import LocationResult, RetentionResult
from naverplace.ledger.phone_counter import DAY, delete_counters, old_counters
from naverplace.ledger.run_memory import forget_contacts, read_contacts
from naverplace.ledger.scan import LedgerScan
from naverplace.ledger.store_lock import StoreStateTable
from naverplace.ledger.store_state import NEW, owner_of
from naverplace.naver.booking_client import BookingClient, completed_window
from naverplace.naver.session import open_naver_session
from naverplace.pipeline.capture.bundle_store import expiry_of, open_bundles
from naverplace.pipeline.rulebook_in_force import load_in_force
from naverplace.redaction.redactor import REDACTOR, describe
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")
# A comparison's report lies in a folder named after its kind.
_REPORT = re.compile(r"([^/]+/)?(\d{8}T\d{6}-[\w.-]+\.(json|md|html)|today\.html)(\.part)?")
_PARITY = re.compile(r"([^/]+/)?parity\.(json|md|html)(\.part)?")
ADVICE = {  # somebody has to do something about these; the others are as they should be
    RetentionDecision.UNREAD: "Naver was not read for their store; the next retention tries again",
    RetentionDecision.UNKNOWN: (
        "name their store in stores.yaml, or in retention.closed_stores when it is gone"
    ),
    RetentionDecision.UNDATED: "look at the items: neither a start nor a ledger tells their age",
}


class OldRecords(NamedTuple):
    """How many records the ledger holds, and those that are old enough to be judged."""

    seen: int
    old: list[Record]


class Retention:
    """What every step needs; opaque on purpose, so that nobody hashes or stores it."""

    def __init__(self, settings: Settings, *, dry_run: bool) -> None:
        self.settings, self.dry_run = settings, dry_run
        self.clock = settings.make_clock()
        self.now = self.clock.now()
        self.before = self.now - timedelta(days=settings.retention.days)
        self.history_before = self.now - timedelta(days=settings.retention.history_days)
        dynamodb = open_dynamodb(settings.aws)
        self.table = LedgerScan(dynamodb, settings.aws.sms_table)
        self.session_table = StateTable(dynamodb, settings.aws.session_table)
        self.items = StoreStateTable(self.session_table)
        self.stores = load_in_force(settings, self.session_table).rulebook.stores

    def look(self) -> OldRecords:
        """Read the whole ledger. Raises Transient, Permanent."""
        judge = partial(retention_decision, listed=Listed({}), before=self.before)
        seen, old = 0, []
        for record in self.table.scan():
            seen += 1
            if judge(record) is not RetentionDecision.RECENT:
                old.append(record)
        return OldRecords(seen, old)

    def ask(self, looked: OldRecords) -> Listed:
        """Ask Naver what it still lists of the stores that have old records.

        The session is borrowed and never renewed. Raises when no store can be read at all.
        """
        default = self.settings.cutover.default_owner
        closed = self.settings.retention.closed_stores
        items = self.items.read(self.stores)
        legacy = {s for s, item in items.items() if owner_of(item, default).owner != NEW}
        old = {record.key.booking_num.partition("_")[0] for record in looked.old}
        wanted = [s for s in self.stores if s in old - legacy - set(closed)]
        read: dict[str, set[str]] = {}
        if wanted:
            session = open_naver_session(
                self.settings,
                table=self.session_table,
                clock=self.clock,
                probe_stores=wanted,
                looks_only=True,
            )
            client = BookingClient(session, self.settings.naver, self.clock)
        for store_id in wanted:
            try:
                read[store_id] = self._listed(client, store_id)
            except NaverPlaceError as error:
                log.error("store %s could not be read: %s", store_id, describe(error))
        return Listed(read, known=set(self.stores), legacy=legacy, closed=set(closed))

    def _listed(self, client: BookingClient, store_id: str) -> set[str]:
        window = completed_window(self.now, self.settings.naver.completed_lookback_days)
        raws = [
            *client.bookings(store_id, BookingStatus.CONFIRMED),
            *client.bookings(store_id, BookingStatus.COMPLETED, window),
        ]
        return {f"{store_id}_{raw.get('bookingId')}" for raw in raws}

    def bookings(self, looked: OldRecords, listed: Listed) -> LocationResult:
        """Forget the bookings whose time is over, and look again. Raises Transient, Permanent."""
        judge = partial(retention_decision, listed=listed, before=self.before)
        decisions = Counter(map(judge, looked.old))

        def due(records: OldRecords) -> OldRecords:
            forget = [r for r in records.old if judge(r) is RetentionDecision.FORGET]
            return records._replace(old=forget)

        result = self._clear(
            f"table {self.table.table.name}",
            self.settings.retention.days,
            look=lambda: due(self.look()),
            remove=lambda records: sum(map(self.table.delete, records)),
            first=due(looked),
        )
        kept = {why: n for why, n in decisions.items() if why is not RetentionDecision.FORGET}
        return replace(
            result,
            kept={why.value: count for why, count in kept.items()},
            problems=tuple(
                f"{kept[why]} old bookings stay, {why.value}: {advice}"
                for why, advice in ADVICE.items()
                if why in kept
            ),
        )

    def open_messages(self) -> LocationResult:
        """Drop the phones of messages that nobody has settled for so long. Raises Transient, ..."""
        before, table = self.before, self.items

        def look() -> tuple[int, list[str]]:
            """List the store of each old message."""
            noted = [
                (item.store_id, at)
                for item in table.read_all()
                for at in (*item.open.values(), *item.awaiting.values())
            ]
            noted += [
                (s, m.expires or m.due) for s, d in table.read_all_due().items() for m in d.messages
            ]
            return len(noted), [store_id for store_id, at in noted if at < before]

        def remove(old: list[str]) -> int:
            due = table.read_all_due().keys() & set(old)
            opened = sum(table.delete_pending(store_id, before=before) for store_id in set(old))
            return opened + sum(table.delete_due(store_id, before=before) for store_id in due)

        return self._clear(
            f"table {self.session_table.table.name}, open messages",
            self.settings.retention.days,
            look=look,
            remove=remove,
        )

    def contacts(self) -> LocationResult:
        """Forget who has asked for a customer's phone so long ago. Raises Transient, Permanent."""

        def look() -> tuple[int, list[str]]:
            asked = read_contacts(self.session_table)
            before = format_utc(self.before)
            return len(asked), [name for name, entry in asked.items() if entry["at"] < before]

        return self._clear(
            f"table {self.session_table.table.name}, who asked for a phone",
            self.settings.retention.days,
            look=look,
            remove=lambda _: forget_contacts(self.session_table, before=self.before),
        )

    def phone_counters(self) -> LocationResult:
        """Drop the counters of phones that got nothing for two days. Raises Transient, ..."""
        before = self.now - 2 * DAY
        return self._clear(
            f"table {self.session_table.table.name}, counters of phones",
            2 * DAY / timedelta(days=1),
            look=lambda: old_counters(self.session_table, before=before),
            remove=lambda ids: delete_counters(self.session_table, ids, before=before),
        )

    def files(self) -> list[LocationResult]:
        """Remove old reports, pages and logs; a folder that cannot be used is a problem."""
        settings = self.settings
        folders = [OwnFiles("parity reports", settings.parity.report_dir, _PARITY)]
        if settings.report_dir:
            folders.insert(0, OwnFiles("run reports", settings.report_dir, _REPORT))
        if log_dir := settings.retention.log_dir:
            folders.append(LogFiles("logs of this machine", log_dir, now=self.now))
        return [self._files(folder) for folder in folders]

    def _files(self, folder: OwnFiles) -> LocationResult:
        days = self.settings.retention.history_days
        try:
            return self._clear(
                folder.name,
                days,
                look=lambda: (folder.count(), folder.old(self.history_before)),
                remove=folder.remove,
            )
        except NaverPlaceError as error:
            return LocationResult(folder.name, days, problems=(REDACTOR.scrub(str(error)),))

    def bundles(self) -> LocationResult:
        """Remove the captured runs that have expired. Raises Transient, Permanent."""
        bundles = open_bundles(self.settings)

        def look() -> tuple[int, list[str]]:
            names = bundles.names()
            return len(names), [name for name in names if expiry_of(name) <= self.now]

        days = self.settings.capture.keep_days
        return self._clear(
            "captured runs", days, look=look, remove=lambda _: bundles.remove_expired(now=self.now)
        )

    def _clear(
        self,
        name: str,
        days: float,
        *,
        look: Callable[[], tuple[int, list[T]]],
        remove: Callable[[list[T]], int],
        first: tuple[int, list[T]] | None = None,
    ) -> LocationResult:
        """Remove what is old in one place, and look again.

        `look` counts what is there, and lists what is old and free to go; `first` is what it gave
        already.
        """
        seen, old = first or look()
        removed = 0 if self.dry_run else remove(old)
        left = len(old) if self.dry_run or not old else len(look()[1])
        return LocationResult(name, days, seen=seen, old=len(old), removed=removed, left=left)

    def sum_up(self, places: Iterable[LocationResult]) -> RetentionResult:
        """Put the places together."""
        now = self.now.isoformat(timespec="seconds")
        return RetentionResult(now, self.dry_run, tuple(places))


def retain(settings: Settings, *, dry_run: bool) -> RetentionResult:
    """Do all that one retention does but for Prefect's history. Raises NaverPlaceError."""
    job = Retention(settings, dry_run=dry_run)
    looked = job.look()
    bookings = job.bookings(looked, job.ask(looked))
    return job.sum_up(
        [
            bookings,
            job.open_messages(),
            job.contacts(),
            job.phone_counters(),
            *job.files(),
            job.bundles(),
        ]
    )
