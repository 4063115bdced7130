"""Following accepted messages to their end: delivered, failed, or never heard of again."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from naverplace.base.errors import NaverPlaceError
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.jobs.reconciliation.findings import (
    NEVER_FINISHED,
    UNDELIVERED,
    DeliveryUpdate,
    Finding,
    entry_finding,
)
from naverplace.jobs.reconciliation.matching import Match, MatchClass
from naverplace.ledger.entries import LedgerMessage
from naverplace.ledger.scan import LedgerScan
from naverplace.messaging.sens import SensClient, read_requests
from naverplace.redaction.redactor import describe

log = logging.getLogger(__name__)


def update_delivery_status(
    matches: Iterable[Match],
    *,
    table: LedgerScan,
    sens: SensClient,
    since: datetime,
    overdue: datetime,
) -> DeliveryUpdate:
    """Move the messages accepted since then on to what SENS says became of them.

    Those accepted before `overdue` without a result are named. An error of SENS or of the table
    stops it and is in the result; what was moved by then stays moved.
    """
    following = _Following(table, overdue)
    open_ones: dict[LedgerMessage, SmsLogEntry | None] = {}
    for _, entry, message in _since(matches, since):
        if entry.message.state == MessageStatus.ACCEPTED:
            open_ones[entry] = message
        elif entry.message.state == MessageStatus.FAILED:  # named until the owner was told of it
            following.findings.append(entry_finding(UNDELIVERED, entry))
    try:
        # Adopted late, a message may be older than what was read of the log.
        unseen = [entry.request_id for entry, message in open_ones.items() if message is None]
        asked = {message.request_id: message for message in read_requests(sens, unseen)}
        for entry, message in open_ones.items():
            following.follow(entry, message or asked.get(entry.request_id))
    except NaverPlaceError as error:
        log.exception("not all accepted messages were followed")
        following.problem = f"not all accepted messages were followed: {describe(error)}"
    return following.summed_up()


def _since(
    matches: Iterable[Match], since: datetime
) -> Iterable[tuple[MatchClass, LedgerMessage, SmsLogEntry | None]]:
    """List the counted entries of the time whose request SENS's log may show."""
    for match_class, entry, message in matches:
        if (
            entry is None
            or not entry.counted_as_sent
            or (entry.at is not None and entry.at < since)
        ):
            continue
        if match_class in (MatchClass.MATCHED, MatchClass.EARLIER, MatchClass.TOO_YOUNG):
            yield match_class, entry, message


@dataclass
class _Following:
    table: LedgerScan
    overdue: datetime
    delivered: int = 0
    failed: int = 0
    under_way: int = 0
    findings: list[Finding] = field(default_factory=list)
    problem: str = ""

    def follow(self, entry: LedgerMessage, message: SmsLogEntry | None) -> None:
        """Move one message on as far as SENS knows."""
        if message is None or not message.end:
            self.under_way += 1
            if entry.at is None or entry.at < self.overdue:
                self.findings.append(entry_finding(NEVER_FINISHED, entry, message))
            return
        delivered = message.end == MessageStatus.DELIVERED
        state = MessageStatus.DELIVERED if delivered else MessageStatus.FAILED
        # Another reconciliation may have moved it meanwhile: then that one names it.
        moved = self.table.record_receipt(
            entry, state, message_id=message.message_id, result=message.result
        )
        if delivered:
            self.delivered += moved
        elif moved:
            self.failed += 1
            self.findings.append(entry_finding(UNDELIVERED, entry, message))

    def summed_up(self) -> DeliveryUpdate:
        return DeliveryUpdate(
            self.delivered, self.failed, self.under_way, tuple(self.findings), self.problem
        )
