"""The year's DynamoDB in memory does what moto does, on any sequence of the calls we make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moto import mock_aws

from sandbox.memory_dynamodb.tables import MemoryTables
from tests.examples import examples
from trials.year.typed import Reader, Writer

Call = tuple[str, dict[str, Any]]
NAMES = {"#flag": "confirm_sms", "#message": "message_guide", "#token": "token", "#state": "state"}
TEXTS = st.sampled_from(["", "a", "b", "claimed", "owed"])
TEXTS_TYPED = TEXTS.map(lambda text: {"S": text})
NUMBERS = ("0", "1", "1.0", "-2", "10")
TRUTHS = st.booleans().map(lambda yes: {"BOOL": yes})


def numbers(*digits: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(digits).map(lambda number: {"N": number})


def nested(*leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Values of these, alone and in maps and lists."""
    return st.recursive(
        st.one_of(*leaves),
        lambda inner: st.one_of(
            st.dictionaries(st.sampled_from(["token", "state", "attempt"]), inner, max_size=3).map(
                lambda inside: {"M": inside}
            ),
            st.lists(inner, max_size=2).map(lambda inside: {"L": inside}),
        ),
        max_leaves=4,
    )


VALUES = nested(TEXTS_TYPED, numbers(*NUMBERS), TRUTHS)
# For moto's IN 0 is False and 1 is True, as in Python; DynamoDB keeps the kinds apart.
FOR_IN = nested(TEXTS_TYPED, numbers("-2", "10"))
MAPS = st.dictionaries(st.sampled_from(["token", "state", "attempt"]), VALUES, max_size=3).map(
    lambda inside: {"M": inside}
)
KEYS = st.sampled_from(["1_1", "1_2"]).map(
    lambda number: {"booking_num": {"S": number}, "phone": {"S": "010-0000-0000"}}
)
PATHS = st.sampled_from(["#flag", "#message", "#message.#token", "#message.#state", "booking_num"])
GIVEN = st.sampled_from([":a", ":b"])
COMPARISONS = st.tuples(PATHS, st.sampled_from(["=", "<>"]), GIVEN).map(" ".join)
TESTS = st.one_of(
    PATHS.map(lambda path: f"attribute_exists({path})"),
    PATHS.map(lambda path: f"attribute_not_exists({path})"),
    COMPARISONS,
    st.tuples(PATHS, GIVEN).map(lambda p: f"begins_with({p[0]}, {p[1]})"),
    PATHS.map(lambda path: f"{path} IN (:a, :b)"),
)
# moto cannot read a NOT of a NOT, and DynamoDB compares by size only what is of one kind.
CONDITIONS = st.recursive(
    st.one_of(TESTS, TESTS.map(lambda one: f"NOT {one}")),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["AND", "OR"]), inner).map(
            lambda parts: f"({' '.join(parts)})"
        ),
    ),
    max_leaves=4,
)
SETS = st.sampled_from(
    [
        "SET #message = :m",
        "SET #message = :m, #flag = :b",
        "SET #message.#token = :a",
        "SET #flag = if_not_exists(#flag, :a)",
        "SET #flag = if_not_exists(#flag, :n) + :n",
        "REMOVE #message",
        "SET #flag = :b REMOVE #message.#state",
    ]
)


def used(text: str, given: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in text}


