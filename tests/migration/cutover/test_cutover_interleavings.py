"""Sending beside a legacy that reads all stores: every order of both sides' steps, and no message
comes twice or not at all (docs/switch.md)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from naverplace.domain.booking import BookingStatus
from naverplace.domain.message_kinds import FLAGS
from naverplace.ledger.store_state import LEGACY, NEW, Ownership
from naverplace.settings.sections import CutoverSettings
from tests.handback_world import Now
from tests.interleaving import Process, World, explore
from tests.migration.cutover.cutover_scenes import (
    OTHER,
    Scene,
    at_once,
    counts,
    known,
    owned,
    reserved,
    steppable,
)
from tests.rule_builders import STORE, at

NOON = at("2025-10-22 12:00")
EIGHT = timedelta(minutes=8)  # half of a legacy run's longest time: it may live over one tick
TICKS = [NOON + EIGHT * n for n in range(3)]
ORDERS = ("legacy ours", "ours legacy")


@pytest.fixture(autouse=True)
def deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    steppable(monkeypatch)


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


@pytest.mark.parametrize(("minutes", "steps"), [(300, "L0 O0 O2"), (60, "L0 O0 O1 O2")])
def test_a_new_booking(minutes: int, steps: str) -> None:
    """Far ahead, and in the two hours before its start; O1 is too early after O0."""
    one = Now(1, NOON + timedelta(minutes=minutes))
    scene = Scene(listed(one))
    end = everything_once(scene, one, *ALL)

    assert explore(beside(NOON), runs(scene, *steps.split()), TICKS, end) > 1


def test_a_new_booking_that_the_next_legacy_run_meets_as_well() -> None:
    one = Now(1, NOON + timedelta(minutes=110))
    scene = Scene(listed(one))
    end = everything_once(scene, one, *ALL)

    assert explore(beside(NOON), runs(scene, "L0", "O0", "L2", "O2"), TICKS, end) > 1


def test_a_booking_that_starts_too_soon_for_a_reservation_is_wholly_the_legacys() -> None:
    one = Now(1, NOON + timedelta(minutes=39))
    scene = Scene(listed(one))

    def end(world: World) -> None:
        everything_once(scene, one, *ALL)(world)
        assert {got.by for got in world.got} <= {"legacy"}

    assert explore(beside(NOON), runs(scene, "O0", "L0", "O1", "L2", "O2"), TICKS, end) > 1


@pytest.mark.parametrize(("confirmed", "steps"), [(True, "L0 O0 O1 O2"), (False, "L0 O0 O2")])
def test_a_known_booking_in_its_two_hours(confirmed: bool, steps: str) -> None:
    """The legacy reads the flags, then sets them one by one, sending between (L12)."""
    one = Now(1, NOON + timedelta(minutes=100))
    scene, world = Scene(listed(one)), beside(NOON)
    known(world, one, confirm_sms=confirmed)
    end = everything_once(scene, one, *ALL[confirmed:])

    assert explore(world, runs(scene, *steps.split()), TICKS, end) > 1


@pytest.mark.parametrize(("first", "eight"), [("19:44", "L2"), ("19:52", "L1"), ("20:00", "L0")])
def test_the_evening_of_the_event(first: str, eight: str) -> None:
    """Reserved before eight, on its stroke, and left to the legacy within that hour (L13)."""
    begin = at(f"2025-10-22 {first}")
    one = Now(1, begin.replace(hour=15, minute=0))
    scene, world = Scene(listed(one)), beside(begin)
    known(world, one, remind_sms=True)

    assert explore(
        world,
        runs(scene, "O0", "O1", "O2", eight),
        [begin + EIGHT * n for n in range(3)],
        everything_once(scene, one, "event"),
    )


def test_a_booking_that_moves_after_its_guide() -> None:
    """Its guide is owed again, and the legacy must never see that (L16)."""
    before, after = Now(1, NOON + timedelta(minutes=90)), Now(1, NOON + timedelta(minutes=110))
    scene, world = Scene(listed(after)), beside(NOON)
    known(world, before, remind_sms=True)
    ledger = {"state": "accepted", "token": "t", "for_start": before.start.isoformat()}
    (item,) = world.tables["sms"].values()
    item["message_guide"] = ledger

    end = everything_once(scene, after, "guide", "event")

    assert explore(world, runs(scene, "L0", "O0", "O2"), TICKS, end)


def test_a_run_of_ours_that_stands_still_for_long() -> None:
    one = Now(1, NOON + timedelta(minutes=110))
    scene = Scene(listed(one), frozen=True)
    end = everything_once(scene, one, *ALL)

    assert explore(beside(NOON), runs(scene, "L0", "O0", "O2"), TICKS, end) > 1


def test_without_a_reservation_the_same_message_comes_twice(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So the stepping sees what it is there for."""
    monkeypatch.setattr(Ownership, "reserves_at", lambda self, now: False)

    assert_that_it_fails(Scene(listed(SOON)))


