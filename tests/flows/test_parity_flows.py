"""The parity flows on a real Prefect server: what a person starts, and reads there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import State
from prefect.flows import load_flow_from_entrypoint

from naverplace.migration.legacy_rows import fatal_reason
from naverplace.pipeline.capture.golden_set import read_golden, write_golden
from sandbox.server import Sandbox
from tests.flows.conftest import ROOT
from trials.parity.generator import FILE

DEPLOYED = {
    one["name"]: one
    for one in yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
}


@pytest.fixture
def flows(
    world: Sandbox,
    world_env: dict[str, str],
    prefect_client_settings: None,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Any:
    """Run a deployed parity flow in the sandbox; gives its final state."""
    world.reset("first-run")
    world.log_in()
    changes = {
        "NAVERPLACE_PARITY__REPORT_DIR": str(tmp_path / "reports"),
        "NAVERPLACE_PARITY__LEGACY_WAIT_SECONDS": "0",
    }
    for name, value in {**world_env, **world.environment(), **changes}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)

    def run(name: str, **parameters: Any) -> State[Any]:
        flow: Any = load_flow_from_entrypoint(DEPLOYED[name]["entrypoint"])
        state: State[Any] = flow(**parameters, return_state=True)
        return state

    return run


def artifacts_of(state: State[Any]) -> dict[str, str]:
    run_id = state.state_details.flow_run_id
    assert run_id is not None
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run_id]))
        )
    return {str(artifact.key): str(artifact.data) for artifact in found}


@pytest.mark.prefect
def test_a_golden_set_is_replayed_and_its_verdict_is_read_in_the_ui(
    flows: Any, tmp_path: Path
) -> None:
    small = tmp_path / "small.jsonl.gz"
    write_golden(small, [next(read_golden(FILE))])

    state = flows("parity-replay", golden=str(small))

    assert state.is_completed()
    pages = artifacts_of(state)
    assert "0 differences (must be 0)" in pages["parity"]
    assert "| Without a class | 0 |" in pages["parity"]
    rows = json.loads(pages["parity-differences"])
    assert {"class", "booking", "legacy", "new"} <= set(rows[0])
    assert (tmp_path / "reports" / "golden" / "parity.html").exists()


@pytest.mark.prefect
def test_a_shadow_and_an_observation_end_without_a_message(flows: Any, world: Sandbox) -> None:
    shadow = flows("parity-shadow")
    rows = world.world.stores["1051707"]
    rows[:] = [row for row in rows if not fatal_reason(row)]
    observed = flows("parity-observed", stores=["1051707"])

    assert (shadow.is_completed(), observed.is_completed()) == (True, False)
    assert world.messages() == []
    pages = artifacts_of(shadow)
    assert "NOT ENOUGH" in pages["parity"]
    # Nobody ran the legacy, so that it missed what we would have sent: that is no parity.
    assert "nothing was seen of the legacy" in artifacts_of(observed)["parity"]
    assert "NO-GO" in str(observed.message)


@pytest.mark.prefect
def test_beside_a_row_that_ends_the_legacys_run_its_silence_is_no_difference(flows: Any) -> None:
    observed = flows("parity-observed", stores=["1051707"])

    assert observed.is_completed()
    page = artifacts_of(observed)["parity"]
    assert "NOT ENOUGH" in page
    assert "nothing was seen of the legacy between the two readings: rows that end its run" in page
    assert "In 1 of 1 runs the legacy sent nothing" in page


def test_the_parity_flows_wait_for_a_person() -> None:
    assert DEPLOYED["parity-replay"]["schedules"] == []
    assert DEPLOYED["parity-replay"]["parameters"] == {"golden": "", "days": 7}
    for name in ("parity-shadow", "parity-observed"):
        (schedule,) = DEPLOYED[name]["schedules"]
        assert (schedule["active"], schedule["timezone"]) == (False, "Asia/Seoul")
        assert DEPLOYED[name]["concurrency_limit"]["limit"] == 1
