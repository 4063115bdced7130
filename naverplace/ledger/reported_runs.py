"""Which runs have told somebody what they marked as expired, kept in table `session`.

A mark in the ledger is written before the report that names it. A run that dies between the two
would leave a loss that nobody hears of, so the next run names what was marked by none of these.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from naverplace.base.clock import SEOUL
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import Record

if TYPE_CHECKING:
    from naverplace.aws.state_table import StateTable

ITEM = "naverplace-told"
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
    past = {n: None for n, at in item.items() if n.startswith(_RUN) and _time(at) < oldest}
    table.update(ITEM, {**past, _RUN + run_id: now.astimezone(UTC).isoformat()})


def _time(value: object) -> datetime:
    return datetime.fromisoformat(str(value)).astimezone(SEOUL)
