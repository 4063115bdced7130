"""The watchdog as Prefect runs it: it fails loudly, and its artifact lists what is late."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import State
from prefect.flows import load_flow_from_entrypoint

from sandbox.server import Sandbox
from tests.flows.conftest import ROOT

pytestmark = pytest.mark.prefect


def test_a_store_that_nobody_reads_fails_the_flow_and_is_listed(
    world: Sandbox,
    world_env: dict[str, str],
    prefect_client_settings: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    for name, value in world_env.items():
        monkeypatch.setenv(name, value)
    watch: Callable[..., Any] = load_flow_from_entrypoint("flows/watch_messages.py:watchdog")

    state: State[Any] = watch(return_state=True)

    assert state.is_failed()
    assert "8 stores are not read" in str(state.message)
    run_id = state.state_details.flow_run_id
    assert run_id is not None
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    (artifact,) = (one for one in found if one.key == "watchdog")
    rows = json.loads(str(artifact.data))
    assert [row["why"] for row in rows if not row["booking"]] == ["no run reads this store"] * 8
    assert "예약을 읽지 않고 있는 매장이 있습니다" in world.world.telegram[-1]["text"]
