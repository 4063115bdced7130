"""What runs leave in table `session` for later ones: reports made, SENS's log compared.

A mark in the ledger is written before the report that names it. A run that dies between the two
would leave a loss that nobody hears of, so the next run names what was marked by none of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from boto3.dynamodb.conditions import Attr

from naverplace.aws.table import StateTable
from naverplace.base.clock import format_utc, parse_time
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import Record

WATERMARK = "naverplace-reconciled"  # id of its item in table `session`
ITEM = "naverplace-told"
LAST_READ = "naverplace-last-read"  # one attribute a store: the moment
MOST_NAMED = 5000  # an item of DynamoDB holds 400 KB; what is beyond is named once more
CONTACTS = "naverplace-contacts"
TESTS = "naverplace-test-messages"  # fingerprints, with when each was sent
_TEST = "test_"
_ASKED = "asked_"  # one attribute each time that somebody was shown a phone
_LAST = "last"  # the newest of these
_RUN = "run_"  # one attribute an execution that has reported


def read_reported_runs(table: StateTable, records: Iterable[Record]) -> frozenset[str] | None:
    """Read which executions of runs have reported; None, unasked, when nothing is expired.

    Raises Transient, Permanent.
    """
    entries = (entry for record in records for entry in record.messages.values())
    if not any(entry.state == MessageStatus.EXPIRED for entry in entries):
        return None
    item = table.get(ITEM) or {}
    return frozenset(name.removeprefix(_RUN) for name in item if name.startswith(_RUN))


def record_reported_run(
    table: StateTable, execution_id: str, *, now: datetime, days: float
) -> None:
    """Note that this execution of a run has reported, and forget those of `days` ago.

    Raises Transient, Permanent.
    """
    item = table.get(ITEM) or {}
    oldest = now - timedelta(days=days)
    times = {name: parse_time(at) for name, at in item.items() if name.startswith(_RUN)}
    past = {name: None for name, at in times.items() if at and at < oldest}
    table.update(ITEM, {**past, _RUN + execution_id: format_utc(now)})


def record_contact(
    table: StateTable, booking_num: str, *, by: str, reason: str, now: datetime, days: float
) -> None:
    """Note in the audit trail who has asked for a customer's phone, and why; never the phone.

    Raises Transient, Permanent.
    """
    entry = uuid4().hex
    asked = {"at": format_utc(now), "by": by, "booking": booking_num, "reason": reason}
    table.update(CONTACTS, {_ASKED + entry: asked, _LAST: entry})
    forget_contacts(table, before=now - timedelta(days=days))


def read_contacts(table: StateTable) -> dict[str, Mapping[str, str]]:
    """Read the audit trail by the name of each entry. Raises Transient, Permanent."""
    item = table.get(CONTACTS) or {}
    return {name: asked for name, asked in item.items() if name.startswith(_ASKED)}


def forget_contacts(table: StateTable, *, before: datetime) -> int:
    """Forget who has asked before then, and count them; none while somebody else is asking.

    Raises Transient, Permanent.
    """
    item = table.get(CONTACTS) or {}
    asked_at = {n: parse_time(asked["at"]) for n, asked in item.items() if n.startswith(_ASKED)}
    past = {name for name, at in asked_at.items() if at and at < before}
    if not past:
        return 0
    kept = {name: value for name, value in item.items() if name not in past}
    # Retention may put items and update none.
    unchanged = Attr(_LAST).eq(item.get(_LAST))
    return len(past) if table.table.put(kept, condition=unchanged) is None else 0


def record_test_message(table: StateTable, fingerprint: str, *, now: datetime) -> None:
    """Note the content of a message to the owner's own phone, which is in no ledger.

    Raises Transient, Permanent.
    """
    item = table.get(TESTS) or {}
    oldest = now - timedelta(days=90)  # SENS's log shows no older ones
    past = {n: None for n, at in item.items() if (read := parse_time(at)) and read < oldest}
    table.update(TESTS, {**past, _TEST + fingerprint: format_utc(now)})


def read_test_messages(table: StateTable) -> frozenset[str]:
    """Read the contents of messages to the owner's own phone. Raises Transient, Permanent."""
    item = table.get(TESTS) or {}
    return frozenset(name.removeprefix(_TEST) for name in item if name.startswith(_TEST))


def record_last_read(table: StateTable, store_ids: Iterable[str], now: datetime) -> None:
    """Note when these stores were read, and leave the others. Raises Transient, Permanent."""
    times = dict.fromkeys(store_ids, format_utc(now))
    if times:
        table.update(LAST_READ, times)


def read_last_read(table: StateTable) -> dict[str, datetime]:
    """Read when each store was read last, by store. Raises Transient, Permanent."""
    item = table.get(LAST_READ) or {}
    return {name: at for name, value in item.items() if (at := parse_time(value))}


@dataclass(frozen=True)
class Watermark:
    """How far the ledger was compared with SENS's log, and what was named on the way."""

    until: datetime | None = None
    named: frozenset[str] = frozenset()  # hashes of the findings' ids
    ledger_size: int = 0  # counted messages in the whole ledger

    def names(self, finding_id: str) -> bool:
        """Tell whether this finding was named by then."""
        return _hash(finding_id) in self.named


def read_watermark(table: StateTable) -> Watermark:
    """Read the watermark; an empty one when there is none. Raises Transient, Permanent."""
    item = table.get(WATERMARK) or {}
    return Watermark(
        until=parse_time(item.get("until")),
        named=frozenset(str(mark) for mark in item.get("named") or ()),
        ledger_size=int(item.get("ledger_size") or 0),
    )


def write_watermark(
    table: StateTable,
    *,
    until: datetime,
    named: Iterable[str] = (),
    ledger_size: int = 0,
    notes: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Write the watermark over the last one, with notes for whoever looks at the table."""
    table.put(
        {
            "id": WATERMARK,
            "until": format_utc(until),
            "named": [_hash(finding_id) for finding_id in named][:MOST_NAMED],
            "ledger_size": ledger_size,
            **notes,
        }
    )


def _hash(finding_id: str) -> str:
    return sha256(finding_id.encode()).hexdigest()[:20]
