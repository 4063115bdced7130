"""Reserving flags of table `sms`, so that a legacy beside us leaves their messages to us."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from boto3.dynamodb.conditions import Attr, ConditionBase

from naverplace.aws.table import all_of
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_kinds import FLAGS, KINDS
from naverplace.domain.records import KEEPER, RESERVED, Record, reserved_since
from naverplace.ledger.records_table import EXISTS, RecordsTable, entry_is
from naverplace.ledger.reservations import reserved_values, sortable_timestamp


class ReservationsTable:
    """The moves of a reserved flag, each on the condition that it is as it was seen."""

    def __init__(self, records: RecordsTable) -> None:
        self.records = records

    def reserve(
        self, key: RecordKey, flags: Sequence[str], *, since: datetime, item: Mapping[str, Any]
    ) -> bool:
        """Reserve unset flags, of a new record when `item` is given.

        Tells False, with nothing changed, when the legacy was faster.
        """
        values = reserved_values(flags, since)
        if item:
            return self.records.create({**item, **values})
        unset = [Attr(flag).not_exists() | Attr(flag).eq(False) for flag in flags]
        old = self.records.table.update(key._asdict(), values, condition=all_of([EXISTS, *unset]))
        # Our own first try, whose answer was lost.
        mine = old is not None and all(old.get(name) == value for name, value in values.items())
        return self.records.count_write(old is None or mine)

    def reserve_later(
        self, key: RecordKey, flags: Sequence[str], *, seen: datetime, since: datetime
    ) -> None:
        """Let our own reservation count from a later moment: writing it took long."""
        for flag in flags:
            self.records.table.update(
                key._asdict(),
                {reserved_since(flag): sortable_timestamp(since)},
                condition=_is_reserved(flag, sortable_timestamp(seen)),
            )

    def cancel(self, record: Record, flags: Collection[str]) -> bool:
        """Take reservations back: the flags are unset again, for whoever reads them.

        Tells False when one of them is not as it was seen.
        """
        old = self.records.table.update(
            record.key._asdict(),
            dict.fromkeys(flags, False),
            removes=[reserved_since(flag) for flag in flags],
            condition=all_of(_is_reserved(flag, record.reserved[flag]) for flag in flags),
        )
        done = old is not None and all(old.get(flag) is False for flag in flags)
        return self.records.count_write(old is None or done)

    def delete_unsent(self, record: Record) -> bool:
        """Delete a record on which nothing was ever sent; False when it is not as it was seen."""
        flags = [_is_reserved(flag, since) for flag, since in record.reserved.items()]
        entries = [
            entry_is(kind, (entry.token, entry.state) if entry else None)
            for kind in dict.fromkeys((*KINDS, *record.messages))
            for entry in (record.messages.get(kind),)
        ]
        old = self.records.table.delete(record.key._asdict(), condition=all_of([*flags, *entries]))
        return self.records.count_write(not old)  # {}: our own first try, whose answer was lost

    def delete_marker(self, key: RecordKey) -> None:
        """Delete an item that is no booking's. Raises Transient, Permanent."""
        self.records.table.delete(key._asdict())


def _is_reserved(flag: str, since: str) -> ConditionBase:
    return Attr(flag).eq(RESERVED) & Attr(reserved_since(flag)).eq(since)


def marker_item(store_id: str, booking_time: str) -> dict[str, Any]:
    """Make an item that keeps the legacy reading completed bookings after this store.

    Without any item whose event is open, it reads none of the later stores either (L8). Nothing is
    ever sent for it: no booking has its number.
    """
    return {
        "booking_num": marker_key(store_id).booking_num,
        "phone": marker_key(store_id).phone,
        "booking_time": booking_time,
        **dict.fromkeys(FLAGS, False),
        "option_time": "",
    }


def marker_key(store_id: str) -> RecordKey:
    """Name that item."""
    return RecordKey(f"{store_id}_0", KEEPER)
