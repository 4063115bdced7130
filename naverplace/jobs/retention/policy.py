"""Which booking of table `sms` may be forgotten, and why another one may not; pure.

A booking that Naver still lists as confirmed is never forgotten, however old it is: the legacy,
and with it a store that is handed back, confirms every listed booking that it finds no item of,
past ones too (L26).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from naverplace.base.clock import parse_time
from naverplace.domain.records import KEEPER, Record


class RetentionDecision(StrEnum):
    """What becomes of one record."""

    RECENT = "recent"  # its time is not over
    FORGET = "forget"
    LISTED = "still listed by Naver"
    LEGACY = "its store is the legacy's"
    UNREAD = "its store could not be read"
    UNKNOWN = "its store is not in stores.yaml"
    UNDATED = "nothing tells how old it is"


@dataclass(frozen=True)
class Listed:
    """What is known about the stores when a record is judged."""

    read: Mapping[str, Collection[str]]  # by store that was read: the booking numbers it lists
    known: Collection[str] = ()  # stores of stores.yaml
    legacy: Collection[str] = ()  # stores that the legacy serves
    closed: Collection[str] = ()  # stores that nobody serves


def retention_decision(record: Record, listed: Listed, *, before: datetime) -> RetentionDecision:
    """Judge one record: may it be forgotten, if nothing happened with it since `before`?"""
    if record.key.phone == KEEPER:  # no customer's
        return RetentionDecision.RECENT
    happened = last_happened(record)
    if happened is not None and happened >= before:
        return RetentionDecision.RECENT
    store_id = record.key.booking_num.partition("_")[0]
    if store_id in listed.closed:
        return RetentionDecision.FORGET
    if store_id in listed.legacy:
        return RetentionDecision.LEGACY
    if store_id not in listed.known:
        return RetentionDecision.UNKNOWN
    if store_id not in listed.read:
        return RetentionDecision.UNREAD
    if record.key.booking_num in listed.read[store_id]:
        return RetentionDecision.LISTED
    return RetentionDecision.UNDATED if happened is None else RetentionDecision.FORGET


def last_happened(record: Record) -> datetime | None:
    """Tell the last moment that this record speaks of; None when it speaks of none.

    That is the booking's start, or the last move of one of its messages.
    """
    moments = [record.start]
    for entry in record.messages.values():
        moments += [entry.claimed_at, entry.settled_at, entry.due, entry.for_start]
    moments += [parse_time(since) for since in record.reserved.values()]
    return max((moment for moment in moments if moment), default=None)
