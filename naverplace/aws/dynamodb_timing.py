"""How long DynamoDB took to answer, measured where every call passes: in botocore itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from naverplace.base.timing import PhaseTimer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

DYNAMODB = "dynamodb"
_BEGAN = "naverplace_began"  # in botocore's own notes on one call


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
