"""A cut-over or rollback that is killed after any of its writes, and typed once more."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from datetime import timedelta

import pytest

from naverplace.ledger.store_state import LEGACY, NEW
from tests.handback_world import Now
from tests.interleaving import Process, World
from tests.migration.cutover.cutover_scenes import (
    OTHER,
    Scene,
    at_once,
    counts,
    owned,
    reserved,
    steppable,
)
from tests.rule_builders import STORE, at

NOON = at("2025-10-22 12:00")
ONE = Now(1, NOON + timedelta(minutes=300))
SCENE = Scene(lambda now: [ONE], all_tables=True)
DEAD = timedelta(minutes=15)  # until whatever a dead process held is over
DAY = [NOON + timedelta(minutes=m) for m in (80, 100, 120, 180, 200, 220, 240, 260, 280)]


@pytest.fixture(autouse=True)
def deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    steppable(monkeypatch)


def of_the_legacy(world: World) -> None:
    owned(world, STORE, LEGACY)
    owned(world, OTHER, NEW)


def beside_it(world: World) -> None:
    owned(world, STORE, NEW)
    owned(world, OTHER, LEGACY)
    reserved(world, ONE, since=NOON - timedelta(minutes=20))


def alone(world: World) -> None:
    world.rule = False
    owned(world, STORE, NEW, alone=True)
    owned(world, OTHER, NEW, alone=True)


def the_last_cutover(name: str) -> Process:
    return SCENE.cutover(name, 0, STORE)


def a_rollback(name: str) -> Process:
    return SCENE.rollback(name, 0, STORE)


def steps_of(process: Process, world: World) -> int:
    count = 0
    going: Process | None = process
    while going and not going.over:
        going, count = going.step(world), count + 1
    return count


def summary(world: World) -> object:
    """What a switch leaves, but for times, epochs of leases and the trail."""
    owners = {k: i["owner"] for k, i in world.tables["session"].items() if "owner" in i}
    told = [(o["owner"], o["epoch"], "alone_from" in o) for _, o in sorted(owners.items())]
    leases = [i.get("lease") for i in world.tables["session"].values()]
    items = {k: v for k, v in world.tables["sms"].items() if "keeper" not in k[1]}
    return told, leases, items, world.rule


@pytest.mark.parametrize("begin", [of_the_legacy, beside_it, alone])
def test_killed_after_any_write_and_typed_again_it_ends_the_same(
    begin: Callable[[World], None],
) -> None:
    made = the_last_cutover if begin is of_the_legacy else a_rollback
    first = World(NOON)
    begin(first)
    fresh, whole = pickle.dumps(first), first
    steps = steps_of(made("whole"), whole)
    assert steps > 5

    for killed_after in range(steps):
        world: World = pickle.loads(fresh)
        process = made("killed")
        for _ in range(killed_after):
            process = process.step(world) or process
        world.now += DEAD
        again = made("again").step(world, all_at_once=True)

        assert again
        assert again.over
        assert summary(world) == summary(whole)
        trail = world.tables["session"][("naverplace-switch",)]["entries"]
        assert [entry["step"] for entry in trail][-1] == "done"
        at_once(SCENE, world, DAY, "legacy ours")
        key = ONE.ours.booking_num
        assert counts(world) == {(key, "confirmation"): 1, (key, "guide"): 1}
