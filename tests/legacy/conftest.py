"""The shop in which the modelled legacy really runs."""

from __future__ import annotations

import pytest

from sandbox.server import Sandbox


@pytest.fixture
def shop(world: Sandbox) -> Sandbox:
    """Two stores without a booking, and Naver takes a range of any length."""
    for store in world.world.stores.values():
        store.clear()
    for item in world.sms_items():
        world._aws.delete("sms", {key: item[key] for key in ("booking_num", "phone")})
    world.world.booking_switches.max_range_days = None
    world.world.requests.clear()
    return world
