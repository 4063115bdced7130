"""Table `session`: the legacy's cookies, and what we remember between runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from naverplace.aws.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


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
