"""A DynamoDB client that can read and has no way to write: for the shadow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from naverplace.base.errors import Permanent

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READS = frozenset({"get_item", "batch_get_item", "query", "scan", "describe_table"})


class _ReadOnly:
    """The calls that read, and nothing else; `deployments/iam/shadow.json` denies it once more."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._calls = {name: getattr(client, name) for name in READS}

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("_calls", {}):
            return self._calls[name]
        raise Permanent(f"DynamoDB: {name} is not there for a shadow, which only reads")


def read_only(client: DynamoDBClient) -> DynamoDBClient:
    """Take every call that is no read out of a client; asking for one raises Permanent."""
    return cast("DynamoDBClient", _ReadOnly(client))
