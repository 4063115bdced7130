"""Creating the two tables as the legacy reads them: on demand, backed up, encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from naverplace.aws.config import AwsSettings
from naverplace.aws.dynamodb import open_dynamodb, table_errors
from naverplace.base.errors import NaverPlaceError, ServiceUnavailable
from naverplace.base.http import retry
from naverplace.base.registry import suggest_nearest
from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def schemas(aws: AwsSettings) -> dict[str, dict[str, str]]:
    """List both tables' keys by table name (outside-services: DynamoDB legacy tables)."""
    sms, session = {"booking_num": "HASH", "phone": "RANGE"}, {"id": "HASH"}
    return {aws.sms_table: sms, aws.session_table: session}


def create_tables(aws: AwsSettings) -> list[str]:
    """Create the tables that are missing, protect those that are not, and list what was done.

    It converges: what one call could not set, the next one does. Keys are left as they are.
    """
    client = open_dynamodb(aws)
    done = []
    for name, keys in schemas(aws).items():
        with table_errors(name):
            if _keys(client, name) is None:
                _create(client, name, keys)
                done.append(name)
            done += [f"{name}: {_(what)}" for what in _protect(client, name, new=name in done)]
    return done


def check_tables(aws: AwsSettings) -> list[str]:
    """List what is wrong with the tables, one line each; an empty list means all is well.

    A table that is missing beside others may be mistyped: they are named.
    """
    client = open_dynamodb(aws)
    problems = []
    for name, keys in schemas(aws).items():
        with table_errors(name):
            found = _keys(client, name)
            if found is None:
                problems.append(_missing(client, name))
            elif found != keys:
                problems.append(
                    _("table {name!r} has the keys {found}, the legacy's are {keys}").format(
                        name=name, found=found, keys=keys
                    )
                )
    return problems


def check_protection(aws: AwsSettings) -> list[str]:
    """List the protections that existing tables lack, or that we may not look at."""
    client = open_dynamodb(aws)
    lacking = []
    for name in schemas(aws):
        try:
            with table_errors(name):
                missing = _unprotected(client, name)
        except NaverPlaceError as error:
            words = _("table {name!r}: its protection is unknown ({error})")
            lacking.append(words.format(name=name, error=error))
            continue
        words = _("table {name!r} has no {what}")
        lacking += [words.format(name=name, what=_(what)) for what in missing]
    return lacking


def _missing(client: DynamoDBClient, name: str) -> str:
    try:
        there = client.list_tables()["TableNames"]
    except client.exceptions.ClientError:  # whoever runs us need not have the right to list them
        there = []
    words = _("table {name!r} is missing").format(name=name)
    if not there:
        return words + _("; create it: naverplace init-tables")
    return f"{words}; {suggest_nearest(name, there)}"


def _keys(client: DynamoDBClient, name: str) -> dict[str, str] | None:
    try:
        table = client.describe_table(TableName=name)["Table"]
    except client.exceptions.ResourceNotFoundException:
        return None
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


RECOVERY, DELETION = N_("point-in-time recovery"), N_("protection against deletion")


def _unprotected(client: DynamoDBClient, name: str) -> list[str]:
    described = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = described.get("PointInTimeRecoveryDescription", {})
    protected = client.describe_table(TableName=name)["Table"].get("DeletionProtectionEnabled")
    return [
        *([RECOVERY] if recovery.get("PointInTimeRecoveryStatus") != "ENABLED" else []),
        *([] if protected else [DELETION]),
    ]


def _protect(client: DynamoDBClient, name: str, *, new: bool) -> list[str]:
    """Set what is missing, and name it unless the table is new; a new one may not be ready yet."""
    missing = _unprotected(client, name)
    if DELETION in missing:
        client.update_table(TableName=name, DeletionProtectionEnabled=True)
    if RECOVERY in missing:
        retry(lambda: _turn_recovery_on(client, name), attempts=_TRIES, wait=1.0)
    return [] if new else missing


_TRIES = 6  # a minute: AWS refuses it while it still prepares a new table


def _turn_recovery_on(client: DynamoDBClient, name: str) -> None:
    try:
        client.update_continuous_backups(
            TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
    except client.exceptions.ContinuousBackupsUnavailableException as error:
        raise ServiceUnavailable(
            _(
                "DynamoDB, table {name!r}: is not ready for point-in-time recovery; in some "
                "minutes once more: naverplace init-tables"
            ).format(name=name)
        ) from error
