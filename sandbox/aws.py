"""AWS as moto plays it: DynamoDB and Secrets Manager, one account for each start and reset."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import boto3
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError
from werkzeug.test import run_wsgi_app

from sandbox.credentials import AwsAccount

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

# The legacy's own key schemas, written out once more since the sandbox imports no library
# (outside-services: DynamoDB legacy tables).
TABLES = {"sms": {"booking_num": "HASH", "phone": "RANGE"}, "session": {"id": "HASH"}}
SECRET_ID = "naverplace/sandbox"
BATCH = 25
_accounts = itertools.count(100_000_000_000)
_lock = Lock()  # moto checks a condition and writes in two steps: DynamoDB does it in one
_write, _read = TypeSerializer(), TypeDeserializer()


class MotoApp:
    """moto's server as one WSGI app, on an account that nobody else in this process uses."""

    def __init__(self) -> None:
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self._moto: WSGIApplication = DomainDispatcherApplication(create_backend_app)
        self.account_id = str(next(_accounts))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one call; one at a time."""
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self.account_id
        with _lock:
            answer, status, headers = run_wsgi_app(self._moto, environ, buffered=True)
        start_response(status, list(headers))
        return answer

    def forget(self) -> None:
        """Begin a new account, with no table and no secret."""
        from moto.dynamodb.models import dynamodb_backends
        from moto.secretsmanager.models import secretsmanager_backends

        with _lock:
            for backends in (dynamodb_backends, secretsmanager_backends):
                backends.pop(self.account_id, None)
            self.account_id = str(next(_accounts))


class AwsClient:
    """The sandbox's own look at its AWS, through boto3 and past all faults."""

    def __init__(self, url: str, account: AwsAccount) -> None:
        session = boto3.Session(
            aws_access_key_id=account.access_key_id,
            aws_secret_access_key=account.secret_access_key,
            region_name=account.region,
        )
        config = Config(
            retries={"total_max_attempts": 2},
            read_timeout=10,
            connect_timeout=5,
            parameter_validation=False,  # the service judges what is put; here it takes longer
        )
        self.dynamodb: DynamoDBClient = session.client("dynamodb", endpoint_url=url, config=config)
        self.secrets: SecretsManagerClient = session.client(
            "secretsmanager", endpoint_url=url, config=config
        )

    def create_tables(self) -> None:
        """Create both tables, empty."""
        for name, keys in TABLES.items():
            schema: Any = [{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()]
            self.dynamodb.create_table(
                TableName=name,
                KeySchema=schema,
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
                BillingMode="PAY_PER_REQUEST",
                DeletionProtectionEnabled=True,
            )
            with suppress(ClientError):  # dynalite knows no backups
                self.dynamodb.update_continuous_backups(
                    TableName=name,
                    PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
                )

    def put(self, table: str, items: Iterable[Mapping[str, Any]]) -> None:
        """Write whole items."""
        rows = [{k: _write.serialize(v) for k, v in item.items()} for item in items]
        for first in range(0, len(rows), BATCH):
            puts: Any = [{"PutRequest": {"Item": row}} for row in rows[first : first + BATCH]]
            self.dynamodb.batch_write_item(RequestItems={table: puts})

    def items(self, table: str) -> list[dict[str, Any]]:
        """List all items of a table, by key."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
        found = [
            {name: _read.deserialize(value) for name, value in row.items()}
            for page in pages
            for row in page["Items"]
        ]
        return sorted(found, key=lambda item: [str(item[key]) for key in TABLES[table]])

    def delete(self, table: str, key: Mapping[str, str]) -> None:
        """Delete one item."""
        self.dynamodb.delete_item(
            TableName=table, Key={name: {"S": value} for name, value in key.items()}
        )

    def put_secret(self, content: Mapping[str, Any]) -> None:
        """Store the settings' secret parts as JSON under SECRET_ID."""
        self.secrets.create_secret(Name=SECRET_ID, SecretString=json.dumps(content))
