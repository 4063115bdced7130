"""Table `session`: the legacy's cookies, and what we remember about logins."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from naverplace.aws.dynamodb import from_wire, to_wire, translated
from naverplace.base.errors import Throttled

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class StateTable:
    """The table by its key `id`; every read is consistent, and a read error is an error (L1)."""

    def __init__(self, client: DynamoDBClient, name: str = "session") -> None:
        self.client, self.name = client, name

    def get(self, id: str) -> dict[str, Any] | None:
        """Read an item, or None when there is none; raises Transient or Permanent."""
        with translated(self.name):
            answer = self.client.get_item(
                TableName=self.name, Key=to_wire({"id": id}), ConsistentRead=True
            )
        return from_wire(answer["Item"]) if answer.get("Item") else None

    def get_many(self, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Read at most 100 items by id, those that exist; raises Transient or Permanent."""
        keys: list[Any] = [to_wire({"id": id}) for id in ids]
        found: dict[str, dict[str, Any]] = {}
        for attempt in range(10):
            if not keys:
                return found
            with translated(self.name):
                answer = self.client.batch_get_item(
                    RequestItems={self.name: {"Keys": keys, "ConsistentRead": True}}
                )
            for item in map(from_wire, answer["Responses"].get(self.name, [])):
                found[str(item["id"])] = item
            left = answer.get("UnprocessedKeys", {}).get(self.name)
            keys = list(left["Keys"]) if left else []
            time.sleep(0.05 * 2**attempt if keys else 0)
        raise Throttled(f"DynamoDB, table {self.name!r}: {len(keys)} keys stay unread")

    def put(self, item: Mapping[str, Any]) -> None:
        """Write a whole item, which must hold `id`."""
        with translated(self.name):
            self.client.put_item(TableName=self.name, Item=to_wire(item))

    def update(self, id: str, values: Mapping[str, Any]) -> None:
        """Set some attributes and leave the others; a None takes the attribute away."""
        names = {f"#n{i}": name for i, name in enumerate(values)}
        given = {f":n{i}": value for i, value in enumerate(values.values()) if value is not None}
        sets = [f"#{mark[1:]} = {mark}" for mark in given]
        gone = [name for name in names if f":{name[1:]}" not in given]
        parts = [f"SET {', '.join(sets)}"] if sets else []
        parts += [f"REMOVE {', '.join(gone)}"] if gone else []
        request: dict[str, Any] = {
            "TableName": self.name,
            "Key": to_wire({"id": id}),
            "UpdateExpression": " ".join(parts),
            "ExpressionAttributeNames": names,
        }
        if given:  # DynamoDB refuses an empty map of values
            request["ExpressionAttributeValues"] = to_wire(given)
        with translated(self.name):
            self.client.update_item(**request)
