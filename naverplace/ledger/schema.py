"""Creating the two tables as the legacy reads them: on demand, backed up, encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from naverplace.aws.config import AwsSettings
from naverplace.aws.dynamodb import open_dynamodb, table_errors

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def schemas(aws: AwsSettings) -> dict[str, dict[str, str]]:
    """List both tables' keys by table name (outside-services: DynamoDB legacy tables)."""
    sms, session = {"booking_num": "HASH", "phone": "RANGE"}, {"id": "HASH"}
    return {aws.sms_table: sms, aws.session_table: session}


def create_tables(aws: AwsSettings) -> list[str]:
    """Create the tables that are missing, and list their names; existing ones are left alone."""
    client = open_dynamodb(aws)
    created = []
    for name, keys in schemas(aws).items():
        with table_errors(name):
            if _keys(client, name) is None:
                _create(client, name, keys)
                created.append(name)
    return created


def check_tables(aws: AwsSettings) -> list[str]:
    """List what is wrong with the tables, one line each; an empty list means all is well."""
    client = open_dynamodb(aws)
    problems = []
    for name, keys in schemas(aws).items():
        with table_errors(name):
            found = _keys(client, name)
        if found is None:
            problems.append(f"table {name!r} is missing; create it: naverplace init-tables")
        elif found != keys:
            problems.append(f"table {name!r} has the keys {found}, the legacy's are {keys}")
    return problems


def _keys(client: DynamoDBClient, name: str) -> dict[str, str] | None:
    try:
        table = client.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
            return None
        raise
    return {key["AttributeName"]: key["KeyType"] for key in table["KeySchema"]}


def _create(client: DynamoDBClient, name: str, keys: dict[str, str]) -> None:
    schema: Any = [{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()]
    client.create_table(
        TableName=name,
        KeySchema=schema,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
        SSESpecification={"Enabled": True, "SSEType": "KMS"},
        # The ledger keeps messages from going out twice: nobody may delete it by a slip.
        DeletionProtectionEnabled=True,
    )
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    client.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
