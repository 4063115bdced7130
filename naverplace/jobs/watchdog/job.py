"""The watchdog: is any message late, and does anybody still look? Sends no text message."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import requests

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock, format_utc
from naverplace.base.errors import NaverPlaceError, Permanent
from naverplace.base.http import RetryPolicy, get_with_retry, make_session
from naverplace.jobs.watchdog.dead_legacy import WINDOW, LegacyDuties
from naverplace.jobs.watchdog.late_messages import (
    WatchdogCheck,
    find_late_messages,
    watchdog_message,
)
from naverplace.ledger.scan import LedgerScan
from naverplace.ledger.store_lock import StoreStateTable
from naverplace.ledger.store_state import owner_of
from naverplace.messaging.sens import SensClient
from naverplace.pipeline.notify_owner import send_alert
from naverplace.quality.circuit_breaker import BATCH, Baseline
from naverplace.redaction.redactor import describe
from naverplace.rules.rulebook import load_rulebook
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
ITEM = "naverplace-watchdog"  # id of its item in table `session`: what was told last


class Watchdog:
    """What a watch needs; opaque on purpose, so that nobody hashes or stores it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock: Clock = settings.make_clock()
        self.rulebook = load_rulebook(
            settings.rules_dir,
            settings.stores_file,
            default_sender=settings.sens.default_sender,
            access=settings.access,
        )
        self.stores = self.rulebook.stores
        dynamodb = open_dynamodb(settings.aws)
        self.records = LedgerScan(dynamodb, settings.aws.sms_table)
        self.session = StateTable(dynamodb, settings.aws.session_table)

    def look(self) -> WatchdogCheck:
        """Read the whole ledger and the stores' items. Raises Transient, Permanent."""
        limits, default = self.settings.watchdog, self.settings.cutover.default_owner
        items = StoreStateTable(self.session).read(self.stores)
        owners = {store_id: owner_of(item, default) for store_id, item in items.items()}
        batches = {s: Baseline.from_map(item.extra.get(BATCH)) for s, item in items.items()}
        duties = LegacyDuties(
            self.clock.now(),
            timedelta(seconds=self.settings.cutover.legacy_run_seconds),
            {s: (owners[s], batch) for s, batch in batches.items() if batch and not owners[s].ours},
        )
        check = find_late_messages(
            map(duties.note, self.records.scan()),
            items,
            self.rulebook,
            legacy_stores={store_id for store_id, owned in owners.items() if not owned.ours},
            now=duties.now,
            grace=timedelta(minutes=limits.overdue_minutes),
            silence=timedelta(minutes=limits.silent_minutes),
        )
        return replace(check, missed_by_legacy=self._missed(duties))

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
        """Tell the alert channels what is new, or ping the outside when all is fine."""
        if check.fine:
            check = self._ping(check)
            if check.pinged:
                self._remember("", check.now)
            return check
        digest = _digest(check)
        if not self._is_news(digest, check.now):
            return check
        sent = send_alert(self.settings, watchdog_message(check, self.stores))
        if sent.channels:  # what reached nobody is news the next time
            self._remember(digest, check.now)
        return replace(check, told=sent.channels, problems=sent.problems)

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
            return replace(check, problems=(f"the dead-man's URL did not take the ping ({kind})",))
        return replace(check, pinged=True)

    def _is_news(self, digest: str, now: datetime) -> bool:
        item = self.session.get(ITEM) or {}
        if item.get("digest") != digest:
            return True
        told = datetime.fromisoformat(str(item["at"]))
        return now - told >= timedelta(minutes=self.settings.watchdog.repeat_minutes)

    def _remember(self, digest: str, now: datetime) -> None:
        self.session.put({"id": ITEM, "digest": digest, "at": format_utc(now)})


def _taken(answer: requests.Response) -> None:
    if not answer.ok:
        raise Permanent(f"answered {answer.status_code}")


def _digest(check: WatchdogCheck) -> str:
    """Name the news: the same late messages and silent stores are no news."""
    late = [(message.booking_num, message.kind) for message in check.overdue]
    text = json.dumps([late, sorted(check.silent), bool(check.missed_by_legacy)])
    return hashlib.sha256(text.encode()).hexdigest()[:20]
