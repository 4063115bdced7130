"""Which record is a booking's own; pure. Every case with its reason: docs/identity.md.

The legacy's key holds the phone as Naver wrote it (L10, L16), so one number written in two ways
has two keys. The number itself decides: written otherwise it is the same person, and nothing is
sent twice; another number is another person, who has been told nothing yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from naverplace.base.phone import from_legacy_sort_key, normalise_phone
from naverplace.domain.booking import Booking
from naverplace.domain.effects import RecordKey
from naverplace.domain.records import Record


def same_person(key: RecordKey, booking: Booking) -> bool:
    """Tell whether a key is this booking's, whatever way its phone is written."""
    if key.booking_num != booking.booking_num:
        return False
    try:
        return (
            key.phone == booking.key.phone
            or normalise_phone(from_legacy_sort_key(key.phone)) == booking.phone
        )
    except ValueError:  # no number that a message could have gone to
        return False


def match_records(
    bookings: Iterable[Booking], records: Mapping[RecordKey, Record]
) -> dict[RecordKey, Record]:
    """Give each booking's key its record: the one under this very key, else the same person's.

    The record keeps the key that it was found under, and every write goes there.
    """
    bookings = list(bookings)
    keys = {booking.key for booking in bookings}
    others: dict[str, list[Record]] = {}
    for record in records.values():
        if record.key not in keys:
            others.setdefault(record.key.booking_num, []).append(record)
    own = {}
    for booking in bookings:
        exact = records.get(booking.key)
        same = [r for r in others.get(booking.booking_num, ()) if same_person(r.key, booking)]
        if exact or same:
            own[booking.key] = exact or max(same, key=_told)
    return own


def _told(record: Record) -> tuple[int, str]:
    """Order records by how much was sent on them, so that the fullest one is believed."""
    flags = record.confirm_sms + record.remind_sms + record.option_sms
    return flags + len(record.messages), record.key.phone
