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

from naverplace.aws.table import StateTable
from naverplace.base.clock import format_utc, parse_time
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import Record

WATERMARK = "naverplace-reconciled"  # id of its item in table `session`
ITEM = "naverplace-told"
MOST_NAMED = 5000  # an item of DynamoDB holds 400 KB; what is beyond is named once more
_RUN = "run_"  # one attribute a run: the moment of its report


def read_reported_runs(table: StateTable, records: Iterable[Record]) -> frozenset[str] | None:
    """Read the runs that have reported; None, without a question, when nothing is expired.

    Raises Transient, Permanent.
    """
    entries = (entry for record in records for entry in record.messages.values())
    if not any(entry.state == MessageStatus.EXPIRED for entry in entries):
        return None
    item = table.get(ITEM) or {}
    return frozenset(name.removeprefix(_RUN) for name in item if name.startswith(_RUN))


def record_reported_runs(table: StateTable, run_id: str, *, now: datetime, days: float) -> None:
    """Note that this run has reported, and forget runs of more than `days` ago.

    Raises Transient, Permanent.
    """
    item = table.get(ITEM) or {}
    oldest = now - timedelta(days=days)
    times = {name: parse_time(at) for name, at in item.items() if name.startswith(_RUN)}
    past = {name: None for name, at in times.items() if at and at < oldest}
    table.update(ITEM, {**past, _RUN + run_id: format_utc(now)})


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
