"""Taking back what we reserved and never sent, so that the legacy sends it."""

from __future__ import annotations

from collections.abc import Iterable

from naverplace.domain.records import Record
from naverplace.ledger.records_table import marker_key
from naverplace.ledger.reservations import may_be_deleted
from naverplace.ledger.scan import LedgerScan
from naverplace.pipeline.context import RunContext


def return_reservations(run: RunContext, store_id: str) -> tuple[int, int]:
    """Unset one store's reserved flags, and count the bookings done and those that are left.

    Left is what is in doubt, or was changed meanwhile: drain, and do it again. Nobody of ours may
    send for the store any more. Raises Transient, Permanent.
    """
    table = run.table.records.table
    found = list(reserved_of(store_id, LedgerScan(table.client, table.name).scan()))
    done = sum(_take_back(run, record) for record in found)
    run.table.reservations.delete_marker(marker_key(store_id))
    return done, len(found) - done


def reserved_of(store_id: str, records: Iterable[Record]) -> Iterable[Record]:
    """Find a store's records with a reserved flag."""
    for record in records:
        if record.reserved and record.key.store_id == store_id:
            yield record


def _take_back(run: RunContext, record: Record) -> bool:
    if any(entry.is_in_doubt for entry in record.messages.values()):
        return False
    if may_be_deleted(record, now=run.clock.now()) and run.table.reservations.delete_unsent(record):
        return True
    return run.table.reservations.cancel(record, record.reserved)
