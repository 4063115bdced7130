"""What the stores' items say of waiting, counting, pausing and dropping; to the moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock
from naverplace.base.errors import Throttled
from naverplace.base.stopping import StopRequest
from naverplace.domain.due_messages import DueMessage, due_messages
from naverplace.domain.effects import RecordKey
from naverplace.ledger import store_lock
from naverplace.ledger.caps import ALL, STORE, CapReached, Count, sent_messages
from naverplace.ledger.pauses import Pause, pause_in, set_pause
from naverplace.ledger.store_lock import StoreLock, StoreLocks, StoreStateTable, release_sending
from naverplace.ledger.store_state import (
    CHANGED_BY,
    PREFIX,
    LockedByOther,
    NotOurs,
    PendingMessage,
    StoreState,
)
from naverplace.settings.sections import CapSettings, LedgerSettings
from tests.values_outside import NOON, SECOND, Meddling, Shown, Waiting

SHOP, OTHER = "1051707", "951291"
LEGACYS: dict[str, Any] = {"owner": {"owner": "legacy"}}


@pytest.fixture
def client() -> Meddling:
    return Meddling()


@pytest.fixture
def table(client: Any) -> StoreStateTable:
    return StoreStateTable(StateTable(client))


@pytest.fixture
def clock() -> Shown:
    return Shown()


def a_run(table: StoreStateTable, clock: Clock, name: str = "a", **parts: Any) -> StoreLocks:
    seconds, floor = parts.pop("lease_seconds", 100.0), parts.pop("floor", 300)
    ledger, caps = LedgerSettings(lease_seconds=seconds), CapSettings(floor=floor)
    return StoreLocks(table, run_id=name, clock=clock, settings=ledger, caps=caps, **parts)


def messages(count: int, first: int = 1) -> list[PendingMessage]:
    numbers = range(first, first + count)
    return [PendingMessage(RecordKey(f"{SHOP}_{n}", f"010-0000-{n:04}"), "guide") for n in numbers]


def keep(table: StoreStateTable, store_id: str = SHOP, **extra: Any) -> StoreState:
    return table.change(store_id, lambda s: replace(s, extra={**s.extra, **extra}))


def state(table: StoreStateTable, store_id: str = SHOP) -> StoreState:
    return table.read([store_id])[store_id]


@pytest.fixture
def waiting(clock: Shown, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    waits = Waiting(clock)
    monkeypatch.setattr(store_lock, "time", waits)
    return waits


@pytest.mark.parametrize(("lease_seconds", "looks"), [(2.0, 6), (2.25, 7)])
def test_who_waits_looks_every_half_second_until_a_second_after_a_leases_length(
    lease_seconds: float, looks: int, table: StoreStateTable, clock: Shown, waiting: Waiting
) -> None:
    live = a_run(table, clock, "live", lease_seconds=lease_seconds).acquire(SHOP, wait=False)
    waiting.meanwhile = live.renew

    with pytest.raises(LockedByOther, match="run live"):
        a_run(table, clock, "b", lease_seconds=lease_seconds).acquire(SHOP, wait=True)

    assert waiting.waits == [0.5] * looks


def test_who_waits_for_a_dead_run_waits_no_longer_than_its_lease(
    table: StoreStateTable, clock: Shown, waiting: Waiting
) -> None:
    a_run(table, clock, "dead", lease_seconds=1.2).acquire(SHOP, wait=False)

    taken = a_run(table, clock, "b", lease_seconds=1.2).acquire(SHOP, wait=True)

    assert waiting.waits == [0.5, 0.5, 0.2]
    assert taken.lease.run_id == "b"


def test_a_lease_that_ends_while_it_is_looked_at_is_looked_at_again_soon(
    table: StoreStateTable, waiting: Waiting
) -> None:
    clock = Shown(step=timedelta(milliseconds=6))
    dead = a_run(table, clock, "dead").acquire(SHOP, wait=False)
    clock.hands[0] = dead.lease.until - timedelta(milliseconds=9)

    a_run(table, clock, "b").acquire(SHOP, wait=True)

    assert waiting.waits == [0.01]


@pytest.mark.parametrize("why", ["it may not wait", "it is asked to end"])
def test_nobody_waits_who(why: str, table: StoreStateTable, clock: Shown, waiting: Waiting) -> None:
    a_run(table, clock).acquire(SHOP, wait=False)
    stop = StopRequest()
    if why == "it is asked to end":
        stop.ask("a signal")

    with pytest.raises(LockedByOther):
        a_run(table, clock, "b", stop=stop).acquire(SHOP, wait=bool(stop.why))
    assert waiting.waits == []


def test_a_store_of_the_legacys_is_taken_and_held_for_what_is_no_sending(
    table: StoreStateTable, clock: Shown
) -> None:
    keep(table, **LEGACYS)
    run = a_run(table, clock)

    with pytest.raises(NotOurs):
        run.acquire(SHOP, wait=False)
    held = run.acquire(SHOP, wait=False, sending=False)
    clock.go(90)
    held.renew()

    assert held.lease.until == NOON + 190 * SECOND
    assert run.owners([SHOP, OTHER])[SHOP].owner == "legacy"
    assert run.owners([SHOP, OTHER])[OTHER].owner == "new"


def test_a_store_that_was_given_away_meanwhile_is_not_held_on_for_sending(
    table: StoreStateTable, clock: Shown
) -> None:
    held = a_run(table, clock).acquire(SHOP, wait=False)
    keep(table, **LEGACYS)
    clock.go(90)

    with pytest.raises(NotOurs):
        held.renew()


@pytest.mark.parametrize(("left", "renewed"), [(51.0, False), (50.5, True), (50.0, True)])
def test_a_lease_is_renewed_when_half_of_it_is_over(
    left: float, renewed: bool, table: StoreStateTable, clock: Shown
) -> None:
    held = a_run(table, clock, lease_seconds=101.0).acquire(SHOP, wait=False)
    clock.go(101 - left)

    held.renew()

    until = clock.now() + timedelta(seconds=101 if renewed else left)
    assert held.lease.until == until
    lease = state(table).lease
    assert lease is not None
    assert lease.until == until
    assert held.state.version == (2 if renewed else 1)


@pytest.mark.parametrize(("left", "renewed"), [(1, False), (0, True), (-1, True)])
def test_what_is_about_to_be_sent_needs_a_lease_that_is_not_over(
    left: int, renewed: bool, table: StoreStateTable, clock: Shown
) -> None:
    held = a_run(table, clock).acquire(SHOP, wait=False)
    clock.go(100 - left)

    held.ensure_held()

    assert held.lease.until == clock.now() + SECOND * (100 if renewed else left)


def test_nothing_is_opened_or_reserved_in_a_store_that_is_paused(
    table: StoreStateTable, clock: Shown
) -> None:
    run = a_run(table, clock)
    keep(table, **set_pause({}, Pause(NOON, until=NOON + SECOND)))

    paused = run.acquire(SHOP, messages(3), wait=False)

    assert (paused.opened, sent_messages(paused.state.extra).reserved) == ((), 0)
    clock.go(1)
    resumed = run.acquire(SHOP, messages(3), wait=False)
    assert set(resumed.opened) == set(messages(3))
    assert sent_messages(resumed.state.extra).reserved == 3


def counted(count: Callable[[], object], at_most: int = 1000) -> tuple[int, str]:
    """Count until a cap is reached; tells how many there were, and the cap."""
    for number in range(at_most):
        try:
            count()
        except CapReached as reached:
            return number, reached.scope
    return at_most, ""


@pytest.mark.parametrize("floor", [1, 2, 300])
def test_a_store_may_send_what_its_cap_says_and_no_more(
    floor: int, table: StoreStateTable, clock: Shown
) -> None:
    held = a_run(table, clock, floor=floor).acquire(SHOP, messages(5), wait=False)

    assert counted(held.count) == (floor, STORE)
    assert (held.sent, held.held) == (floor, 1)
    held.uncount()
    assert counted(held.count) == (1, STORE)
    assert (held.sent, held.held) == (floor, 2)


def test_a_run_may_send_what_is_left_of_the_day(table: StoreStateTable, clock: Shown) -> None:
    run = a_run(table, clock, floor=5)
    first = run.acquire(SHOP, messages(3), wait=False)
    assert counted(first.count, at_most=3) == (3, "")
    first.release([])

    second = run.acquire(SHOP, messages(4), wait=False)

    assert counted(second.count) == (2, STORE)


def a_cap_of_all(table: StoreStateTable, clock: Shown) -> tuple[StoreLocks, StoreLock]:
    run = a_run(table, clock, floor=2)
    run.cap_all([SHOP])
    return run, run.acquire(SHOP, wait=False)


def test_what_a_run_may_send_for_all_stores_is_counted_and_taken_back(
    table: StoreStateTable, clock: Shown
) -> None:
    run, _ = a_cap_of_all(table, clock)

    with pytest.raises(CapReached):
        run.count_for_all(3)
    run.count_for_all(2)
    with pytest.raises(CapReached):
        run.count_for_all(1)
    run.count_for_all(-1)
    run.count_for_all(1)
    with pytest.raises(CapReached):
        run.count_for_all(1)


def test_the_cap_of_all_is_found_out_once_and_without_it_nothing_is_held_back(
    table: StoreStateTable, clock: Shown
) -> None:
    run, _ = a_cap_of_all(table, clock)
    run.count_for_all(2)
    run.cap_all([SHOP, OTHER])

    assert counted(lambda: run.count_for_all(1)) == (0, ALL)
    free = a_run(table, clock, floor=2)
    assert counted(lambda: free.count_for_all(1), at_most=50) == (50, "")


def test_a_message_counts_for_its_store_and_for_all_and_is_taken_back_from_both(
    table: StoreStateTable, clock: Shown
) -> None:
    run, held = a_cap_of_all(table, clock)
    held.count()
    run.count_for_all(1)

    assert counted(held.count) == (0, ALL)
    assert (held.sent, held.held) == (1, 1)
    held.uncount()
    assert held.sent == 0
    assert counted(lambda: run.count_for_all(1)) == (1, ALL)


def test_a_store_that_was_released_counts_not_for_all(table: StoreStateTable, clock: Shown) -> None:
    run = a_run(table, clock, floor=2)
    reached = run.acquire(SHOP, wait=False)
    assert counted(reached.count) == (2, STORE)
    reached.release([])
    given = release_sending(table, SHOP, now=NOON, hours=1)
    run.cap_all([SHOP, OTHER])

    held = run.acquire(SHOP, wait=False)
    assert counted(held.count, at_most=3) == (3, "")
    held.uncount()

    assert given == Count(3, 3)
    assert counted(lambda: run.count_for_all(1)) == (2, ALL)


@pytest.mark.parametrize(
    ("opening", "counts", "days", "reached"),
    [
        (0, 0, {}, None),
        (1, 0, {}, None),
        (0, 1, {"2025-10-22": Count(1, 1)}, None),
        (1, 1, {"2025-10-22": Count(1, 1)}, None),
        (1, 3, {"2025-10-22": Count(2, 2)}, Count(3, 3)),
        (0, 3, {"2025-10-22": Count(2, 2)}, Count(3, 3)),
    ],
)
def test_what_was_sent_and_held_back_stands_in_the_item_once_the_store_is_given_back(
    opening: int, counts: int, days: object, reached: object, table: StoreStateTable, clock: Shown
) -> None:
    held = a_run(table, clock, floor=2).acquire(SHOP, messages(opening), wait=False)
    counted(held.count, at_most=counts)

    held.release([])

    sent = sent_messages(state(table).extra)
    assert (sent.days, sent.reached, sent.reserved) == (days, reached, 0)


def test_what_only_a_cap_of_all_held_back_is_noted_as_well(
    table: StoreStateTable, clock: Shown
) -> None:
    run, held = a_cap_of_all(table, clock)
    run.count_for_all(2)
    counted(held.count)

    held.release([])

    assert sent_messages(state(table).extra).reached == Count(1, 1)


def test_of_two_who_release_a_store_at_once_one_is_told_of_it(
    table: StoreStateTable, clock: Shown, client: Meddling
) -> None:
    held = a_run(table, clock, floor=2).acquire(SHOP, wait=False)
    counted(held.count)
    held.release([])
    others: list[Count | None] = []

    def meddle() -> None:
        client.before_write = None
        others.append(release_sending(table, SHOP, now=NOON, hours=1))

    client.before_write = meddle

    assert release_sending(table, SHOP, now=NOON, hours=1) is None
    assert others == [Count(3, 3)]


@pytest.mark.parametrize("repeats", [False, True])
def test_a_change_is_made_once_though_its_first_answer_was_lost(
    repeats: bool, table: StoreStateTable, client: Meddling
) -> None:
    client.repeats = repeats
    edits: list[int] = []

    def edit(item: StoreState) -> StoreState:
        edits.append(item.version)
        return replace(item, extra={"batch": len(edits)})

    assert [table.change(SHOP, edit).version for _ in range(3)] == [1, 2, 3]
    assert edits == [0, 1, 2]
    assert state(table).extra == {"batch": 3}


def test_an_edit_that_gives_an_equal_state_writes_nothing(table: StoreStateTable) -> None:
    keep(table, batch=1)

    assert table.change(SHOP, lambda s: replace(s, extra=dict(s.extra))).version == 1
    assert state(table).version == 1


@pytest.mark.parametrize("mark", ["", "zzzz", None])
def test_a_write_of_somebody_else_is_not_taken_for_our_own(
    mark: str | None, table: StoreStateTable, client: Meddling
) -> None:
    keep(table, batch=1)
    place = (PREFIX + SHOP,)

    def meddle() -> None:
        client.before_write = None
        item = client.tables["session"][place]
        client.tables["session"][place] = {**item, "version": 7, "other": 1, CHANGED_BY: mark}

    client.before_write = meddle

    assert keep(table, batch=2).version == 8
    assert state(table).extra == {"batch": 2, "other": 1}


def test_a_change_is_tried_twenty_times(table: StoreStateTable, client: Meddling) -> None:
    edits: list[int] = []
    place = (PREFIX + SHOP,)

    def meddle() -> None:
        item = client.tables["session"].get(place, {"id": place[0], "version": 0})
        client.tables["session"][place] = {**item, "version": int(item["version"]) + 1}

    def edit(item: StoreState) -> StoreState:
        edits.append(item.version)
        return replace(item, extra={"batch": 1})

    client.before_write = meddle

    with pytest.raises(Throttled, match="20 times"):
        table.change(SHOP, edit)
    assert edits == list(range(20))


def test_a_pause_of_all_stores_is_told_of_by_who_replaces_it_and_ended_only_as_itself(
    table: StoreStateTable,
) -> None:
    first, second = Pause(NOON, by="김하나"), Pause(NOON, until=NOON + SECOND)

    assert table.pause_all(first) is None
    assert table.pause_all(second) == first
    assert pause_in(state(table).for_all) == second
    assert not table.end_pause(None, first)
    assert pause_in(state(table).for_all) == second
    assert table.end_pause(None, second)
    assert pause_in(state(table).for_all) is None
    table.pause_all(first)
    assert table.pause_all(None) == first
    assert table.pause_all(None) is None


def test_a_pause_of_a_store_is_ended_only_as_itself(table: StoreStateTable) -> None:
    pause, other = Pause(NOON, by="김하나"), Pause(NOON, by="이두리")
    keep(table, batch=1, **set_pause({}, pause))

    assert not table.end_pause(SHOP, other)
    assert pause_in(state(table).extra) == pause
    assert table.end_pause(SHOP, replace(pause))
    assert state(table).extra == {"batch": 1}
    assert not table.end_pause(SHOP, pause)


def since(found: Iterable[PendingMessage], ages: list[int]) -> dict[PendingMessage, datetime]:
    return {message: NOON - SECOND * age for message, age in zip(found, ages, strict=True)}


def test_what_was_pending_before_a_moment_is_dropped_and_counted(table: StoreStateTable) -> None:
    opened = since(messages(9), [0, -1, 1, 2, 3, 4, 5, 6, 7])
    awaiting = since(messages(6, first=11), [0, 0, -1, -2, 1, 2])
    table.change(SHOP, lambda s: replace(s, open=opened, awaiting=awaiting))

    assert table.delete_pending(SHOP, before=NOON + timedelta()) == 9

    kept = state(table)
    assert kept.open == {m: at for m, at in opened.items() if at >= NOON}
    assert kept.awaiting == {m: at for m, at in awaiting.items() if at >= NOON}
    assert table.delete_pending(SHOP, before=NOON) == 0


def a_due(number: int, due: int, expires: int | None) -> DueMessage:
    key = RecordKey(f"{SHOP}_{number}", "010-0000-0001")
    ends = None if expires is None else NOON + SECOND * expires
    return DueMessage(key, "guide", NOON + SECOND * due, ends)


def test_what_was_due_and_over_before_a_moment_is_dropped_and_counted(
    table: StoreStateTable,
) -> None:
    over = [a_due(1, -9, -1), a_due(2, -1, None), a_due(3, -2, None), a_due(4, -9, -8)]
    over += [a_due(5, -5, -4)]
    kept = [a_due(6, -9, 0), a_due(7, 0, None), a_due(8, -1, 1), a_due(9, 1, None)]
    table.write_due({SHOP: due_messages(NOON, [*over, *kept]), OTHER: due_messages(NOON, kept)})

    assert table.delete_due(SHOP, before=NOON + timedelta()) == 5

    found = table.read_all_due()
    assert set(found[SHOP].messages) == set(kept)
    assert set(found) == {SHOP, OTHER}
    assert table.delete_due(SHOP, before=NOON) == 0


def test_every_store_that_has_an_item_is_read(table: StoreStateTable) -> None:
    keep(table, batch=1)
    keep(table, OTHER, batch=2)
    table.write_due({"due": due_messages(NOON, [])})

    found = {item.store_id: item.extra["batch"] for item in table.read_all()}

    assert found == {SHOP: 1, OTHER: 2}
