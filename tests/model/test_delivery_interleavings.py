"""Two deliveries of the same two messages, and a crash: every order of their steps, counted.

Without the store's lease, so that claims alone must keep a message from coming twice: a run may
stand still for as long as it likes, and SENS takes what was signed five minutes ago.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from naverplace.delivery import deliver
from tests.handback_world import Now
from tests.interleaving import Explored, World, explore_all
from tests.model.shop import ShopWorld, a_delivery, known, later_runs, owed, repeatable
from tests.rule_builders import STORE, at
from tests.second_claim import grant_a_second_claim

NOON = at("2025-10-22 12:00")
CERTAIN = timedelta(seconds=800)  # after a claim: SENS takes nothing of it any more
ONCE = {(f"{STORE}_{number}", "confirmation"): 1 for number in (1, 2)}


@pytest.fixture(autouse=True)
def deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    repeatable(monkeypatch)
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)


def two_known_bookings() -> ShopWorld:
    world = ShopWorld(NOON)
    for number in (1, 2):
        known(world, Now(number, NOON + timedelta(hours=5), phone=number))
    return world


def each_came_once(world: World) -> None:
    """Two sound runs later nothing came twice, and nothing is lost."""
    later_runs(world, [world.now + timedelta(minutes=minutes) for minutes in (20, 40)])
    assert Counter((got.booking, got.kind) for got in world.got) == ONCE
    for item in world.tables["sms"].values():
        assert (item["message_confirmation"]["state"], item["confirm_sms"]) == ("accepted", True)


def every_order(*waits: timedelta, crashes: int = 1) -> Explored:
    world = two_known_bookings()
    effects = owed(world)
    assert len(effects) == 2
    runs = [a_delivery(name, effects) for name in "AB"]
    ticks = [NOON, *(NOON + wait for wait in waits)]
    return explore_all(world, runs, ticks, each_came_once, crashes=crashes)


def test_two_runs_two_messages_and_a_crash_anywhere() -> None:
    explored = every_order()
    assert explored.orders > 1400
    assert explored.states > 200


def test_and_either_may_stand_still_until_its_claim_is_free_for_others() -> None:
    explored = every_order(CERTAIN)
    assert explored.orders > 155_000
    assert explored.states > 3000


def claims_are_granted_again(patch: pytest.MonkeyPatch) -> None:
    grant_a_second_claim(patch)


def claims_are_free_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(deliver, "safe_to_resend_after", lambda m, _: m.claim.message.claimed_at)


def nothing_in_the_log_fits(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(deliver, "pick", lambda *words: None)


def doubts_stay_for_ever(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(deliver.InDoubtResolver, "resolve", lambda self, messages: list(messages))


@pytest.mark.parametrize(
    "plant",
    [
        claims_are_granted_again,
        claims_are_free_at_once,
        nothing_in_the_log_fits,
        doubts_stay_for_ever,
    ],
)
def test_a_planted_bug_is_noticed(
    plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    with pytest.raises(AssertionError):
        every_order(CERTAIN)
