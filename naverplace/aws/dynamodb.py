"""The way to DynamoDB: one client, its retries and time-outs, and its errors in our words."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from naverplace.aws.config import AwsSettings, client_options
from naverplace.base.errors import BadResponse, Permanent, ServiceUnavailable, Throttled
from naverplace.base.timing import PhaseTimer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_THROTTLED = {
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
    "429",
}
DYNAMODB = "dynamodb"
READS = frozenset({"get_item", "batch_get_item", "query", "scan", "describe_table"})
_BEGAN = "naverplace_began"  # in botocore's own notes on one call
CONFLICT = "ConditionalCheckFailedException"
_MISSING = "ResourceNotFoundException"
_serializer, _deserializer = TypeSerializer(), TypeDeserializer()


def open_dynamodb(aws: AwsSettings) -> DynamoDBClient:
    """Open a client, which threads may share; throttling and network faults are retried within."""
    client = boto3.client("dynamodb", **client_options(aws))
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
        raise Permanent(f"DynamoDB: {name} is not there for a shadow, which only reads")


def read_only(client: DynamoDBClient) -> DynamoDBClient:
    """Take every call that is no read out of a client; asking for one raises Permanent."""
    return cast("DynamoDBClient", _ReadOnly(client))


@contextmanager
def translated(table: str) -> Iterator[None]:
    """Turn what boto3 raises into our errors; a failed condition is no error and passes through."""
    try:
        yield
    except ClientError as error:
        raise _in_our_words(error, table) from error
    except BotoCoreError as error:
        # The fault's class says enough; its text can hold URLs.
        what = type(error).__name__
        raise ServiceUnavailable(f"DynamoDB, table {table!r}: not reached ({what})") from error


def _in_our_words(error: ClientError, table: str) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    where = f"DynamoDB, table {table!r}"
    if code == CONFLICT:
        return error
    if code in _THROTTLED or status == 429:
        return Throttled(f"{where}: throttled, also after retries ({code})")
    if code == _MISSING:
        return Permanent(f"{where}: there is no such table; create it: naverplace init-tables")
    if status >= 500:
        return ServiceUnavailable(f"{where}: answered {status} ({code})")
    words = "check the AWS credentials and rights" if status in (400, 403) else "unexpected"
    return Permanent(f"{where}: refused with {code} ({status}); {words}")


def to_wire(values: Mapping[str, Any]) -> dict[str, Any]:
    """Write plain values in DynamoDB's typed form."""
    return {name: _serializer.serialize(value) for name, value in values.items()}


def from_wire(values: Mapping[str, Any]) -> dict[str, Any]:
    """Read plain values from DynamoDB's typed form; raises BadResponse."""
    try:
        return {name: _deserializer.deserialize(value) for name, value in values.items()}
    except (TypeError, AttributeError) as error:
        raise BadResponse("DynamoDB: an item is not in DynamoDB's typed form") from error
