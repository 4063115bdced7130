"""DynamoDB in memory on plain items, which a test may read, write and copy between two calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from naverplace.aws.dynamodb import from_wire, to_wire
from sandbox.memory_dynamodb.tables import MemoryTables
from trials.year.typed import Reader, Writer

KEYS = {"sms": ("booking_num", "phone"), "session": ("id",)}
WRITES = ("put_item", "delete_item", "update_item")
_READER, _WRITER = Reader(), Writer()
Tables = dict[str, dict[tuple[str, ...], dict[str, Any]]]


class MemoryClient:
    """The calls of a DynamoDB client; `call` lets a test come between any two of them."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def call(self, name: str, table: str, work: Any) -> Any:
        """Do one call."""
        return work()

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation not in (*WRITES, "get_item", "batch_get_item", "query", "scan"):
            raise AttributeError(operation)

        def call(**request: Any) -> Any:
            name = request.get("TableName") or next(iter(request["RequestItems"]))
            shown = "write" if operation in WRITES else operation
            return self.call(shown, name, lambda: self._answer(operation, name, request))

        return call

    def _answer(self, operation: str, name: str, request: dict[str, Any]) -> Any:
        """Answer as the tables in the typed form do, which hold what the call is about."""
        table, memory = self.tables[name], MemoryTables(KEYS)
        for part in {"Key", "Item", "ExpressionAttributeValues"} & request.keys():
            request[part] = _typed(from_wire(request[part]))
        for asked in request.get("RequestItems", {}).values():
            asked["Keys"] = [_typed(from_wire(key)) for key in asked["Keys"]]
        wire = request.get("Key") or request.get("Item")
        key = tuple(wire[part]["S"] for part in KEYS[name]) if wire else None
        for place in [key] if key else list(table):
            if place in table:
                memory.write(name, place, _typed(table[place]))
        try:
            answer = memory.call(operation, request)
        except ClientError as error:
            old: Any = error.response
            if "Item" in old:
                old["Item"] = to_wire(_plain(old["Item"]))
            raise
        if operation in WRITES and key:
            table.pop(key, None)
            if key in memory.items[name]:
                table[key] = _plain(memory.items[name][key])
        if "Item" in answer:
            answer["Item"] = to_wire(_plain(answer["Item"]))
        if "Items" in answer:
            answer["Items"] = [to_wire(_plain(item)) for item in answer["Items"]]
        for found, items in answer.get("Responses", {}).items():
            answer["Responses"][found] = [to_wire(_plain(item)) for item in items]
        return answer


def _typed(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _WRITER.serialize(value) for name, value in item.items()}


def _plain(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _READER.deserialize(value) for name, value in item.items()}
