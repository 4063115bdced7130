"""AWS with its tables in memory: DynamoDB's protocol over HTTP, at a tenth of moto's cost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from threading import Lock
from wsgiref.types import StartResponse, WSGIEnvironment
from zlib import crc32

from botocore import xform_name
from botocore.exceptions import ClientError

from sandbox.aws import MotoApp
from sandbox.memory_dynamodb.tables import MemoryTables

PROTOCOL = "DynamoDB_20120810."


def headers_of(body: bytes) -> list[tuple[str, str]]:
    """List an answer's headers; botocore repeats a request whose answer does not fit its CRC."""
    return [
        ("Content-Type", "application/x-amz-json-1.0"),
        ("Content-Length", str(len(body))),
        ("x-amz-crc32", str(crc32(body))),
    ]


class MemoryAwsApp(MotoApp):
    """DynamoDB in memory; every other service is moto's."""

    def __init__(self, make_tables: Callable[[], MemoryTables] = lambda: MemoryTables({})) -> None:
        super().__init__()
        self._guard = Lock()
        self._make_tables = make_tables
        self._tables = make_tables()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one call; one at a time."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith(PROTOCOL):
            return super().__call__(environ, start_response)
        request = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        status = "200 OK"
        try:
            with self._guard:
                answer = self._tables.call(xform_name(target.removeprefix(PROTOCOL)), request)
        except ClientError as error:
            status = "400 Bad Request"
            answer = {key: value for key, value in error.response.items() if key == "Item"}
            answer["__type"] = f"com.amazonaws.dynamodb.v20120810#{error.response['Error']['Code']}"
            answer["message"] = error.response["Error"]["Message"]
        body = json.dumps(answer).encode()
        start_response(status, headers_of(body))
        return [body]

    def forget(self) -> None:
        """Begin anew, with no table and no secret."""
        super().forget()
        with self._guard:
            self._tables = self._make_tables()
