"""Stores shared between several runs, by a real worker on the session's server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolUpdate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.states import Cancelled

from naverplace.domain.troubles import WORDS, TroubleKind
from operate.setting_up import LIMITS, set_limits
from sandbox.prefect_server import PrefectServer
from sandbox.server import Sandbox
from trials.working import Working, seen

pytestmark = [pytest.mark.prefect, pytest.mark.timeout(600)]


@pytest.fixture
def working(
    prefect_server: PrefectServer,
    prefect_client_settings: None,
    world: Sandbox,
    world_env: dict[str, str],
    tmp_path: Path,
) -> Iterator[Working]:
    world.reset("first-run")
    world.log_in()
    env = {**world_env, **world.environment()}
    made = Working(prefect_server, env, tmp_path, pool="shared")
    made.deploy()
    yield made
    made.stop()


def test_the_limits_are_made_once_and_then_left_to_whoever_changes_them(
    prefect_client_settings: None,
) -> None:
    wanted = yaml.safe_load(LIMITS.read_text("utf-8"))["limits"]
    with get_client(sync_client=True) as client:
        set_limits(client)
        found = {limit.name: limit for limit in client.read_global_concurrency_limits(limit=200)}
        assert {name: found[name].limit for name in wanted} == wanted

        assert set_limits(client) == []


def test_two_shards_serve_every_store_once_and_the_owner_reads_one_summary(
    working: Working, world: Sandbox
) -> None:
    with get_client(sync_client=True) as client:
        set_limits(client)
    run = working.start(
        "share-bookings/shared-20-minutes", shards=2, deployment="process-shard/shard-shared"
    )
    working.worker("sharing")

    assert seen(lambda: (state := working.read(run).state) and state.is_final(), within=180)

    assert working.read(run).state_name == "Completed", working.log(run)
    told = Counter((m["to"], m["subject"]) for m in world.messages())
    assert len(told) == sum(world.expected["messages"].values())
    assert set(told.values()) == {1}
    texts = [message["text"] for message in world.world.telegram]
    (summary,) = (text for text in texts if text.startswith("✅"))
    assert f"문자 {len(told)}건 접수" in summary
    # Each shard tells of the bad bookings in its stores, and each of them is told once.
    alerts = [text for text in texts if text != summary]
    assert all("확인할 예약이 있습니다" in text for text in alerts)
    bad = [line for text in alerts for line in text.splitlines() if line.startswith("- ")]
    assert len(bad) == len(set(bad)) == world.expected["quarantined"]


def cancel_shards(client: SyncPrefectClient) -> int:
    """Cancel the shards that wait, as somebody does in the UI; gives how many these were."""
    tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=["shard"]))
    shards = client.read_flow_runs(flow_run_filter=tagged)
    waiting = [shard.id for shard in shards if shard.state and shard.state.is_scheduled()]
    for shard in waiting:
        client.set_flow_run_state(shard, Cancelled(message="by hand"), force=True)
    return len(waiting)


def test_shards_that_somebody_cancels_are_told_once(working: Working, world: Sandbox) -> None:
    cancelled = 0
    with get_client(sync_client=True) as client:
        set_limits(client)
        # The only slot is that of the run which orders them, so no shard begins.
        client.update_work_pool(working.pool, WorkPoolUpdate(concurrency_limit=1))
        run = working.start(
            "share-bookings/shared-20-minutes", shards=2, deployment="process-shard/shard-shared"
        )
        working.worker("sharing")

        def ended() -> bool:
            nonlocal cancelled
            cancelled += cancel_shards(client)
            return (state := working.read(run).state) is not None and state.is_final()

        assert seen(ended, within=180)
        client.update_work_pool(working.pool, WorkPoolUpdate(concurrency_limit=None))

    assert (working.read(run).state_name, cancelled) == ("Failed", 2), working.log(run)
    (text,) = [message["text"] for message in world.world.telegram]
    assert WORDS[TroubleKind.SHARD_FAILED].title in text
    assert text.count("Cancelled by hand") == 2
    assert not world.messages()
