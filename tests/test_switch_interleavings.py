"""Sending beside a legacy that reads all stores: every order of both sides' steps, and no message
comes twice or not at all (docs/switch.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from naverplace import draining, holding, switching
from naverplace.booking import BookingStatus
from naverplace.ownership import LEGACY, NEW
from naverplace.tables import items, sms
from naverplace.tables import stores as store_tables
from tests.deciding import at
from tests.handing import Now
from tests.stepping import Process, Token, Waiting, World, explore
from tests.switch_scenes import OTHER, STORE, Scene, at_once, counts, owned

NOON = at("2025-10-22 12:00")
EIGHT = timedelta(minutes=8)  # half of a legacy run's longest time: it may live over one tick
TICKS = [NOON + EIGHT * n for n in range(3)]
ORDERS = ("legacy ours", "ours legacy")


@pytest.fixture(autouse=True)
def deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a process that is run again do the same: tokens by count, and no real waiting."""

    def wait(seconds: float) -> None:
        raise Waiting

    for module in (items, sms, store_tables, holding, switching):
        monkeypatch.setattr(module, "uuid4", Token)
    for slow in (holding, draining):
        monkeypatch.setattr(slow, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=wait))


def beside(now: datetime, *, other: str = LEGACY) -> World:
    """A world in which the store is ours, and the legacy runs for another one."""
    world = World(now)
    owned(world, STORE, NEW)
    owned(world, OTHER, other)
    return world


def listed(*bookings: Now) -> Callable[[datetime], Sequence[Now]]:
    """What Naver lists: confirmed until two hours after the start, then completed."""

    def at_moment(now: datetime) -> list[Now]:
        over = timedelta(hours=2)
        done = BookingStatus.COMPLETED
        return [replace(b, status=done) if now >= b.start + over else b for b in bookings]

    return at_moment


def the_day(one: Now, after: datetime) -> list[datetime]:
    """List moments of later runs, from a while after the scene until the evening is over."""
    runs = [after + timedelta(minutes=20 * n) for n in (1, 2)]
    runs += [one.start - timedelta(minutes=m) for m in (118, 78)]
    evening = after.replace(hour=20, minute=0, second=0)
    evenings = [evening + timedelta(days=d, minutes=m) for d in (0, 1) for m in (0, 20)]
    return sorted({run for run in [*runs, *evenings] if run > after})


def everything_once(scene: Scene, one: Now, *kinds: str) -> Callable[[World], None]:
    """Let the day go on in both orders, and look what the customer got."""
    wanted = dict.fromkeys(((one.ours.booking_num, kind) for kind in kinds), 1)

    def end(world: World) -> None:
        for order in ORDERS:
            left = replace(world, tables=_copied(world), got=list(world.got))
            at_once(scene, left, the_day(one, world.now), order)
            assert dict(counts(left)) == wanted, (order, left.got)

    return end


def _copied(world: World) -> dict[str, dict[tuple[str, ...], dict[str, object]]]:
    return {n: {k: dict(i) for k, i in t.items()} for n, t in world.tables.items()}


def runs(scene: Scene, *moments: str) -> list[Process]:
    """Give processes by side and tick, as L0 O0 O2."""
    made = {"L": scene.legacy, "O": scene.ours}
    return [made[m[0]](f"{m}-{n}", int(m[1])) for n, m in enumerate(moments)]


ALL = ("confirmation", "guide", "event")


@pytest.mark.parametrize("minutes", [300, 110, 60])
def test_a_new_booking(minutes: int) -> None:
    """Far ahead, in the two hours before its start, and in the second half of them."""
    one = Now(1, NOON + timedelta(minutes=minutes))
    scene = Scene(listed(one))

    ends = explore(
        beside(NOON),
        runs(scene, "L0", "O0", "O1", "L2", "O2"),
        TICKS,
        everything_once(scene, one, *ALL),
    )

    assert ends > 1
