"""One DynamoDB table: consistent reads, and writes on a condition that show what was in the way.

botocore repeats a write whose answer was lost. The repeated condition then fails although the first
try succeeded, so whoever writes looks for its own token in the item that was in the way.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import islice
from operator import and_
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder, Key
from botocore.exceptions import ClientError

from naverplace.aws.dynamodb import from_wire, table_errors, to_wire
from naverplace.base.errors import Throttled
from naverplace.base.http import retry

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


BATCH = 100  # keys of one BatchGetItem, DynamoDB's limit
Item = dict[str, Any]


def all_of(conditions: Iterable[ConditionBase]) -> ConditionBase:
    """Write the condition that all of these hold; raises TypeError for none."""
    return reduce(and_, conditions)


class Table:
    """A table by its name; threads may share it. Every call raises Transient or Permanent."""

    def __init__(self, client: DynamoDBClient, name: str, *, wait: float = 0.05) -> None:
        self.client, self.name = client, name
        self._wait = wait  # seconds before keys that DynamoDB left out are asked for again; doubles

    def get(self, key: Mapping[str, str]) -> Item | None:
        """Read an item, or None when there is none."""
        answer = self._call("get_item", Key=to_wire(key), ConsistentRead=True)
        return from_wire(answer["Item"]) if answer.get("Item") else None

    def get_many(self, keys: Iterable[Mapping[str, str]]) -> Iterator[Item]:
        """Read the items that exist; any read error is raised, never 'not found' (L15)."""
        wanted = map(to_wire, keys)
        while batch := list(islice(wanted, BATCH)):
            yield from self._get_batch(batch)

    def query(self, partition: str, value: str) -> list[Item]:
        """Read the items whose partition key `partition` has this value."""
        condition = Key(partition).eq(value)
        built = ConditionExpressionBuilder().build_expression(condition, is_key_condition=True)
        request = {
            "KeyConditionExpression": built.condition_expression,
            "ExpressionAttributeNames": built.attribute_name_placeholders,
            "ExpressionAttributeValues": to_wire(built.attribute_value_placeholders),
            "ConsistentRead": True,
        }
        return [from_wire(item) for item in self._pages("query", request)]

    def scan(self, *, attempts: int = 1, wait: float = 0, **request: Any) -> Iterator[Item]:
        """Read every item in its typed form; a page that fails is tried again by itself."""
        return self._pages("scan", request, attempts=attempts, wait=wait)

    def put(
        self, item: Mapping[str, Any], *, condition: ConditionBase | None = None
    ) -> Item | None:
        """Write a whole item; None when written, else the item in the way ({} for none)."""
        return self._write("put_item", condition, {}, {}, Item=to_wire(item))

    def delete(
        self, key: Mapping[str, str], *, condition: ConditionBase | None = None
    ) -> Item | None:
        """Delete an item; None when deleted, else the item in the way ({} for none)."""
        return self._write("delete_item", condition, {}, {}, Key=to_wire(key))

    def update(
        self,
        key: Mapping[str, str],
        sets: Mapping[Any, Any],  # by attribute, or by the path of a part in a Map
        *,
        removes: Iterable[str] = (),
        condition: ConditionBase | None = None,
    ) -> Item | None:
        """Set and remove attributes; None when written, else the item in the way ({} for none)."""
        names: dict[str, str] = {}

        def with_names(path: str | tuple[str, ...]) -> str:
            parts = (path,) if isinstance(path, str) else path
            marks = [f"#u{len(names) + index}" for index in range(len(parts))]
            names.update(zip(marks, parts, strict=True))
            return ".".join(marks)

        values = {f":u{index}": value for index, value in enumerate(sets.values())}
        assigned = [f"{with_names(path)} = {mark}" for path, mark in zip(sets, values, strict=True)]
        removed = [with_names(path) for path in removes]
        clauses = [f"SET {', '.join(assigned)}"] if assigned else []
        clauses += [f"REMOVE {', '.join(removed)}"] if removed else []
        return self._write(
            "update_item",
            condition,
            names,
            values,
            Key=to_wire(key),
            UpdateExpression=" ".join(clauses),
        )

    def append(
        self,
        key: Mapping[str, str],
        name: str,
        value: Any,
        *,
        condition: ConditionBase | None = None,
    ) -> Item | None:
        """Add a value to the end of a list, which need not exist yet; answers as `update` does."""
        return self._write(
            "update_item",
            condition,
            {"#list": name},
            {":none": [], ":value": [value]},
            Key=to_wire(key),
            UpdateExpression="SET #list = list_append(if_not_exists(#list, :none), :value)",
        )

    def _write(
        self,
        operation: str,
        condition: ConditionBase | None,
        names: dict[str, str],
        values: dict[str, Any],
        **request: Any,
    ) -> Item | None:
        """Write on a condition: the one way by which the library changes a table."""
        if condition is not None:
            built = ConditionExpressionBuilder().build_expression(condition)
            request["ConditionExpression"] = built.condition_expression
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
            names |= built.attribute_name_placeholders
            values |= built.attribute_value_placeholders
        if names:  # DynamoDB refuses empty maps
            request["ExpressionAttributeNames"] = names
        if values:
            request["ExpressionAttributeValues"] = to_wire(values)
        try:
            self._call(operation, **request)
        except ClientError as error:  # of all that DynamoDB refuses, only the failed condition
            old: Any = error.response.get("Item")
            return from_wire(old or {})
        return None

    def _call(self, operation: str, **request: Any) -> Any:
        with table_errors(self.name):
            return getattr(self.client, operation)(TableName=self.name, **request)

    def _pages(
        self, operation: str, request: dict[str, Any], *, attempts: int = 1, wait: float = 0
    ) -> Iterator[Item]:
        """Read page after page, each a megabyte at most, also where none of its items is wanted."""
        while True:
            answer = retry(lambda: self._call(operation, **request), attempts=attempts, wait=wait)
            with table_errors(self.name):
                items = answer["Items"]
            yield from items
            if not answer.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _get_batch(self, keys: list[Any]) -> Iterator[Item]:
        wait = self._wait
        for _ in range(10):
            with table_errors(self.name):
                answer = self.client.batch_get_item(
                    RequestItems={self.name: {"Keys": keys, "ConsistentRead": True}}
                )
                found = answer["Responses"].get(self.name, [])
            yield from map(from_wire, found)
            unread = answer.get("UnprocessedKeys", {}).get(self.name)
            if not unread:
                return
            keys = list(unread["Keys"])
            time.sleep(wait)
            wait = min(wait * 2, 5.0)
        raise Throttled(f"DynamoDB, table {self.name!r}: {len(keys)} keys stay unread")


class StateTable:
    """The table by its key `id`; every read is consistent, and a read error is an error (L1)."""

    def __init__(self, client: DynamoDBClient, name: str = "session") -> None:
        self.table = Table(client, name)

    def get(self, id: str) -> dict[str, Any] | None:
        """Read an item, or None when there is none; raises Transient or Permanent."""
        return self.table.get({"id": id})

    def get_many(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Read items by id, those that exist; raises Transient or Permanent."""
        return {str(item["id"]): item for item in self.table.get_many({"id": id} for id in ids)}

    def put(self, item: Mapping[str, Any]) -> None:
        """Write a whole item, which must hold `id`."""
        self.table.put(item)

    def update(self, id: str, values: Mapping[str, Any]) -> None:
        """Set some attributes and leave the others; a None takes the attribute away."""
        sets = {name: value for name, value in values.items() if value is not None}
        self.table.update({"id": id}, sets, removes=[n for n in values if n not in sets])
