"""Would the legacy's next run come to its end? Asked of Naver before a store is handed back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from naverplace.base.errors import NaverPlaceError
from naverplace.domain.booking import TIME_FORMAT
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
        lists: list[tuple[str, Window | None]] = [(CONFIRMED, None)]
        if window := completed_range(records, store_id):
            lists.append((COMPLETED, window))
        for status, window in lists:
            try:
                raws = shadow.bookings.bookings(store_id, status, window).raws
            except NaverPlaceError as error:
                yield f"store {store_id}: its {status} list could not be read: {describe(error)}"
            else:
                yield from (row.words for row in fatal_rows(raws, status, store_id))


def completed_range(records: Iterable[Record], store_id: str) -> Window | None:
    """Give the range of completed bookings that the legacy may read for a store (L8, L24, L25).

    Reserved events count, since a hand-back gives them to the legacy. Its local times are stamped
    as UTC. None when nothing of the store is open.
    """
    times = []
    for record in records:
        if record.key.booking_num.startswith(store_id) and not record.option_sms:
            try:
                local = datetime.strptime(record.booking_time, TIME_FORMAT)  # noqa: DTZ007
            except ValueError:  # it ends the legacy's reading of completed lists, not the run (L8)
                continue
            times.append(local.replace(tzinfo=UTC))
    return Window(min(times), max(times)) if times else None
