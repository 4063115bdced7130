"""Two bookings of one phone at one time have the same texts: SENS's log cannot tell them apart.

A run dies at each of its steps between the two; found by the swarm of simulated shops.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from naverplace.delivery.deliver import InDoubtResolver
from naverplace.domain.records import read_record
from tests.handback_world import Now
from tests.model.shop import ShopWorld, a_run, finish, repeatable, waiting_takes_time
from tests.rule_builders import at

NOON, MINUTE = at("2025-10-22 12:00"), timedelta(minutes=1)
STEPS = 60  # more than a run of two bookings has


@pytest.fixture(autouse=True)
def simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    repeatable(monkeypatch)
    waiting_takes_time(monkeypatch)


def play(steps: int, *, apart: int, then: int) -> ShopWorld:
    """Let the second booking come so many minutes after the first; its run dies at this step."""
    world = ShopWorld(NOON)
    start = NOON + 100 * MINUTE
    world.listed.append(Now(1, start, phone=1))
    if apart:
        finish(a_run("first"), world)
        world.now += apart * MINUTE
    world.listed.append(Now(2, start, phone=1))
    dying = a_run("dying")
    for _ in range(steps):
        if dying.over:
            break
        stepped = dying.step(world)
        assert stepped
        dying = stepped
    for later in range(3):
        world.now += (then if later == 0 else 20) * MINUTE
        finish(a_run(f"later{later}"), world)
    return world


def is_right(world: ShopWorld) -> bool:
    """Tell whether both bookings have both messages, each by an acceptance of its own."""
    taken = Counter(message.kind for message in world.log)
    records = map(read_record, world.tables["sms"].values())
    requests = [entry.request_id for record in records for entry in record.messages.values()]
    mine = [request for request in requests if request]
    return taken == {"confirmation": 2, "guide": 2} and len(mine) == len(set(mine)) == 4


@pytest.mark.parametrize("then", [4, 20])
@pytest.mark.parametrize("apart", [0, 1, 4, 20])
def test_whenever_a_run_dies_each_booking_gets_its_own_messages(apart: int, then: int) -> None:
    wrong = [steps for steps in range(STEPS) if not is_right(play(steps, apart=apart, then=then))]
    assert wrong == []


def test_a_resolver_that_knows_only_what_is_in_doubt_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = InDoubtResolver.read
    monkeypatch.setattr(InDoubtResolver, "read", lambda self, found, others=(): real(self, found))
    wrong = [steps for steps in range(STEPS) if not is_right(play(steps, apart=1, then=20))]
    assert wrong
