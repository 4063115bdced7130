"""The memory of telling in table `session`: one teller at a time, and a file in an outage."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock
from naverplace.domain.owner_memory import OwnerMemory
from naverplace.ledger.owner_memory_table import ITEM, OwnerMemoryTable
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox

CLOCK = Clock()


@pytest.fixture
def table(settings: Settings) -> StateTable:
    return StateTable(open_dynamodb(settings.aws), settings.aws.session_table)


def noting(event: str, *, holds: bool = False) -> Callable[[OwnerMemory], tuple[OwnerMemory, bool]]:
    def edit(memory: OwnerMemory) -> tuple[OwnerMemory, bool]:
        events = {**memory.events, event: CLOCK.now()}
        return memory.model_copy(update={"events": events}), holds

    return edit


def events_of(table: StateTable) -> set[str]:
    return set(OwnerMemoryTable(table, CLOCK).read().events)


def test_two_tellers_take_turns_and_neither_forgets_what_the_other_told(table: StateTable) -> None:
    order: list[str] = []

    def teller(name: str) -> None:
        memories = OwnerMemoryTable(table, CLOCK)
        taken = memories.acquire(noting(name, holds=True))
        order.append(f"{name} begins")
        memories.read()
        order.append(f"{name} ends")
        memories.release(taken, taken)

    threads = [threading.Thread(target=teller, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [word.partition(" ")[0] for word in order[::2]] == [
        word.partition(" ")[0] for word in order[1::2]
    ]
    assert events_of(table) == {"a", "b", "c"}


def test_a_teller_that_died_holds_nobody_back_for_long(table: StateTable) -> None:
    OwnerMemoryTable(table, CLOCK).acquire(noting("dead", holds=True))

    later = Clock(timedelta(minutes=3))
    OwnerMemoryTable(table, later).acquire(noting("next"))

    assert events_of(table) == {"dead", "next"}


def test_what_was_told_in_an_outage_is_taken_in_when_it_is_over(
    world: Sandbox, table: StateTable
) -> None:
    OwnerMemoryTable(table, CLOCK).acquire(noting("before"))
    world.world.faults.append(Fault("aws", kind="status:400", value="X", times=None))
    in_outage = OwnerMemoryTable(table, CLOCK)
    taken = in_outage.acquire(noting("outage", holds=True))
    in_outage.release(taken, taken)
    assert set(taken.events) == {"outage"}
    assert in_outage.file.exists()
    world.world.faults.clear()

    OwnerMemoryTable(table, CLOCK).acquire(noting("after"))

    assert events_of(table) == {"before", "outage", "after"}
    assert not in_outage.file.exists()


def test_an_item_and_a_file_that_nobody_can_read_are_no_memory(table: StateTable) -> None:
    table.put({"id": ITEM, "version": 7, "events": "none"})
    memories = OwnerMemoryTable(table, CLOCK)
    memories.file.parent.mkdir(mode=0o700)
    memories.file.write_text("{", "utf-8")

    memories.acquire(noting("next"))

    assert events_of(table) == {"next"}


def test_a_file_that_cannot_be_written_stops_nobody(world: Sandbox, table: StateTable) -> None:
    memories = OwnerMemoryTable(table, CLOCK)
    memories.file.parent.parent.joinpath(memories.file.parent.name).write_text("a file", "utf-8")
    world.world.faults.append(Fault("aws", kind="status:400", value="X", times=None))

    assert set(memories.acquire(noting("told")).events) == {"told"}


def test_whatever_stands_where_the_file_would_be_stops_nobody_who_reaches_the_table(
    table: StateTable,
) -> None:
    memories = OwnerMemoryTable(table, CLOCK)
    memories.file.parent.parent.joinpath(memories.file.parent.name).write_text("a file", "utf-8")

    memories.acquire(noting("told"))

    assert events_of(table) == {"told"}
