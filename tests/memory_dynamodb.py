"""DynamoDB in memory, for the few calls and conditions that the library uses; as moto, but fast."""

from __future__ import annotations

import re
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from botocore.exceptions import ClientError

from naverplace.aws.dynamodb import from_wire, to_wire
from tests.memory_expressions import apply, holds

KEYS = {"sms": ("booking_num", "phone"), "session": ("id",)}
Tables = dict[str, dict[tuple[str, ...], dict[str, Any]]]
_NAME = re.compile(r"#\w+")


class MemoryClient:
    """The calls of a DynamoDB client; `call` lets a test come between any two of them."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables

    def call(self, name: str, table: str, work: Any) -> Any:
        """Do one call."""
        return work()

    def get_item(self, **request: Any) -> Any:
        def work() -> Any:
            found = self._table(request).get(self._key(request["TableName"], request["Key"]))
            return {"Item": to_wire(found)} if found else {}

        return self.call("get_item", request["TableName"], work)

    def batch_get_item(self, **request: Any) -> Any:
        ((name, asked),) = request["RequestItems"].items()

        def work() -> Any:
            keys = [self._key(name, key) for key in asked["Keys"]]
            found = [to_wire(self.tables[name][key]) for key in keys if key in self.tables[name]]
            return {"Responses": {name: found}}

        return self.call("batch_get_item", name, work)

    def query(self, **request: Any) -> Any:
        (number,) = from_wire(request["ExpressionAttributeValues"]).values()

        def work() -> Any:
            return {
                "Items": [to_wire(i) for k, i in self._table(request).items() if k[0] == number]
            }

        return self.call("query", request["TableName"], work)

    def scan(self, **request: Any) -> Any:
        return self.call(
            "scan",
            request["TableName"],
            lambda: {"Items": [to_wire(i) for _, i in sorted(self._table(request).items())]},
        )

    def put_item(self, **request: Any) -> Any:
        item = from_wire(request["Item"])
        return self._change(
            request, self._key(request["TableName"], request["Item"]), lambda _: item
        )

    def delete_item(self, **request: Any) -> Any:
        return self._change(
            request, self._key(request["TableName"], request["Key"]), lambda _: None
        )

    def update_item(self, **request: Any) -> Any:
        key = from_wire(request["Key"])
        values = from_wire(request.get("ExpressionAttributeValues", {}))
        names = request["ExpressionAttributeNames"]

        def edit(old: dict[str, Any] | None) -> dict[str, Any]:
            item = deepcopy(old) if old else dict(key)
            apply(request["UpdateExpression"], item, names=names, values=values)
            return item

        return self._change(request, self._key(request["TableName"], request["Key"]), edit)

    def _change(self, request: Mapping[str, Any], key: tuple[str, ...], edit: Any) -> Any:
        def work() -> Any:
            table = self._table(request)
            old = table.get(key)
            names = request.get("ExpressionAttributeNames", {})
            values = from_wire(request.get("ExpressionAttributeValues", {}))
            condition = request.get("ConditionExpression")
            used = f"{condition} {request.get('UpdateExpression', '')}"
            assert set(_NAME.findall(used)) == set(names), "DynamoDB refuses unused names"
            if condition and not holds(condition, old or {}, names=names, values=values):
                error: Any = {"Error": {"Code": "ConditionalCheckFailedException"}}
                raise ClientError(error | ({"Item": to_wire(old)} if old else {}), "write")
            new = edit(old)
            if new is None:
                table.pop(key, None)
            else:
                table[key] = new
            return {}

        return self.call("write", request["TableName"], work)

    def _table(self, request: Mapping[str, Any]) -> dict[tuple[str, ...], dict[str, Any]]:
        return self.tables[request["TableName"]]

    def _key(self, table: str, wire: Mapping[str, Any]) -> tuple[str, ...]:
        plain = from_wire(wire)
        return tuple(str(plain[name]) for name in KEYS[table])
