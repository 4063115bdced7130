"""One real Prefect server a session, and the flow as a worker loads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prefect import Flow
from prefect.flows import load_flow_from_entrypoint
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_HOME,
    PREFECT_SERVER_ALLOW_EPHEMERAL_MODE,
    temporary_settings,
)

from sandbox.prefect_server import PrefectServer

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[PrefectServer]:
    with PrefectServer() as server:
        yield server


@pytest.fixture
def prefect_client_settings(prefect_server: PrefectServer) -> Iterator[None]:
    """Point this process's Prefect client at the session's server."""
    changes = {
        PREFECT_API_URL: f"{prefect_server.url}/api",
        PREFECT_HOME: prefect_server.home,
        PREFECT_SERVER_ALLOW_EPHEMERAL_MODE: False,
    }
    with temporary_settings(changes):
        yield


@pytest.fixture(scope="session")
def deployment() -> dict[str, object]:
    """What prefect.yaml deploys first: the main flow."""
    loaded = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
    first: dict[str, object] = loaded["deployments"][0]
    return first


@pytest.fixture(scope="session")
def daily_deployment() -> dict[str, object]:
    """What prefect.yaml deploys second: the reconciliation."""
    loaded = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
    second: dict[str, object] = loaded["deployments"][1]
    return second


@pytest.fixture
def process_bookings(
    prefect_client_settings: None,
    deployment: dict[str, object],
    world_env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> Flow[..., object]:
    """The deployed flow, loaded by its entrypoint, with the sandbox in the environment."""
    for name, value in world_env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    return load_flow_from_entrypoint(str(deployment["entrypoint"]))