def test_with_a_reservation_that_need_not_stand_first_it_comes_twice_as_well() -> None:
    assert_that_it_fails(Scene(listed(SOON), switch=CutoverSettings(legacy_run_seconds=1.0)))


SOON = Now(1, NOON + timedelta(minutes=60))


def assert_that_it_fails(scene: Scene) -> None:
    end = everything_once(scene, SOON, *ALL)
    with pytest.raises(AssertionError, match="legacy"):
        explore(beside(NOON), runs(scene, "L0", "O0", "O1"), TICKS, end)


def switched(scene: Scene, one: Now, owner: str) -> Callable[[World], None]:
    """Look that the store has its owner, and that nothing is left reserved with the legacy."""
    once = everything_once(scene, one, *ALL)

    def end(world: World) -> None:
        item = world.tables["session"][(f"naverplace-store-{STORE}",)]
        assert item["owner"]["owner"] == owner
        if owner == LEGACY:
            assert world.rule
            flags = [i[f] for i in world.tables["sms"].values() for f in FLAGS]
            assert {flag for flag in flags if not isinstance(flag, bool)} == set()
        once(world)

    return end


DEAD = [lambda now: now < TICKS[1], lambda now: now < TICKS[2], lambda now: True]


@pytest.mark.parametrize("dead", DEAD, ids=["one run", "two runs", "for good"])
@pytest.mark.parametrize(("minutes", "steps"), [(300, "L0 O0 L2 O2"), (60, "L0 O0 L1 O2")])
def test_a_legacy_that_dies_and_comes_back_takes_nothing_from_our_customers(
    minutes: int, steps: str, dead: Callable[[datetime], bool]
) -> None:
    """L27: it has neither written nor sent anything; what we reserve, we send."""
    one = Now(1, NOON + timedelta(minutes=minutes))
    scene = Scene(listed(one), unreadable=dead)
    end = everything_once(scene, one, *ALL)

    assert explore(beside(NOON), runs(scene, *steps.split()), TICKS, end) >= 1


def test_what_is_left_to_a_legacy_that_comes_back_it_sends_once() -> None:
    one = Now(1, NOON + timedelta(minutes=39))
    scene = Scene(listed(one), unreadable=DEAD[0])
    end = everything_once(scene, one, *ALL)

    assert explore(beside(NOON), runs(scene, *["L0", "O0", "O1", "L2", "O2"]), TICKS, end) >= 1


def test_what_is_left_to_a_legacy_that_is_dead_for_good_reaches_nobody() -> None:
    """As docs/switch.md says: we make no record of it, so it gets no event either."""
    one = Now(1, NOON + timedelta(minutes=39))
    scene = Scene(listed(one), unreadable=DEAD[2])
    end = everything_once(scene, one)

    assert explore(beside(NOON), runs(scene, *["L0", "O0", "O1", "L2", "O2"]), TICKS, end) >= 1


