"""DynamoDB in memory answers over HTTP as moto does, errors included."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from sandbox.aws import MotoApp
from sandbox.memory_dynamodb.app import MemoryAwsApp
from sandbox.server import Sandbox

KEY = {"booking_num": {"S": "1051707_910000001"}, "phone": {"S": "010-0000-0001"}}
CLAIM = {"M": {"state": {"S": "claimed"}}}
FREE = {
    "ConditionExpression": "attribute_not_exists(booking_num)",
    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("put_item", {"TableName": "sms", "Item": {**KEY, "name": {"S": "나무늘보"}}, **FREE}),
    ("put_item", {"TableName": "sms", "Item": KEY, **FREE}),
    ("get_item", {"TableName": "sms", "Key": KEY}),
    ("get_item", {"TableName": "none", "Key": KEY}),
    ("batch_get_item", {"RequestItems": {"sms": {"Keys": [KEY], "ConsistentRead": True}}}),
    (
        "update_item",
        {
            "TableName": "sms",
            "Key": KEY,
            "UpdateExpression": "SET message_guide = :m",
            "ExpressionAttributeValues": {":m": CLAIM},
        },
    ),
    ("scan", {"TableName": "sms"}),
    ("delete_item", {"TableName": "sms", "Key": KEY}),
    ("get_item", {"TableName": "sms", "Key": KEY}),
    ("describe_table", {"TableName": "sms"}),
    ("describe_table", {"TableName": "none"}),
]


@pytest.fixture(params=[MemoryAwsApp, MotoApp])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    with Sandbox("empty", aws=request.param) as sandbox:
        aws = sandbox.world.aws
        yield boto3.client(
            "dynamodb",
            endpoint_url=sandbox.urls["aws"],
            region_name=aws.region,
            aws_access_key_id=aws.access_key_id,
            aws_secret_access_key=aws.secret_access_key,
        )


def outcome(client: Any, operation: str, request: dict[str, Any]) -> Any:
    try:
        answer = getattr(client, operation)(**request)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response.get("Item")
    shown = {**answer, **answer.get("Table", {})}
    names = ("Item", "Items", "Responses", "TableStatus", "KeySchema")
    return {name: shown[name] for name in names if name in shown}


def test_every_call_has_the_answer_or_the_error_of_dynamodb(client: Any) -> None:
    item = {**KEY, "name": {"S": "나무늘보"}}
    assert [outcome(client, operation, request) for operation, request in CALLS] == [
        {},
        ("ConditionalCheckFailedException", item),
        {"Item": item},
        ("ResourceNotFoundException", None),
        {"Responses": {"sms": [item]}},
        {},
        {"Items": [{**item, "message_guide": CLAIM}]},
        {},
        {},
        {
            "TableStatus": "ACTIVE",
            "KeySchema": [
                {"AttributeName": "booking_num", "KeyType": "HASH"},
                {"AttributeName": "phone", "KeyType": "RANGE"},
            ],
        },
        ("ResourceNotFoundException", None),
    ]
