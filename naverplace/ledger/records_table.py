"""Table `sms` as items: the records that the legacy and we share, read, created and updated.

botocore repeats a write whose answer was lost. The repeated condition then fails although the
first try succeeded, so each conditional write carries a token of its own and looks for it in the
item that stood in its way.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from botocore.exceptions import ClientError

from naverplace.aws.dynamodb import failed_condition, from_wire, to_wire, translated
from naverplace.base.errors import Throttled
from naverplace.domain.effects import RecordKey
from naverplace.domain.records import RESERVED, Record, read_record, reserved_since

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH = 100  # keys of one BatchGetItem, DynamoDB's limit
CREATED_BY = "created_by"
EXISTS = "attribute_exists(booking_num)"


class RecordsTable:
    """The table by booking number and phone; threads may share it."""

    def __init__(self, client: DynamoDBClient, name: str = "sms", *, wait: float = 0.05) -> None:
        self.client, self.name = client, name
        self.writes = 0  # that this client knows to have succeeded
        self._wait = wait  # seconds before keys that DynamoDB left out are asked for again; doubles
        self._lock = Lock()

    def _count(self, written: bool) -> bool:
        with self._lock:
            self.writes += written
        return written

    def read(self, keys: Iterable[RecordKey]) -> dict[RecordKey, Record]:
        """Read the records that exist; any read error is raised, never 'not found' (L15)."""
        todo = iter(dict.fromkeys(keys))
        found: dict[RecordKey, Record] = {}
        while batch := list(islice(todo, BATCH)):
            for item in self._read_batch(batch):
                record = read_record(item)
                found[record.key] = record
        return found

    def read_bookings(self, keys: Iterable[RecordKey]) -> dict[RecordKey, Record]:
        """Read the records of bookings; of one unknown under its key, those under other phones.

        The same number may be written in another way (docs/identity.md). Raises as `read` does.
        """
        wanted = list(keys)
        found = self.read(wanted)
        known = {key.booking_num for key in found}
        for booking_num in dict.fromkeys(key.booking_num for key in wanted):
            if booking_num not in known:
                found |= self._query(booking_num)
        return found

    def _query(self, booking_num: str) -> dict[RecordKey, Record]:
        with translated(self.name):
            answer = self.client.query(
                TableName=self.name,
                KeyConditionExpression="booking_num = :number",
                ExpressionAttributeValues=to_wire({":number": booking_num}),
                ConsistentRead=True,
            )
        records = map(read_record, map(from_wire, answer["Items"]))
        return {record.key: record for record in records}

    def _read_batch(self, keys: Sequence[RecordKey]) -> list[dict[str, Any]]:
        wanted: list[Any] = [to_wire(key._asdict()) for key in keys]
        items: list[dict[str, Any]] = []
        wait = self._wait
        for _ in range(10):
            with translated(self.name):
                answer = self.client.batch_get_item(
                    RequestItems={self.name: {"Keys": wanted, "ConsistentRead": True}}
                )
            items += [from_wire(item) for item in answer["Responses"].get(self.name, [])]
            left = answer.get("UnprocessedKeys", {}).get(self.name)
            if not left:
                return items
            wanted = list(left["Keys"])
            time.sleep(wait)
            wait = min(wait * 2, 5.0)
        raise Throttled(f"DynamoDB, table {self.name!r}: {len(wanted)} keys stay unread")

    def create(self, item: Mapping[str, Any], *, run_id: str = "") -> bool:
        """Write a new record; tell False and change nothing when there is one already."""
        mark = f"{run_id}/{uuid4().hex}"
        try:
            with translated(self.name):
                self.client.put_item(
                    TableName=self.name,
                    Item=to_wire({**item, CREATED_BY: mark}),
                    ConditionExpression="attribute_not_exists(booking_num)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            return self._count((failed_condition(error) or {}).get(CREATED_BY) == mark)
        return self._count(True)

    def set_flag(self, key: RecordKey, flag: str, value: bool, *, reserved: str = "") -> bool:
        """Set a flag of an existing record; tell False when there is no record.

        With `reserved`, since when, it is set for the legacy only.
        """
        end = (
            "SET #flag = :value, #since = :since"
            if reserved
            else "SET #flag = :value REMOVE #since"
        )
        old = self._update(
            key,
            end,
            EXISTS,
            names={"#flag": flag, "#since": reserved_since(flag)},
            values={":value": RESERVED, ":since": reserved} if reserved else {":value": value},
        )
        return self._count(old is None)

    def _update(
        self,
        key: RecordKey,
        update: str,
        condition: str,
        *,
        names: Mapping[str, str],
        values: Mapping[str, Any],
    ) -> dict[str, Any] | None:
        """Update on a condition; None when written, else the item in the way ({} for none)."""
        try:
            with translated(self.name):
                self.client.update_item(
                    TableName=self.name,
                    Key=to_wire(key._asdict()),
                    UpdateExpression=update,
                    ConditionExpression=condition,
                    ExpressionAttributeNames=names,
                    ExpressionAttributeValues=to_wire(values),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ClientError as error:
            return failed_condition(error) or {}
        return None
