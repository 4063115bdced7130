"""The watchdog: is any message late, and does anybody still look? Sends no text message."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import requests

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock
from naverplace.base.errors import NaverPlaceError, Permanent
from naverplace.base.http import RetryPolicy, get_with_retry, make_session
from naverplace.domain.due_messages import DueMessages
from naverplace.domain.troubles import Source, Trouble, TroubleKind, kind_of_error
from naverplace.jobs.watchdog.dead_legacy import WINDOW, LegacyDuties
from naverplace.jobs.watchdog.late_messages import (
    WatchdogCheck,
    WatchedStore,
    by_urgency,
    find_forgotten,
    find_late_messages,
    watchdog_look,
)
from naverplace.ledger.records_table import RecordsTable
from naverplace.ledger.run_memory import read_last_read
from naverplace.ledger.store_lock import StoreStateTable
from naverplace.ledger.store_state import Ownership, owner_of
from naverplace.messaging.sens import SensClient
from naverplace.pipeline.notify_owner import tell
from naverplace.pipeline.rulebook_in_force import load_in_force
from naverplace.redaction.redactor import describe
from naverplace.reporting.owner_messages import Look
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)


class Watchdog:
    """What a watch needs; opaque on purpose, so that nobody hashes or stores it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock: Clock = settings.make_clock()
        dynamodb = open_dynamodb(settings.aws)
        self.records = RecordsTable(dynamodb, settings.aws.sms_table)
        self.session = StateTable(dynamodb, settings.aws.session_table)
        self.stores = load_in_force(settings, self.session).rulebook.stores

    def watch(self) -> WatchdogCheck:
        """Look, and tell what is new or over. Raises Transient, Permanent, as `look` does."""
        try:
            seen = self.look()
        except NaverPlaceError as error:
            self.tell_failure(kind_of_error(error), describe(error))
            raise
        return self.alert_or_ping(seen)

    def tell_failure(self, kind: TroubleKind, why: str) -> None:
        """Tell that the ledger cannot be read, unless a run has told it, and ping all the same.

        Somebody looks, and somebody knows: whoever is behind the dead-man's URL need not call.
        """
        if kind is not TroubleKind.DYNAMODB_DOWN:
            return
        look = Look(Source.WATCHDOG, self.clock.now(), (Trouble(kind, detail=why),))
        if tell(self.settings, look).reached:
            self._ping(WatchdogCheck(look.now))

    def look(self) -> WatchdogCheck:
        """Read what runs have left, and the records of what is due. Raises Transient, Permanent."""
        limits, now = self.settings.watchdog, self.clock.now()
        table = StoreStateTable(self.session)
        items, due = table.read(self.stores), table.read_due(self.stores)
        last_read = read_last_read(self.session)
        owners = {s: owner_of(i, self.settings.cutover.default_owner) for s, i in items.items()}
        ours = {
            s: WatchedStore(
                _ours(due.get(s)), last_read.get(s), items[s].holder_at(now) is not None
            )
            for s, owned in owners.items()
            if owned.ours
        }
        check = find_late_messages(
            ours,
            self.records.read(m.key for store in ours.values() for m in store.due_at(now)),
            now=now,
            grace=timedelta(minutes=limits.overdue_minutes),
            silence=timedelta(minutes=limits.silent_minutes),
        )
        legacy = {s: due[s] for s, owned in owners.items() if not owned.ours and s in due}
        return self._look_at_legacy(check, legacy, owners)

    def _look_at_legacy(
        self,
        check: WatchdogCheck,
        listed: Mapping[str, DueMessages],
        owners: Mapping[str, Ownership],
    ) -> WatchdogCheck:
        """Add what is missed in the stores that the legacy sends for: their guides are listed."""
        stores = {s: (owners[s], due) for s, due in listed.items() if due.by_legacy}
        duties = LegacyDuties(
            check.now,
            timedelta(seconds=self.settings.cutover.legacy_run_seconds),
            stores,
            self.records.read(m.key for _, due in stores.values() for m in due.messages),
        )
        forgotten = find_forgotten(duties.records.values(), check.now)
        return replace(
            check,
            overdue=by_urgency([*check.overdue, *forgotten]),
            records=check.records + len(duties.records),
            missed_by_legacy=self._missed(duties),
        )

    def _missed(self, duties: LegacyDuties) -> Mapping[str, int]:
        """Ask the flags first, and SENS's log only if they look as if the legacy were dead."""
        if not (missed := duties.missed()):
            return missed
        try:
            sens = SensClient(self.settings.sens, self.clock)
            return duties.missed(sens.find(start=duties.now - WINDOW, end=duties.now))
        except NaverPlaceError as error:  # the flags speak for themselves
            log.warning("SENS's log was not read: %s", describe(error))
            return missed

    def alert_or_ping(self, check: WatchdogCheck) -> WatchdogCheck:
        """Tell the owner what is new or over, and ping the outside unless nobody could be told."""
        sent = tell(self.settings, watchdog_look(check, self.stores))
        check = replace(check, told=sent.channels, problems=sent.problems)
        return self._ping(check) if sent.reached else check

    def _ping(self, check: WatchdogCheck) -> WatchdogCheck:
        """Ask the dead-man's URL; whoever is behind it calls when it is not asked any more."""
        url = self.settings.watchdog.ping_url
        if url is None:
            return check
        try:
            get_with_retry(
                make_session(),
                url.get_secret_value(),
                service="dead-man's URL",
                policy=RetryPolicy(5.0, 10.0, attempts=3, wait=1.0),
                read=_taken,
            )
        except NaverPlaceError as error:  # its text names the address, which is a secret
            kind = type(error).__name__
            untaken = f"the dead-man's URL did not take the ping ({kind})"
            return replace(check, problems=(*check.problems, untaken))
        return replace(check, pinged=True)


def _ours(due: DueMessages | None) -> DueMessages | None:
    """Give what was left while we sent for the store: not the legacy's guides."""
    return due if due and not due.by_legacy else None


def _taken(answer: requests.Response) -> None:
    if not answer.ok:
        raise Permanent(f"answered {answer.status_code}")
