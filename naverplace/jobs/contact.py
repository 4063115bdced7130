"""Showing the person on duty whom to call, and noting who asked; nothing of it is logged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.clock import parse_time
from naverplace.base.errors import NaverPlaceError, Permanent
from naverplace.base.phone import legacy_sort_key_phone
from naverplace.domain.booking import TIME_FORMAT, BookingStatus
from naverplace.domain.effects import store_of_booking
from naverplace.domain.records import KEEPER, read_record
from naverplace.ledger.records_table import RecordsTable
from naverplace.ledger.run_memory import record_contact
from naverplace.naver.booking_client import BookingClient, completed_window
from naverplace.naver.session import open_naver_session
from naverplace.pipeline.rulebook_in_force import read_known_stores
from naverplace.redaction.redactor import REDACTOR, describe
from naverplace.settings.schema import Settings


@dataclass(frozen=True)
class Contact:
    """Whom to call about one booking; the name and the phones in full."""

    booking: str
    store: str
    name: str = field(repr=False)
    phone: str = field(repr=False)  # the newest that is known
    ledger_phones: tuple[str, ...] = field(repr=False)  # to which messages went or will go
    start: str  # Korean time
    source: str  # Naver | the ledger
    note: str  # why Naver's is not known

    def as_json(self) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        return asdict(self)


def show_contact(settings: Settings, booking_num: str, *, by: str, reason: str) -> Contact:
    """Find name and phone of a booking, and note in the audit trail who asked before giving them.

    Naver is asked with the stored session, which is never renewed; else the ledger tells. Raises
    Permanent for an unknown booking, Transient or Permanent when nothing can be noted.
    """
    session_table = StateTable(open_dynamodb(settings.aws), settings.aws.session_table)
    contact = _find(settings, session_table, booking_num)
    record_contact(
        session_table,
        booking_num,
        by=REDACTOR.scrub(by),
        reason=REDACTOR.scrub(reason),
        now=settings.make_clock().now(),
        days=settings.retention.days,
    )
    return contact


def _find(settings: Settings, session_table: StateTable, booking_num: str) -> Contact:
    store_id = store_of_booking(booking_num)
    stores = read_known_stores(settings, session_table)
    records = RecordsTable(session_table.table.client, settings.aws.sms_table).table
    known = [i for i in records.query("booking_num", booking_num) if i["phone"] != KEEPER]
    known.sort(key=lambda item: str(item.get("booking_time") or ""))
    listed, note = None, f"store {store_id} is not in {settings.stores_file}"
    if store_id in stores:
        try:
            listed = _ask_naver(settings, session_table, store_id, booking_num)
            note = "" if listed else "Naver lists it no more: it may be cancelled"
        except NaverPlaceError as error:
            note = f"Naver could not be asked: {describe(error)}"
    if not (listed or known):
        raise Permanent(f"no booking {booking_num!r} in the ledger or at Naver; {note}")
    newest = listed or known[-1]
    return Contact(
        booking=booking_num,
        store=stores[store_id].alias if store_id in stores else store_id,
        name=newest["name"],
        phone=newest["phone"],
        ledger_phones=tuple(dict.fromkeys(phone for item in known for phone in _phones(item))),
        start=newest["booking_time"],
        source="Naver" if listed else "the ledger",
        note=note,
    )


def _phones(item: Mapping[str, Any]) -> Iterator[str]:
    """List the booker's phone, and the visitor's when a message went to one."""
    yield str(item["phone"])
    for message in read_record(item).messages.values():
        if message.to:
            yield legacy_sort_key_phone(message.to)


def _ask_naver(
    settings: Settings, session_table: StateTable, store_id: str, booking_num: str
) -> dict[str, str] | None:
    """Read the booking as Naver lists it now; None when it does not."""
    clock = settings.make_clock()
    session = open_naver_session(
        settings,
        table=session_table,
        clock=clock,
        authenticator=None,
        probe_stores=[store_id],
    )
    client = BookingClient(session, settings.naver, clock)
    window = completed_window(clock.now(), settings.naver.completed_lookback_days)
    raws = [
        *client.bookings(store_id, BookingStatus.CONFIRMED),
        *client.bookings(store_id, BookingStatus.COMPLETED, window),
    ]
    for raw in raws:
        if str(raw.get("bookingId")) == booking_num.partition("_")[2]:
            phone = str(raw.get("phone") or "")
            snapshot = raw.get("snapshotJson")
            start = parse_time(snapshot.get("startDateTime") if isinstance(snapshot, dict) else "")
            return {
                "name": str(raw.get("name") or ""),
                "phone": legacy_sort_key_phone(phone) if phone.isdigit() else phone,
                "booking_time": f"{start:{TIME_FORMAT}}" if start else "",
            }
    return None
