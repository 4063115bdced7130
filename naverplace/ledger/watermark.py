"""How far the ledger has been compared with SENS's log, and what was named on the way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from naverplace.aws.state_table import StateTable
from naverplace.base.clock import SEOUL

WATERMARK = "naverplace-reconciled"  # id of its item in table `session`
MOST_NAMED = 5000  # an item of DynamoDB holds 400 KB; what is beyond is named once more


@dataclass(frozen=True)
class Watermark:
    """What the last complete reconciliation left behind."""

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
        until=_time(item.get("until")),
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
            "until": until.astimezone(UTC).isoformat(),
            "named": [_hash(finding_id) for finding_id in named][:MOST_NAMED],
            "ledger_size": ledger_size,
            **notes,
        }
    )


def _hash(finding_id: str) -> str:
    return sha256(finding_id.encode()).hexdigest()[:20]


def _time(value: object) -> datetime | None:
    try:
        read = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return read.astimezone(SEOUL) if read and read.tzinfo else None
