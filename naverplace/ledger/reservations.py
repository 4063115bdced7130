"""Sending beside a legacy that reads all stores: which flags are reserved before we send; pure.

The legacy does nothing for a booking whose flags are not False (L11-L13). A reserved flag is the
number 1: set, for the legacy; not set, for us. Whatever the legacy writes itself is True or False,
so nobody can take its flag for our reservation. Why nothing is sent twice: docs/switch.md.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.domain.booking import Booking, BookingStatus, new_item
from naverplace.domain.effects import CreateRecord, Effect, MoveRecord, Reserve, SendSms
from naverplace.domain.message_kinds import FLAGS
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.record_matching import MatchedBooking
from naverplace.domain.records import RESERVED, Record, reserved_since

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
EVENING = 20  # the hour in which the legacy sends the event (L13)
LEFT = "left to the legacy: its flag is not reserved"
_CONFIRM, _REMIND, _OPTION = FLAGS


def plan_reservations(
    matches: Iterable[MatchedBooking], owed: Iterable[Effect], *, now: datetime, lead: timedelta
) -> list[Reserve]:
    """List what must be reserved for these bookings of stores that we serve beside the legacy.

    A record to be made is that of `owed`, if it is there.
    """
    items = {e.key: e.item for e in owed if isinstance(e, CreateRecord | SendSms) and e.item}
    wanted = []
    for booking, record in matches:
        if flags := flags_to_reserve(booking, record, now=now, lead=lead):
            key = record.key if record else booking.key
            item = {} if record else items.get(key) or new_item(booking)
            wanted.append(Reserve(key, flags, item))
    return wanted


def flags_to_reserve(
    booking: Booking, record: Record | None, *, now: datetime, lead: timedelta
) -> tuple[str, ...]:
    """Name the flags that must be reserved; what starts too soon for that is the legacy's.

    The event only for a booking that earns it: the legacy reads no completed booking of any later
    store once a store has no item whose event is open (L8).
    """
    confirmed = booking.status is BookingStatus.CONFIRMED
    ahead = confirmed and booking.start - now > lead
    if record is None and not ahead:
        return ()  # the legacy must find no record, to confirm it as new (L11)
    wanted = [_CONFIRM, _REMIND] if ahead else []
    earns = booking.has_review_option and (confirmed or booking.status is BookingStatus.COMPLETED)
    # In its own hour the legacy may be faster than a reservation that must stand first.
    if earns and (record is None or now.astimezone(SEOUL).hour != EVENING):
        wanted.append(_OPTION)
    if record is None:
        return tuple(wanted)
    return tuple(f for f in wanted if not getattr(record, f) and f not in record.reserved)


def reserved_values(flags: Iterable[str], since: datetime) -> dict[str, Any]:
    """Give the attributes of reserved flags."""
    stamp = sortable_timestamp(since)
    return {
        name: value for f in flags for name, value in ((f, RESERVED), (reserved_since(f), stamp))
    }


def sortable_timestamp(moment: datetime) -> str:
    """Write a moment so that DynamoDB compares the texts as moments."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def kept_from_legacy(effect: MoveRecord) -> MoveRecord:
    """Let a move make a message owed again without the legacy ever seeing its flag unset.

    The legacy has never seen that flag other than set, so the reservation has stood for long.
    """
    sets = dict(effect.sets)
    for flag, was_set in effect.flags.items():
        if sets.get(flag) is False:
            del sets[flag]
            if was_set:
                sets |= reserved_values([flag], LONG_AGO)
    return replace(effect, sets=sets)


def may_be_deleted(record: Record, *, now: datetime) -> bool:
    """Tell whether nothing was ever sent on a reserved record whose booking lies ahead.

    Without it the legacy confirms the booking as a new one (L11).
    """
    unsent = _CONFIRM in record.reserved and not record.remind_sms and not record.option_sms
    only_owed = all(entry.state == MessageStatus.OWED for entry in record.messages.values())
    return unsent and only_owed and record.booking_time > f"{now.astimezone(SEOUL):%F %T}"
