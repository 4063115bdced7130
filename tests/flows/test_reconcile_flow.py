"""The reconciliation on a real Prefect server: what fails, and what a person reads there."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import State
from prefect.flows import load_flow_from_entrypoint

from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.flows.conftest import ROOT
from tests.reconciliation_builders import Shop

pytestmark = pytest.mark.prefect


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str]) -> Shop:
    shop = Shop(world, world_env)
    shop.run()
    return shop.later()


@pytest.fixture
def reconcile(
    shop: Shop, prefect_client_settings: None, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], State[Any]]:
    """The deployed flow, run in the sandbox as it is at that moment; gives its final state."""
    monkeypatch.chdir(ROOT)
    flow: Callable[..., Any] = load_flow_from_entrypoint("flows/reconcile.py:reconcile")

    def run() -> State[Any]:
        for name, value in {**shop.env, **shop.world.environment()}.items():
            monkeypatch.setenv(name, value)
        state: State[Any] = flow(return_state=True)
        return state

    return run


def written(state: State[Any]) -> dict[str, str]:
    """Read what the run has left on the server: artifacts by key, and the log."""
    run_id = state.state_details.flow_run_id
    assert run_id is not None
    chosen = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[run_id]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
        logs = client.read_logs(log_filter=chosen, limit=200)
    pages = {str(artifact.key): str(artifact.data) for artifact in found}
    return {**pages, "log": "\n".join(log.message for log in logs), "state": str(state.message)}


def test_a_day_in_which_all_is_well_ends_well_and_shows_its_sums(
    shop: Shop, reconcile: Callable[[], State[Any]]
) -> None:
    state = reconcile()

    assert state.is_completed()
    pages = written(state)
    assert {"reconciliation", "findings"} <= set(pages)
    assert "# SUCCESS: 2 messages in the ledger, 2 in SENS's log" in pages["reconciliation"]
    assert json.loads(pages["findings"]) == []
    assert shop.watermark()["counts"] == {"ledger": 2, "log": 2, "findings": 0}


def test_a_duplicate_fails_the_flow_once_and_is_a_row_of_the_artifact(
    shop: Shop, reconcile: Callable[[], State[Any]]
) -> None:
    message = shop.world.messages()[0]
    second = shop.send_again(message)
    shop.later()

    first, again = reconcile(), reconcile()

    assert first.is_failed()
    assert again.is_completed()
    pages = written(first)
    (row,) = json.loads(pages["findings"])
    assert (row["what"], row["requestId"], row["counted as"]) == (
        "duplicate",
        second,
        message["requestId"],
    )
    assert "두 번" in shop.world.world.telegram[-1]["text"]
    for text in pages.values():
        assert message["to"] not in text.replace("-", "")
        assert message["content"][:12] not in text


def test_a_log_that_cannot_be_read_fails_with_a_report_and_an_alert(
    shop: Shop, reconcile: Callable[[], State[Any]]
) -> None:
    shop.world.world.faults.append(Fault("sens", match="GET", kind="status:403", times=None))

    state = reconcile()

    assert state.is_failed()
    pages = written(state)
    assert "refused a look-up with 403" in pages["state"]
    assert "the next one begins where this one began" in pages["reconciliation"]
    assert "대조하지 못했습니다" in shop.world.world.telegram[-1]["text"]
    assert "counts" not in shop.watermark()
