"""Following accepted messages to their end: delivered, failed, or never heard of again."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime

from naverplace.base.errors import NaverPlaceError
from naverplace.domain.message_status import MessageStatus
from naverplace.jobs.reconciliation.findings import (
    NEVER_FINISHED,
    UNDELIVERED,
    DeliveryUpdate,
    Finding,
    entry_finding,
)
from naverplace.jobs.reconciliation.matching import Match, MatchClass
from naverplace.ledger.scan import LedgerScan
from naverplace.messaging.sens import SensClient, read_requests
from naverplace.redaction.redactor import describe

log = logging.getLogger(__name__)
_SHOWN_IN_LOG = (MatchClass.MATCHED, MatchClass.EARLIER, MatchClass.TOO_YOUNG)


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
    counted = {
        entry: message
        for match_class, entry, message in matches
        if entry and entry.counted_as_sent and match_class in _SHOWN_IN_LOG
        if entry.at is None or entry.at >= since
    }
    accepted = {e: m for e, m in counted.items() if e.message.state == MessageStatus.ACCEPTED}
    findings: list[Finding] = [  # named until the owner was told of it
        entry_finding(UNDELIVERED, e) for e in counted if e.message.state == MessageStatus.FAILED
    ]
    delivered = failed = under_way = 0
    problem = ""
    try:
        # Adopted late, a message may be older than what was read of the log.
        unseen = [entry.request_id for entry, message in accepted.items() if message is None]
        asked = {message.request_id: message for message in read_requests(sens, unseen)}
        for entry, in_log in accepted.items():
            message = in_log or asked.get(entry.request_id)
            if message is None or not message.end:
                under_way += 1
                if entry.at is None or entry.at < overdue:
                    findings.append(entry_finding(NEVER_FINISHED, entry, message))
                continue
            arrived = message.end == MessageStatus.DELIVERED
            state = MessageStatus.DELIVERED if arrived else MessageStatus.FAILED
            # Another reconciliation may have moved it meanwhile: then that one names it.
            moved = table.record_receipt(
                entry, state, message_id=message.message_id, result=message.result
            )
            if arrived:
                delivered += moved
            elif moved:
                failed += 1
                findings.append(entry_finding(UNDELIVERED, entry, message))
    except NaverPlaceError as error:
        log.exception("not all accepted messages were followed")
        problem = f"not all accepted messages were followed: {describe(error)}"
    return DeliveryUpdate(delivered, failed, under_way, tuple(findings), problem)
