"""dynalite, a DynamoDB that shares no code with moto, as the sandbox's AWS.

Two gaps are filled here: a failed condition does not show the item in the way, which is read by a
second call under our lock, and a new table is not there at once, so its creation is waited for.
Tests that meet another gap name it (`missing_in`). It has no backups, encryption or protection
against deletion either, and measures an item by its characters; the library uses no transactions
and no TTL.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import requests

from sandbox.aws import MotoApp
from sandbox.memory_dynamodb.app import PROTOCOL, headers_of
from tests import npm

HERE = Path(__file__).parent
INSTALLED = HERE.parents[2] / ".tools" / "dynalite-4.0.0"  # package.json's version
SIGNED = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=x/20250101/x/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=x",
    "X-Amz-Date": "20250101T000000Z",
}
SERVER = """
const server = require('dynalite')({createTableMs: 0, deleteTableMs: 0})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
process.stdin.resume().on('end', () => process.exit())
"""


def missing() -> str:
    """Tell why dynalite cannot run here; empty when it can."""
    return npm.missing(INSTALLED)


def install() -> None:
    """Install it once for this checkout. Raises subprocess.CalledProcessError."""
    npm.install(HERE, INSTALLED)


@contextmanager
def serving() -> Iterator[str]:
    """Run it on a free port, and give its URL; it ends with us, however we end."""
    with subprocess.Popen(
        ["node", "-e", SERVER],
        cwd=INSTALLED,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdin
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.stdin.close()


class DynaliteApp(MotoApp):
    """DynamoDB by dynalite at this URL; every other service is moto's."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url, self._guard, self._line = url, Lock(), requests.Session()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one call; one at a time."""
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if not target.startswith(PROTOCOL):
            return super().__call__(environ, start_response)
        body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
        with self._guard:
            answer = self._ask(target.removeprefix(PROTOCOL), json.loads(body))
        start_response(
            f"{answer.status_code} {answer.reason}",
            headers_of(answer.content),
        )
        return [answer.content]

    def forget(self) -> None:
        """Begin anew, with no table and no secret."""
        super().forget()
        with self._guard:
            for name in self._ask("ListTables", {}).json()["TableNames"]:
                self._ask("DeleteTable", {"TableName": name})
                self._until(name, there=False)

    def _ask(self, operation: str, request: dict[str, Any]) -> requests.Response:
        headers = {
            **SIGNED,
            "X-Amz-Target": PROTOCOL + operation,
            "Content-Type": "application/x-amz-json-1.0",
        }
        answer = self._line.post(self._url, json.dumps(request), headers=headers, timeout=20)
        if operation == "CreateTable" and answer.ok:
            self._until(request["TableName"], there=True)
        shows = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
        if shows and b"ConditionalCheckFailed" in answer.content:
            answer._content = self._with_item(answer.json(), request)
        return answer

    def _with_item(self, refusal: dict[str, Any], request: dict[str, Any]) -> bytes:
        """Put the item in the way into the refusal."""
        name, given = request["TableName"], request.get("Key") or request["Item"]
        schema = self._ask("DescribeTable", {"TableName": name}).json()["Table"]["KeySchema"]
        key = {part["AttributeName"]: given[part["AttributeName"]] for part in schema}
        found = self._ask("GetItem", {"TableName": name, "Key": key, "ConsistentRead": True})
        return json.dumps(refusal | found.json()).encode()

    def _until(self, name: str, *, there: bool) -> None:
        """Ask until a table is there, or gone."""
        while True:
            answer = self._ask("DescribeTable", {"TableName": name})
            table = answer.json().get("Table", {})
            if table.get("TableStatus", "") == ("ACTIVE" if there else ""):
                return