def placed(text: str, request: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Add the names and values that the texts use; DynamoDB refuses empty maps and unused ones."""
    names, used_values = used(text, NAMES), used(text, values)
    if names:
        request["ExpressionAttributeNames"] = names
    if used_values:
        request["ExpressionAttributeValues"] = used_values
    return request


@st.composite
def calls(draw: st.DrawFn) -> Call:
    operation = draw(st.sampled_from(["put_item", "update_item", "update_item", "batch_get_item"]))
    key = draw(KEYS)
    if operation == "batch_get_item":
        return operation, {"RequestItems": {"sms": {"Keys": [key], "ConsistentRead": True}}}
    request: dict[str, Any] = {"TableName": "sms"}
    condition = draw(st.one_of(st.just(""), CONDITIONS))
    given = FOR_IN if " IN " in condition else VALUES
    values = {":a": draw(given), ":b": draw(given), ":n": draw(numbers(*NUMBERS)), ":m": draw(MAPS)}
    text = condition
    if operation == "put_item":
        attributes = st.fixed_dictionaries(
            {}, optional={"confirm_sms": VALUES, "message_guide": MAPS, "name": TEXTS_TYPED}
        )
        request["Item"] = {**draw(attributes), **key}
    else:
        request |= {"Key": key, "UpdateExpression": draw(SETS)}
        text += request["UpdateExpression"]
    if condition:
        request["ConditionExpression"] = condition
        request["ReturnValuesOnConditionCheckFailure"] = draw(st.sampled_from(["ALL_OLD", "NONE"]))
    return operation, placed(text, request, values)


def outcome(call: Any) -> Any:
    """Tell what an operation gave, or its error's code and the item in its way."""
    try:
        answer = call()
    except ClientError as error:
        return error.response["Error"]["Code"], error.response.get("Item")
    return {name: answer[name] for name in ("Responses", "Attributes", "Item") if name in answer}


@pytest.fixture(scope="module")
def moto_client() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client(
            "dynamodb",
            region_name="ap-northeast-2",
            aws_access_key_id="AKIASANDBOX000000000",
            aws_secret_access_key="none",
            config=Config(retries={"total_max_attempts": 1}),
        )
        client.create_table(
            TableName="sms",
            KeySchema=[
                {"AttributeName": "booking_num", "KeyType": "HASH"},
                {"AttributeName": "phone", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("booking_num", "phone")
            ],
            BillingMode="PAY_PER_REQUEST",
        )
        yield client


@settings(
    max_examples=examples(1500),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(calls(), min_size=1, max_size=6))
def test_every_answer_and_every_error_is_motos(moto_client: Any, made: list[Call]) -> None:
    ours = MemoryTables({"sms": ("booking_num", "phone")})
    for item in moto_client.scan(TableName="sms")["Items"]:
        key = {name: item[name] for name in ("booking_num", "phone")}
        moto_client.delete_item(TableName="sms", Key=key)
    for operation, request in made:
        theirs = outcome(lambda: getattr(moto_client, operation)(**request))  # noqa: B023
        mine = outcome(lambda: ours.call(operation, request))  # noqa: B023
        assert mine == theirs, (operation, request)
    left = sorted(ours.call("scan", {"TableName": "sms"})["Items"], key=str)
    assert left == sorted(moto_client.scan(TableName="sms")["Items"], key=str)


@pytest.mark.parametrize("number", ["0", "1", "1.0"])
@pytest.mark.parametrize("inside", [False, True])
def test_in_takes_no_number_for_a_truth(number: str, inside: bool) -> None:
    tables = MemoryTables({"sms": ("booking_num", "phone")})
    kept: dict[str, Any] = {"N": number}
    asked: dict[str, Any] = {"BOOL": number != "0"}
    if inside:
        kept, asked = {"M": {"token": kept}}, {"M": {"token": asked}}
    key = {"booking_num": {"S": "1_1"}, "phone": {"S": "010-0000-0000"}}
    tables.call("put_item", {"TableName": "sms", "Item": {**key, "confirm_sms": kept}})

    def put(value: dict[str, Any]) -> Any:
        request = {
            "TableName": "sms",
            "Item": key,
            "ConditionExpression": "confirm_sms IN (:a)",
            "ExpressionAttributeValues": {":a": value},
        }
        return outcome(lambda: tables.call("put_item", request))

    assert put(asked)[0] == "ConditionalCheckFailedException"
    assert put(kept) == {}


@given(st.one_of(VALUES, MAPS))
def test_values_are_read_and_written_as_boto3_does(value: Any) -> None:
    read = TypeDeserializer().deserialize(value)
    assert Reader().deserialize(value) == read
    assert Writer().serialize(read) == TypeSerializer().serialize(read)
