"""Which record is a booking's own; pure. Every case with its reason: docs/identity.md.

The legacy's key holds the phone as Naver wrote it (L10, L16), so one number written in two ways
has two keys. The number itself decides: written otherwise it is the same person, and nothing is
sent twice; another number is another person, who has been told nothing yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from naverplace.base.phone import from_legacy_sort_key, normalise_phone
from naverplace.domain.booking import Booking, BookingStatus, Told
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import WITH_PROVIDER
from naverplace.domain.records import MOVED_FROM, Record

_EARLY = (BookingStatus.REQUESTED, BookingStatus.CONFIRMED)


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


class MatchedBooking(NamedTuple):
    """A booking, and the record that is its own; None while it has none."""

    booking: Booking
    record: Record | None


def match_records(
    bookings: Iterable[Booking], records: Mapping[RecordKey, Record]
) -> list[MatchedBooking]:
    """Match each booking, by its newest reading, with its record.

    It is the one under the booking's very key, else the same person's; it keeps the key that it was
    found under, and every write goes there. What was sent under another phone of the booking's goes
    with the booking: a visitor's phone may stay when the booker's changes.
    """
    bookings = newest(bookings)
    keys = {booking.key for booking in bookings}
    others: dict[str, list[Record]] = {}
    for record in records.values():
        if record.key not in keys:
            others.setdefault(record.key.booking_num, []).append(record)
    matches = []
    for booking in bookings:
        near = others.get(booking.booking_num, ())
        own = records.get(booking.key) or _same_persons(booking, near)
        if told := frozenset(t for other in near if other is not own for t in _told(other)):
            booking = booking.model_copy(update={"told": told})
        matches.append(MatchedBooking(booking, own))
    return matches


def _told(record: Record) -> Iterator[Told]:
    """List what went out under a record, or may have; of the legacy's flags nobody knows when."""
    for kind, entry in record.messages.items():
        if entry.state in WITH_PROVIDER or entry.is_in_doubt:
            with suppress(ValueError):  # no number that a message could have gone to
                to = entry.to or normalise_phone(from_legacy_sort_key(record.key.phone))
                yield Told(kind.partition(MOVED_FROM)[0], entry.for_start, to)


def _same_persons(booking: Booking, records: Iterable[Record]) -> Record | None:
    """Find the same person's record on which most was sent, so that the fullest is believed."""

    def fullness(record: Record) -> tuple[int, str]:
        flags = record.confirm_sms + record.remind_sms + record.option_sms
        return flags + len(record.messages), record.key.phone

    return max((r for r in records if same_person(r.key, booking)), key=fullness, default=None)


def newest(bookings: Iterable[Booking]) -> list[Booking]:
    """Keep of every booking the reading with its newest status; of two alike the later one.

    A booking may stand in two lists: while they are read it may complete, so RC08 wins over RC03.
    """
    kept: dict[str, Booking] = {}
    for booking in bookings:
        other = kept.get(booking.booking_num)
        if other is None or _age(booking) > _age(other):
            kept[booking.booking_num] = booking
    return list(kept.values())


def _age(booking: Booking) -> tuple[Any, ...]:
    settled = booking.status not in _EARLY
    # The last two only keep the choice independent of the order that bookings come in.
    return settled, booking.read_at, booking.status.value, booking.start, booking.raw_phone
