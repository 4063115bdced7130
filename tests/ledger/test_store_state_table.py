"""The stores' own items on a real DynamoDB interface: many may change one, and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.clock import SEOUL
from naverplace.base.errors import Throttled
from naverplace.domain.effects import RecordKey
from naverplace.ledger.store_lock import TRIES, StoreStateTable
from naverplace.ledger.store_state import (
    PREFIX,
    LockedByOther,
    PendingMessage,
    StoreState,
    acquire,
    release,
)
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox

NOON = datetime(2025, 10, 22, 12, 0, tzinfo=SEOUL)
STORE = "1051707"


@pytest.fixture
def table(settings: Settings) -> StoreStateTable:
    return open_table(settings)


def open_table(settings: Settings) -> StoreStateTable:
    return StoreStateTable(StateTable(open_dynamodb(settings.aws), settings.aws.session_table))


def a_message(number: int) -> PendingMessage:
    return PendingMessage(RecordKey(f"{STORE}_{number}", f"010-0000-{number:04}"), "guide")


def opening(number: int) -> Callable[[StoreState], StoreState]:
    return lambda item: replace(item, open={**item.open, a_message(number): NOON})


def puts(world: Sandbox) -> int:
    return len([seen for seen in world.world.requests if "PutItem" in seen.target])


def test_a_store_without_an_item_is_an_empty_one(table: StoreStateTable) -> None:
    assert table.read([STORE, "951291"]) == {
        STORE: StoreState(STORE),
        "951291": StoreState("951291"),
    }


def test_more_than_a_hundred_stores_are_read_and_each_once(table: StoreStateTable) -> None:
    table.change("store-104", opening(1))

    found = table.read([f"store-{number % 105}" for number in range(210)])

    assert len(found) == 105
    assert found["store-104"].open == {a_message(1): NOON}


def test_a_change_is_written_with_the_next_version_and_read_back(table: StoreStateTable) -> None:
    table.change(STORE, opening(1))
    changed = table.change(STORE, lambda item: replace(item, extra={"batch": {"bookings": 58}}))

    assert changed.version == 2
    assert table.read([STORE])[STORE] == changed
    assert changed.open == {a_message(1): NOON}


def test_an_edit_that_changes_nothing_writes_nothing(
    table: StoreStateTable, world: Sandbox
) -> None:
    table.change(STORE, opening(1))
    before = puts(world)

    assert table.change(STORE, lambda item: item).version == 1

    assert puts(world) == before


def test_an_edit_that_raises_writes_nothing(table: StoreStateTable, world: Sandbox) -> None:
    def raising(item: StoreState) -> StoreState:
        raise LookupError(item.store_id)

    with pytest.raises(LookupError):
        table.change(STORE, raising)

    assert puts(world) == 0


def test_many_threads_that_change_one_item_lose_nothing(
    table: StoreStateTable, settings: Settings
) -> None:
    tables = [table, open_table(settings), open_table(settings)]

    def change(number: int) -> None:
        try:
            tables[number % 3].change(STORE, opening(number))
        except Throttled:  # on a busy machine one may be the slowest twenty times in a row
            change(number)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(change, range(24)))

    item = table.read([STORE])[STORE]
    assert set(item.open) == {a_message(number) for number in range(24)}
    assert item.version == 24


def test_of_many_that_take_a_store_at_once_one_gets_it(table: StoreStateTable) -> None:
    def attempt(number: int) -> bool:
        try:
            table.change(
                STORE,
                lambda item: acquire(
                    item, holder=f"h{number}", run_id=f"r{number}", now=NOON, seconds=60
                ),
            )
        except LockedByOther:
            return False
        return True

    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(attempt, range(12)))

    assert sum(got) == 1
    assert table.read([STORE])[STORE].epoch == 1


def test_somebody_who_was_faster_is_seen_and_built_upon(
    table: StoreStateTable, settings: Settings
) -> None:
    other = open_table(settings)
    met: list[int] = []

    def slow(item: StoreState) -> StoreState:
        if not met:
            other.change(STORE, opening(1))
        met.append(item.version)
        return opening(2)(item)

    changed = table.change(STORE, slow)

    assert met == [0, 1]
    assert set(changed.open) == {a_message(1), a_message(2)}


@pytest.mark.parametrize("kind", ["drop_after", "truncate", "status:500"])
def test_a_write_whose_answer_was_lost_is_recognised_and_not_done_twice(
    kind: str, table: StoreStateTable, world: Sandbox
) -> None:
    world.world.faults.append(Fault("aws", "PutItem", kind))
    edits: list[int] = []

    def edit(item: StoreState) -> StoreState:
        edits.append(item.version)
        return opening(1)(item)

    changed = table.change(STORE, edit)

    assert (edits, changed.version) == ([0], 1)
    assert table.read([STORE])[STORE] == changed


def test_a_taken_store_whose_answer_was_lost_is_ours_and_not_held_by_a_stranger(
    table: StoreStateTable, world: Sandbox
) -> None:
    world.world.faults.append(Fault("aws", "PutItem", "drop_after"))

    item = table.change(
        STORE, lambda item: acquire(item, holder="us", run_id="run", now=NOON, seconds=60)
    )

    lease = item.lease
    assert lease is not None
    closed = table.change(STORE, lambda item: release(item, lease, resolved=[]))
    assert closed.holder_at(NOON) is None


def test_others_who_never_let_go_are_an_error_after_some_tries(
    table: StoreStateTable, settings: Settings
) -> None:
    other = open_table(settings)
    count = iter(range(10**6))

    def outrun(item: StoreState) -> StoreState:
        other.change(STORE, opening(next(count)))
        return opening(-1)(item)

    with pytest.raises(Throttled, match=f"changed by others {TRIES} times"):
        table.change(STORE, outrun)

    assert a_message(-1) not in table.read([STORE])[STORE].open


def test_an_item_that_another_program_has_begun_is_taken_over_whole(
    table: StoreStateTable, world: Sandbox
) -> None:
    world.put_session_item({"id": PREFIX + STORE, "owner": "legacy", "released": "김하나"})

    table.change(STORE, opening(1))

    item = table.read([STORE])[STORE]
    assert item.extra == {"owner": "legacy", "released": "김하나"}
    assert item.version == 1


def test_times_are_kept_to_the_moment(table: StoreStateTable) -> None:
    until = NOON + timedelta(seconds=60, microseconds=7)

    table.change(
        STORE,
        lambda item: acquire(item, holder="us", run_id="run", now=until, seconds=1),
    )

    lease = table.read([STORE])[STORE].lease
    assert lease is not None
    assert lease.until == until + timedelta(seconds=1)
