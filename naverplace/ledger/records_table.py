"""Table `sms` as items: the records that the legacy and we share, read, created and updated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from boto3.dynamodb.conditions import Attr, ConditionBase

from naverplace.aws.table import Table
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import assert_transition
from naverplace.domain.records import (
    PREFIX,
    RESERVED,
    Record,
    attribute,
    read_record,
    reserved_since,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

CREATED_BY = "created_by"
EXISTS = Attr("booking_num").exists()
Seen = tuple[str, str] | None  # token and state of a ledger entry; None: there is none


class RecordsTable:
    """The table by booking number and phone; threads may share it."""

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

    def create(self, item: Mapping[str, Any], *, run_id: str = "") -> bool:
        """Write a new record; tell False and change nothing when there is one already."""
        for name, value in item.items():
            if name.startswith(PREFIX):
                assert_transition(None, value["state"])
        mark = f"{run_id}/{uuid4().hex}"
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


def entry_is(kind: str, seen: Seen) -> ConditionBase:
    """Write the condition that a message's ledger entry is still as it was seen."""
    name = attribute(kind)
    if seen is None:
        return Attr(name).not_exists()
    return Attr(f"{name}.token").eq(seen[0]) & Attr(f"{name}.state").eq(seen[1])
