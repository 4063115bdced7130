"""Table `sms` as items: the records that the legacy and we share, read, created and updated."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from boto3.dynamodb.conditions import Attr, ConditionBase

from naverplace.aws.table import Table, all_of
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_kinds import FLAGS, KINDS
from naverplace.domain.message_status import assert_transition
from naverplace.domain.records import (
    KEEPER,
    PREFIX,
    RESERVED,
    Record,
    attribute,
    read_record,
    reserved_since,
)
from naverplace.ledger.reservations import reserved_values, sortable_timestamp

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


CREATED_BY = "created_by"
EXISTS = Attr("booking_num").exists()
Seen = tuple[str, str] | None  # token and state of a ledger entry; None: there is none


class RecordsTable:
    """The table by booking number and phone; threads may share it.

    A reserved flag is moved only when it is as it was seen.
    """

    def __init__(self, client: DynamoDBClient, name: str = "sms", *, wait: float = 0.05) -> None:
        self.table = Table(client, name, wait=wait)
        self.writes = 0  # that this client knows to have succeeded
        self._lock = Lock()

    def count_write(self, written: bool) -> bool:
        """Count a write that succeeded."""
        with self._lock:
            self.writes += written
        return written

    def read(self, keys: Iterable[RecordKey]) -> dict[RecordKey, Record]:
        """Read the records that exist; any read error is raised, never 'not found' (L15)."""
        items = self.table.get_many(key._asdict() for key in dict.fromkeys(keys))
        return {record.key: record for record in map(read_record, items)}

    def read_bookings(self, keys: Iterable[RecordKey]) -> dict[RecordKey, Record]:
        """Read the records of bookings; of one unknown under its key, those under other phones.

        The same number may be written in another way (docs/identity.md). Raises as `read` does.
        """
        wanted = list(keys)
        found = self.read(wanted)
        known = {key.booking_num for key in found}
        for booking_num in dict.fromkeys(key.booking_num for key in wanted):
            if booking_num not in known:
                items = self.table.query("booking_num", booking_num)
                found |= {record.key: record for record in map(read_record, items)}
        return found

    def create(self, item: Mapping[str, Any], *, execution_id: str = "") -> bool:
        """Write a new record; tell False and change nothing when there is one already."""
        for name, value in item.items():
            if name.startswith(PREFIX):
                assert_transition(None, value["state"])
        mark = f"{execution_id}/{uuid4().hex}"
        old = self.table.put({**item, CREATED_BY: mark}, condition=Attr("booking_num").not_exists())
        return self.count_write(old is None or old.get(CREATED_BY) == mark)

    def set_flag(self, key: RecordKey, flag: str, value: bool, *, reserved: str = "") -> bool:
        """Set a flag of an existing record; tell False when there is no record.

        With `reserved`, since when, it is set for the legacy only.
        """
        since = reserved_since(flag)
        sets = {flag: RESERVED, since: reserved} if reserved else {flag: value}
        removes = () if reserved else (since,)
        old = self.table.update(key._asdict(), sets, removes=removes, condition=EXISTS)
        return self.count_write(old is None)

    def reserve(
        self, key: RecordKey, flags: Sequence[str], *, since: datetime, item: Mapping[str, Any]
    ) -> bool:
        """Reserve unset flags, of a new record when `item` is given.

        Tells False, with nothing changed, when the legacy was faster.
        """
        values = reserved_values(flags, since)
        if item:
            return self.create({**item, **values})
        unset = [Attr(flag).not_exists() | Attr(flag).eq(False) for flag in flags]
        old = self.table.update(key._asdict(), values, condition=all_of([EXISTS, *unset]))
        # Our own first try, whose answer was lost.
        mine = old is not None and all(old.get(name) == value for name, value in values.items())
        return self.count_write(old is None or mine)

    def reserve_later(
        self, key: RecordKey, flags: Sequence[str], *, seen: datetime, since: datetime
    ) -> None:
        """Let our own reservation count from a later moment: writing it took long."""
        for flag in flags:
            self.table.update(
                key._asdict(),
                {reserved_since(flag): sortable_timestamp(since)},
                condition=_is_reserved(flag, sortable_timestamp(seen)),
            )

    def cancel_reservations(self, record: Record, flags: Collection[str]) -> bool:
        """Take reservations back: the flags are unset again, for whoever reads them.

        Tells False when one of them is not as it was seen.
        """
        old = self.table.update(
            record.key._asdict(),
            dict.fromkeys(flags, False),
            removes=[reserved_since(flag) for flag in flags],
            condition=all_of(_is_reserved(flag, record.reserved[flag]) for flag in flags),
        )
        done = old is not None and all(old.get(flag) is False for flag in flags)
        return self.count_write(old is None or done)

    def delete_unsent(self, record: Record) -> bool:
        """Delete a record on which nothing was ever sent; False when it is not as it was seen."""
        flags = [_is_reserved(flag, since) for flag, since in record.reserved.items()]
        entries = [
            entry_is(kind, (entry.token, entry.state) if entry else None)
            for kind in dict.fromkeys((*KINDS, *record.messages))
            for entry in (record.messages.get(kind),)
        ]
        old = self.table.delete(record.key._asdict(), condition=all_of([*flags, *entries]))
        return self.count_write(not old)  # {}: our own first try, whose answer was lost


def entry_is(kind: str, seen: Seen) -> ConditionBase:
    """Write the condition that a message's ledger entry is still as it was seen."""
    name = attribute(kind)
    if seen is None:
        return Attr(name).not_exists()
    return Attr(f"{name}.token").eq(seen[0]) & Attr(f"{name}.state").eq(seen[1])


def _is_reserved(flag: str, since: str) -> ConditionBase:
    return Attr(flag).eq(RESERVED) & Attr(reserved_since(flag)).eq(since)


def marker_item(store_id: str, booking_time: str) -> dict[str, Any]:
    """Make an item that keeps the legacy reading completed bookings after this store.

    Without any item whose event is open, it reads none of the later stores either (L8). Nothing is
    ever sent for it: no booking has its number.
    """
    return {
        **marker_key(store_id)._asdict(),
        "booking_time": booking_time,
        **dict.fromkeys(FLAGS, False),
        "option_time": "",
    }


def marker_key(store_id: str) -> RecordKey:
    """Name that item."""
    return RecordKey(f"{store_id}_0", KEEPER)