@pytest.mark.parametrize("killed_after", range(7))
@pytest.mark.parametrize("minutes", [300, 60, 39])
def test_a_legacy_that_is_killed_in_the_middle_makes_nothing_come_twice(
    minutes: int, killed_after: int
) -> None:
    """By its Lambda's time-out: what it had written and not sent is lost, as ever (L14)."""
    one = Now(1, NOON + timedelta(minutes=minutes))
    scene = Scene(listed(one))
    killed = scene.legacy("killed", 0, killed_after=killed_after)

    assert explore(
        beside(NOON), [killed, *runs(scene, "O0", "O2")], TICKS, at_most_once(scene, one)
    )


def at_most_once(scene: Scene, one: Now) -> Callable[[World], None]:
    def end(world: World) -> None:
        for order in ORDERS:
            left = replace(world, tables=_copied(world), got=list(world.got))
            at_once(scene, left, the_day(one, world.now), order)
            assert set(counts(left).values()) <= {1}, (order, left.got)

    return end


ONCE = [NOON]  # within one moment, in which no reservation grows old enough


@pytest.mark.parametrize(("other", "steps"), [(LEGACY, "L0 O0"), (NEW, "L0"), (NEW, "O0")], ids=str)
def test_a_cutover_while_both_run(other: str, steps: str) -> None:
    """Of one store of two, and of the last one, after which the legacy is switched off."""
    one = Now(1, NOON + timedelta(minutes=110))
    scene, world = Scene(listed(one), all_tables=True), World(NOON)
    owned(world, STORE, LEGACY)
    owned(world, OTHER, other)
    processes = [*runs(scene, *steps.split()), scene.cutover("C", 0, STORE)]

    assert explore(world, processes, ONCE, switched(scene, one, NEW)) >= 1


def test_a_rollback_while_we_send_what_we_have_reserved() -> None:
    one = Now(1, NOON + timedelta(minutes=110))
    scene, world = Scene(listed(one), all_tables=True), beside(NOON)
    reserved(world, one, since=NOON - timedelta(minutes=20))
    processes = [*runs(scene, "L0", "O0"), scene.rollback("R", 0, STORE)]

    assert explore(world, processes, ONCE, switched(scene, one, LEGACY)) > 1


@pytest.mark.parametrize("back", [STORE, OTHER])
def test_a_rollback_that_switches_the_legacy_on_again(back: str) -> None:
    """Of the very store that we send for, and of another one."""
    one = Now(1, NOON + timedelta(minutes=110))
    scene, world = Scene(listed(one), all_tables=True), World(NOON, rule=False)
    owned(world, STORE, NEW, alone=True)
    owned(world, OTHER, NEW, alone=True)
    processes = [*runs(scene, "O0", "L0"), scene.rollback("R", 0, back)]
    end = switched(scene, one, LEGACY if back == STORE else NEW)

    assert explore(world, processes, ONCE, end) > 1


@pytest.mark.parametrize("other", [LEGACY, NEW])
def test_a_cutover_from_a_legacy_that_is_dead(other: str) -> None:
    """Of one store of two, while it comes back later, and of the last one."""
    one = Now(1, NOON + timedelta(minutes=110))
    back = other == LEGACY
    scene = Scene(listed(one), all_tables=True, unreadable=lambda now: not back or now == NOON)
    world = World(NOON)
    owned(world, STORE, LEGACY)
    owned(world, OTHER, other)
    processes = [*runs(scene, "L0", "O0"), scene.cutover("C", 0, STORE)]

    assert explore(world, processes, ONCE, switched(scene, one, NEW)) >= 1


@pytest.mark.parametrize("rule", [True, False])
def test_a_rollback_to_a_legacy_that_is_dead_and_comes_back(rule: bool) -> None:
    """Beside the others, and with its return; typed with --although-it-would-die."""
    one = Now(1, NOON + timedelta(minutes=110))
    scene = Scene(listed(one), all_tables=True, unreadable=lambda now: now == NOON)
    world = World(NOON, rule=rule)
    owned(world, STORE, NEW, alone=not rule)
    owned(world, OTHER, LEGACY if rule else NEW, alone=not rule)
    if rule:
        reserved(world, one, since=NOON - timedelta(minutes=20))
    processes = [*runs(scene, "O0", "L0"), scene.rollback("R", 0, STORE)]

    assert explore(world, processes, ONCE, switched(scene, one, LEGACY)) > 1
