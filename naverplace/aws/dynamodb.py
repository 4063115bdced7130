"""The way to DynamoDB: one client, its retries and time-outs, and its errors in our words."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, cast

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from naverplace.aws.config import AwsSettings, client_options
from naverplace.aws.deadlines import set_deadline
from naverplace.aws.errors import translated
from naverplace.base.errors import BadResponse, Permanent, ServiceUnavailable
from naverplace.base.timing import PhaseTimer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DYNAMODB = "dynamodb"
READS = frozenset({"get_item", "batch_get_item", "query", "scan", "describe_table"})
_BEGAN = "naverplace_began"  # in botocore's own notes on one call
_serializer, _deserializer = TypeSerializer(), TypeDeserializer()


def open_dynamodb(aws: AwsSettings) -> DynamoDBClient:
    """Open a client, which threads may share; throttling and network faults are retried within."""
    client = boto3.client("dynamodb", **client_options(aws))
    set_deadline(client)
    client.meta.events.register("after-call.dynamodb", _refuse_broken)
    return client


def _refuse_broken(http_response: Any, **_: Any) -> None:
    """Raise for an answer that broke off: botocore gives it as an empty one, as if nothing was."""
    if http_response.status_code != 200 or http_response.raw is None:  # None: came over no wire
        return
    try:
        whole = isinstance(json.loads(http_response.content), dict)
    except ValueError:
        whole = False
    if not whole:
        raise ServiceUnavailable("DynamoDB: an answer broke off, or is none of DynamoDB's")


def timed(client: DynamoDBClient, watch: PhaseTimer) -> DynamoDBClient:
    """Count every call of this client, its repeats included, as one call of the stopwatch."""

    def begin(context: dict[str, Any], **_: Any) -> None:
        context[_BEGAN] = time.monotonic()

    def end(context: dict[str, Any], **_: Any) -> None:
        now = time.monotonic()
        watch.note(DYNAMODB, context.get(_BEGAN, now), now)

    events = client.meta.events
    events.register("before-call.dynamodb", begin)
    # First, for the check of broken answers raises, and who comes after it hears nothing.
    events.register_first("after-call.dynamodb", end)
    events.register_first("after-call-error.dynamodb", end)
    return client


class _ReadOnly:
    """The calls that read, and nothing else; `deployments/iam/shadow.json` denies it once more."""

    def __init__(self, client: DynamoDBClient) -> None:
        self._calls = {name: getattr(client, name) for name in READS}

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("_calls", {}):
            return self._calls[name]
        raise Permanent(f"DynamoDB: {name} is not there for whoever only looks")


def read_only(client: DynamoDBClient) -> DynamoDBClient:
    """Take every call that is no read out of a client; asking for one raises Permanent."""
    return cast("DynamoDBClient", _ReadOnly(client))


def table_errors(table: str) -> AbstractContextManager[None]:
    """Translate what boto3 raises about a table; a failed condition passes through."""
    missing = (
        "there is no such table; naverplace doctor names those that there are, "
        "and naverplace init-tables creates it"
    )
    return translated(
        f"DynamoDB, table {table!r}",
        "check the AWS credentials and rights",
        {"ResourceNotFoundException": missing},
    )


def to_wire(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write plain values in DynamoDB's typed form."""
    return {name: _serializer.serialize(value) for name, value in values.items()}


def from_wire(values: Mapping[str, Any]) -> dict[str, Any]:
    """Read plain values from DynamoDB's typed form; raises BadResponse."""
    try:
        return {name: _deserializer.deserialize(value) for name, value in values.items()}
    except (TypeError, AttributeError) as error:
        raise BadResponse("DynamoDB: an item is not in DynamoDB's typed form") from error
