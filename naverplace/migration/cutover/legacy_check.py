"""Would the legacy's next run come to its end? Asked of Naver before a store is handed back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC

from naverplace.base.errors import NaverPlaceError
from naverplace.domain.records import Record
from naverplace.ledger.scan import LedgerScan
from naverplace.migration.legacy_rows import fatal_rows
from naverplace.migration.shadow import COMPLETED, CONFIRMED, Shadow
from naverplace.naver.booking_api import Window
from naverplace.redaction.redactor import describe
from naverplace.settings.schema import Settings


def dangers_to_legacy(settings: Settings) -> list[str]:
    """List in words what ends the legacy's runs as long as Naver lists it (L27), of all stores.

    What could not be looked at is a danger too: the legacy may meet the same answer (L9, L28).
    """
    try:
        return list(_dangers(Shadow(settings)))
    except NaverPlaceError as error:
        return [f"what Naver lists could not be looked at: {describe(error)}"]


def _dangers(shadow: Shadow) -> Iterator[str]:
    table = shadow.items.table
    records = list(LedgerScan(table.client, table.name).scan())
    for store_id in shadow.store_ids:
        window = _completed_range(records, store_id)
        for status in (CONFIRMED, COMPLETED) if window else (CONFIRMED,):
            part = window if status == COMPLETED else None
            try:
                raws = shadow.bookings.bookings(store_id, status, part)
            except NaverPlaceError as error:
                yield f"store {store_id}: its {status} list could not be read: {describe(error)}"
            else:
                yield from fatal_rows(raws, status, store_id)


def _completed_range(records: Iterable[Record], store_id: str) -> Window | None:
    """Give the range of completed bookings that the legacy may read for a store (L8, L24, L25).

    Reserved events count, since a hand-back gives them to the legacy. Its local times are stamped
    as UTC. None when nothing of the store is open.
    """
    times = [
        record.start.replace(tzinfo=UTC)
        for record in records
        if record.start and record.key.booking_num.startswith(store_id) and not record.option_sms
    ]
    return Window(min(times), max(times)) if times else None
