"""DynamoDB in memory, by the client methods that the library calls; items in the typed form.

Values are never changed in place: an update copies what it changes, so an answer may hold the
stored maps themselves. Faults belong to the line in front of it, not here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from sandbox.memory_dynamodb.expressions import holds, placeholders, updated
from sandbox.memory_dynamodb.values import Invalid, Scope

Key = tuple[str, ...]
MOST_KEYS = 100  # of one BatchGetItem
PAGE = 2000  # items that a scan reads at once, in the place of its megabyte


class MemoryTables:
    """Tables by name; each has its key's names and its items by their key's values."""

    def __init__(self, keys: Mapping[str, tuple[str, ...]]) -> None:
        self.keys = dict(keys)
        self.items: dict[str, dict[Key, dict[str, Any]]] = {name: {} for name in keys}
        self.protection: dict[str, dict[str, Any]] = {}  # what describing a table adds
        self.recoverable: set[str] = set()  # tables with point-in-time recovery
        self._groups: dict[tuple[str, str], set[Key]] = {}  # by table and partition

    def call(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out one operation; raises ClientError as boto3 does."""
        try:
            return dict(getattr(self, f"_{operation}")(**request))
        except Invalid as error:
            raise refusal(operation, "ValidationException", str(error)) from None

    def _table(self, name: str) -> dict[Key, dict[str, Any]]:
        if name not in self.items:
            raise refusal("", "ResourceNotFoundException", "Requested resource not found")
        return self.items[name]

    def _key(self, table: str, values: Mapping[str, Any]) -> Key:
        try:
            return tuple(values[name]["S"] for name in self.keys[table])
        except KeyError:
            raise Invalid("The provided key element does not match the schema") from None

    def write(self, name: str, key: Key, item: dict[str, Any]) -> None:
        """Put an item there, whatever stood there."""
        self.items[name][key] = item
        self._groups.setdefault((name, key[0]), set()).add(key)

    def _create_table(
        self,
        *,
        TableName: str,
        KeySchema: list[Mapping[str, str]],
        DeletionProtectionEnabled: bool = False,
        **_: Any,
    ) -> dict[str, Any]:
        self.keys[TableName] = tuple(part["AttributeName"] for part in KeySchema)
        self.protection[TableName] = {"DeletionProtectionEnabled": DeletionProtectionEnabled}
        self.items[TableName] = {}
        return {}

    def _describe_table(self, *, TableName: str) -> dict[str, Any]:
        self._table(TableName)
        kinds = zip(self.keys[TableName], ("HASH", "RANGE"), strict=False)
        schema = [{"AttributeName": name, "KeyType": kind} for name, kind in kinds]
        described = {"TableName": TableName, "TableStatus": "ACTIVE", "KeySchema": schema}
        return {"Table": described | self.protection.setdefault(TableName, {})}

    def _update_table(self, *, TableName: str, **changes: Any) -> dict[str, Any]:
        self._table(TableName)
        self.protection.setdefault(TableName, {}).update(changes)
        return {}

    def _list_tables(self, **_: Any) -> dict[str, Any]:
        return {"TableNames": sorted(self.keys)}

    def _update_continuous_backups(self, *, TableName: str, **_: Any) -> dict[str, Any]:
        self._table(TableName)
        self.recoverable.add(TableName)
        return {}

    def _describe_continuous_backups(self, *, TableName: str) -> dict[str, Any]:
        self._table(TableName)
        status = "ENABLED" if TableName in self.recoverable else "DISABLED"
        recovery = {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status}}
        return {"ContinuousBackupsDescription": recovery}

    def _batch_write_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        for name, writes in RequestItems.items():
            for write in writes:
                self._put_item(TableName=name, Item=write["PutRequest"]["Item"])
        return {"UnprocessedItems": {}}

    def _get_item(
        self, *, TableName: str, Key: Mapping[str, Any], ConsistentRead: bool = False
    ) -> dict[str, Any]:
        found = self._table(TableName).get(self._key(TableName, Key))
        return {"Item": found} if found else {}

    def _batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:
        responses: dict[str, list[Any]] = {}
        for name, asked in RequestItems.items():
            table, keys = self._table(name), [self._key(name, key) for key in asked["Keys"]]
            if not 1 <= len(keys) <= MOST_KEYS:
                raise Invalid("Too many items requested for the BatchGetItem call")
            if len(set(keys)) < len(keys):
                raise Invalid("Provided list of item keys contains duplicates")
            responses[name] = [table[key] for key in keys if key in table]
        return {"Responses": responses, "UnprocessedKeys": {}}

    def _put_item(self, *, TableName: str, Item: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        table, key = self._table(TableName), self._key(TableName, Item)
        self._check("PutItem", table.get(key), more)
        self.write(TableName, key, dict(Item))
        return {}

    def _delete_item(
        self, *, TableName: str, Key: Mapping[str, Any], **more: Any
    ) -> dict[str, Any]:
        table, key = self._table(TableName), self._key(TableName, Key)
        self._check("DeleteItem", table.get(key), more)
        table.pop(key, None)
        self._groups.get((TableName, key[0]), set()).discard(key)
        return {}

    def _update_item(
        self, *, TableName: str, Key: Mapping[str, Any], UpdateExpression: str, **more: Any
    ) -> dict[str, Any]:
        table, key = self._table(TableName), self._key(TableName, Key)
        wanted = more.pop("ReturnValues", "NONE")
        old = table.get(key)
        scope = self._check("UpdateItem", old, more, update=UpdateExpression)
        item = updated(UpdateExpression, scope._replace(item=old or dict(Key)))
        if self._key(TableName, item) != key:
            raise Invalid("Cannot update attribute: it is part of the key")
        self.write(TableName, key, item)
        if wanted == "NONE":
            return {}
        if wanted not in ("ALL_NEW", "ALL_OLD"):
            raise NotImplementedError(f"ReturnValues={wanted}")
        shown = item if wanted == "ALL_NEW" else old
        return {"Attributes": shown} if shown else {}

    def _scan(self, *, TableName: str, ConsistentRead: bool = False, **more: Any) -> dict[str, Any]:
        text = more.pop("FilterExpression", "")
        return self._page(TableName, sorted(self._table(TableName)), text, more)

    def _query(self, *, TableName: str, KeyConditionExpression: str, **more: Any) -> dict[str, Any]:
        """List one partition; the condition names it first: `booking_num = :number ...`."""
        more.pop("ConsistentRead", None)
        partition = re.match(r"([#\w]+) = (:\w+)", KeyConditionExpression)
        names = more.get("ExpressionAttributeNames", {})
        if not partition or names.get(partition[1], partition[1]) != self.keys[TableName][0]:
            raise NotImplementedError(f"KeyConditionExpression={KeyConditionExpression}")
        value = more["ExpressionAttributeValues"][partition[2]]["S"]
        keys = sorted(self._groups.get((TableName, value), ()))
        return self._page(TableName, keys, KeyConditionExpression, more)

    def _page(self, name: str, keys: list[Key], text: str, more: dict[str, Any]) -> dict[str, Any]:
        """List items in their order of keys."""
        start = more.pop("ExclusiveStartKey", None)
        limit = int(more.pop("Limit", PAGE))
        projection = more.pop("ProjectionExpression", "")
        names = more.pop("ExpressionAttributeNames", {})
        values = more.pop("ExpressionAttributeValues", {})
        if more:
            raise NotImplementedError(f"scan or query with {sorted(more)}")
        table = self._table(name)
        after = self._key(name, start) if start else None
        keys = [key for key in keys if after is None or key > after]
        read, left = keys[:limit], keys[limit:]
        found = [
            table[key] for key in read if not text or holds(text, Scope(table[key], names, values))
        ]
        shown = [_projected(item, projection, names) for item in found]
        answer: dict[str, Any] = {"Items": shown, "Count": len(shown), "ScannedCount": len(read)}
        if left:
            last = zip(self.keys[name], read[-1], strict=True)
            answer["LastEvaluatedKey"] = {part: {"S": value} for part, value in last}
        return answer

    def _check(
        self, operation: str, old: dict[str, Any] | None, more: dict[str, Any], *, update: str = ""
    ) -> Scope:
        """Check the condition of a write, and that it uses every placeholder that it defines."""
        text = more.pop("ConditionExpression", "")
        names: Mapping[str, str] = more.pop("ExpressionAttributeNames", {})
        values: Mapping[str, Any] = more.pop("ExpressionAttributeValues", {})
        shows_old = more.pop("ReturnValuesOnConditionCheckFailure", "NONE") == "ALL_OLD"
        if more:
            raise NotImplementedError(f"{operation} with {sorted(more)}")
        used = placeholders(text) | placeholders(update)
        if unused := {*names, *values} - used:
            raise Invalid(f"Value unused in expressions: {sorted(unused)}")
        if undefined := used - {*names, *values}:
            raise Invalid(f"Not defined: {sorted(undefined)}")
        scope = Scope(old or {}, names, values)
        if text and not holds(text, scope):
            error = refusal(
                operation, "ConditionalCheckFailedException", "The conditional request failed"
            )
            if shows_old and old:
                error.response["Item"] = old  # type: ignore[typeddict-unknown-key]
            raise error
        return scope


def _projected(item: dict[str, Any], projection: str, names: Mapping[str, str]) -> dict[str, Any]:
    if not projection:
        return item
    wanted = [names.get(word, word) for word in map(str.strip, projection.split(","))]
    if any("." in word or "[" in word for word in wanted):
        raise NotImplementedError(f"ProjectionExpression={projection}")
    return {name: item[name] for name in wanted if name in item}


def refusal(operation: str, code: str, message: str, *, status: int = 400) -> ClientError:
    """Make the error that boto3 raises for an answer of DynamoDB."""
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        operation,
    )


def all_items(tables: MemoryTables, name: str) -> Iterator[dict[str, Any]]:
    """Walk through a table's items, for an onlooker who is no client."""
    yield from tables.items[name].values()
