"""Holding a store: who waits, who goes on, and who notices that it was too slow."""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.clock import Clock
from naverplace.base.errors import ServiceUnavailable
from naverplace.domain.effects import RecordKey
from naverplace.ledger.store_lock import StoreLocks, StoreStateTable
from naverplace.ledger.store_state import LeaseLost, LockedByOther, PendingMessage
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox

STORE = "1051707"


class Turned(Clock):
    """A clock that the test moves on."""

    ahead = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=Turned.ahead)


@pytest.fixture(autouse=True)
def clock() -> type[Turned]:
    Turned.ahead = 0.0
    return Turned


def a_run(settings: Settings, run_id: str, *, lease_seconds: float = 2.0) -> StoreLocks:
    ledger = settings.ledger.model_copy(update={"lease_seconds": lease_seconds})
    session = StateTable(open_dynamodb(settings.aws), settings.aws.session_table)
    return StoreLocks(StoreStateTable(session), run_id=run_id, clock=Turned(), settings=ledger)


def a_message(number: int) -> PendingMessage:
    return PendingMessage(RecordKey(f"{STORE}_{number}", f"010-0000-{number:04}"), "guide")


def opened(stores: StoreLocks) -> set[PendingMessage]:
    return set(stores.table.read([STORE])[STORE].open)


def puts(world: Sandbox) -> int:
    return len([seen for seen in world.world.requests if "PutItem" in seen.target])


def test_one_write_takes_the_store_and_notes_what_will_be_sent_and_one_ends_both(
    world: Sandbox, settings: Settings
) -> None:
    run = a_run(settings, "a")
    before = puts(world)

    holding = run.acquire(STORE, [a_message(1), a_message(2)], wait=False)
    assert puts(world) - before == 1
    assert opened(run) == {a_message(1), a_message(2)}
    holding.release([a_message(1)])

    assert puts(world) - before == 2
    assert opened(run) == {a_message(2)}
    assert run.table.read([STORE])[STORE].lease is None


def test_nothing_is_renewed_while_half_of_the_lease_is_left(
    world: Sandbox, settings: Settings, clock: type[Turned]
) -> None:
    holding = a_run(settings, "a", lease_seconds=100).acquire(STORE, wait=False)
    before, until = puts(world), holding.lease.until

    clock.ahead = 45
    holding.renew()
    assert puts(world) == before
    clock.ahead = 55
    holding.renew()

    assert puts(world) == before + 1
    assert holding.lease.until >= until + timedelta(seconds=54)


def test_a_run_that_may_not_wait_leaves_the_store_at_once(settings: Settings) -> None:
    a_run(settings, "alive", lease_seconds=100).acquire(STORE, wait=False)
    started = time.monotonic()

    with pytest.raises(LockedByOther, match="run alive is sending"):
        a_run(settings, "b", lease_seconds=100).acquire(STORE, [a_message(1)], wait=False)

    assert time.monotonic() - started < 30  # whoever waits does so for 100 s
    assert opened(a_run(settings, "c")) == set()


def test_a_dead_runs_lease_is_waited_out(settings: Settings) -> None:
    a_run(settings, "dead", lease_seconds=1).acquire(STORE, [a_message(1)], wait=False)

    holding = a_run(settings, "next", lease_seconds=1).acquire(STORE, [a_message(2)], wait=True)

    assert (holding.lease.run_id, holding.lease.epoch) == ("next", 2)
    assert opened(holding.stores) == {a_message(1), a_message(2)}


def test_a_store_that_a_live_run_keeps_is_left_to_it(settings: Settings) -> None:
    live = a_run(settings, "live", lease_seconds=1).acquire(STORE, wait=False)
    over = False

    def keep_it() -> None:
        while not over:
            live.renew()

    with ThreadPoolExecutor(1) as pool:
        keeping = pool.submit(keep_it)
        try:
            with pytest.raises(LockedByOther, match="run live"):
                a_run(settings, "next", lease_seconds=1).acquire(STORE, wait=True)
        finally:
            over = True
        keeping.result()


def test_a_store_given_back_meanwhile_is_taken_without_waiting_for_the_leases_end(
    settings: Settings,
) -> None:
    first = a_run(settings, "a", lease_seconds=100).acquire(STORE, wait=False)
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(a_run(settings, "b", lease_seconds=100).acquire, STORE, wait=True)
        first.release([])

        assert second.result(timeout=20).lease.run_id == "b"


def test_of_many_that_wait_each_gets_it_in_turn_and_no_two_at_once(settings: Settings) -> None:
    inside: list[str] = []

    def work(name: str) -> int:
        holding = a_run(settings, name, lease_seconds=60).acquire(STORE, wait=True)
        inside.append(name)
        assert inside == [name]
        inside.remove(name)
        holding.release([])
        return holding.lease.epoch

    with ThreadPoolExecutor(4) as pool:
        epochs = list(pool.map(work, ["a", "b", "c", "d"]))

    assert sorted(epochs) == [1, 2, 3, 4]


def test_a_run_that_was_silent_too_long_notices_that_it_was_replaced(
    settings: Settings, clock: type[Turned]
) -> None:
    stale = a_run(settings, "stale", lease_seconds=100).acquire(STORE, wait=False)
    clock.ahead = 101
    a_run(settings, "next", lease_seconds=100).acquire(STORE, wait=False)

    with pytest.raises(LeaseLost, match=f"store {STORE}: another run has taken over"):
        stale.renew()


def test_a_run_that_was_silent_too_long_and_not_replaced_goes_on(
    settings: Settings, clock: type[Turned]
) -> None:
    slow = a_run(settings, "slow", lease_seconds=100).acquire(STORE, wait=False)
    clock.ahead = 500

    slow.renew()

    assert slow.lease.until > Turned().now()
    assert slow.lease.epoch == 1


def test_a_replaced_run_closes_nothing_and_says_so(
    settings: Settings, clock: type[Turned], caplog: pytest.LogCaptureFixture
) -> None:
    stale = a_run(settings, "stale", lease_seconds=100).acquire(STORE, [a_message(1)], wait=False)
    clock.ahead = 101
    new = a_run(settings, "next", lease_seconds=100).acquire(STORE, wait=False)

    with caplog.at_level(logging.WARNING, logger="naverplace"):
        stale.release([a_message(1)])

    assert "another run has taken over" in caplog.text
    assert opened(new.stores) == {a_message(1)}
    new.renew()


def test_a_store_that_cannot_be_given_back_is_an_error_and_its_lease_runs_out(
    world: Sandbox, settings: Settings
) -> None:
    quick = settings.model_copy(update={"aws": settings.aws.model_copy(update={"attempts": 1})})
    holding = a_run(quick, "a", lease_seconds=1).acquire(STORE, [a_message(1)], wait=False)
    world.world.faults.append(Fault("aws", "PutItem", "status:503"))

    with pytest.raises(ServiceUnavailable):
        holding.release([a_message(1)])

    after = a_run(settings, "b", lease_seconds=1).acquire(STORE, wait=True)
    assert opened(after.stores) == {a_message(1)}


def test_two_processes_of_one_run_are_two_holders(settings: Settings) -> None:
    first = a_run(settings, "same", lease_seconds=100)
    first.acquire(STORE, wait=False)

    with pytest.raises(LockedByOther):
        a_run(settings, "same", lease_seconds=100).acquire(STORE, wait=False)
    again = first.acquire(STORE, wait=False)

    assert again.lease == replace(again.lease, epoch=2)
