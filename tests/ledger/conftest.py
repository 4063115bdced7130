"""The ledger's contract, on every DynamoDB that there is: what only one of them does is no fact."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from sandbox.aws import MotoApp
from sandbox.memory_dynamodb.app import MemoryAwsApp
from sandbox.server import Sandbox
from tests.ledger import dynalite


@pytest.fixture(scope="session", params=["moto", "memory", "dynalite"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    if request.param != "dynalite":
        with Sandbox("quiet", aws=MotoApp if request.param == "moto" else MemoryAwsApp) as running:
            yield running
        return
    if why := dynalite.missing():
        pytest.skip(f"dynalite: {why}")
    try:
        dynalite.install()
    except subprocess.SubprocessError as error:
        pytest.skip(f"dynalite: npm could not install it: {error}")
    with (
        dynalite.serving() as url,
        Sandbox("quiet", aws=lambda: dynalite.DynaliteApp(url)) as running,
    ):
        yield running


@pytest.fixture(autouse=True)
def _leave_out_what_is_missing(request: pytest.FixtureRequest) -> None:
    params = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    played_by = params.get("sandbox")
    for mark in request.node.iter_markers("missing_in"):
        if mark.args[0] == played_by:
            pytest.skip(f"{played_by}: {mark.args[1]}")
