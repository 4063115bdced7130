"""A store's bookings are served side by side, each in its own order, and little is put in doubt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Event, Thread

from naverplace.delivery.outcomes import PATIENCE, Breaker
from naverplace.domain.results import ActionResult, Outcome
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.request_log import Seen
from sandbox.server import Sandbox
from tests.delivery_builders import a_record, a_send, deliver_with, quick
from tests.naver.test_booking_client import most_at_once


def posts(world: Sandbox) -> list[Seen]:
    return [s for s in world.world.requests if (s.service, s.method) == ("sens", "POST")]


def deliver(settings: Settings, count: int) -> list[ActionResult]:
    effects = [
        effect
        for number in range(1, count + 1)
        for effect in (
            a_record(number),
            a_send(settings, number),
            a_send(settings, number, "event"),
        )
    ]
    return deliver_with(quick(settings, attempts=1), effects, parallel=8)


def test_bookings_are_served_at_the_same_time_and_each_in_its_order(
    world: Sandbox, settings: Settings
) -> None:
    world.world.latency["sens"] = 0.05

    results = deliver(settings, 9)

    assert [(r.booking_num, r.kind) for r in results] == [
        (f"1051707_{910000000 + number}", kind)
        for number in range(1, 10)
        for kind in ("", "guide", "event")
    ]
    assert {r.outcome for r in results} == {Outcome.WRITTEN, Outcome.ACCEPTED}
    by_phone: dict[str, list[str]] = {}
    for message in world.messages():
        by_phone.setdefault(message["to"], []).append(message["content"].split()[1])
    assert list(by_phone.values()) == [["guide", "event"]] * 9
    assert most_at_once(posts(world)) == PATIENCE


def test_when_sens_goes_away_no_more_are_put_in_doubt_than_one_after_the_other(
    world: Sandbox, settings: Settings
) -> None:
    world.world.latency["sens"] = 0.02
    world.world.faults.append(Fault("sens", "POST", "status:500", times=None))

    results = deliver(settings, 9)

    sends = [result for result in results if result.action == "send_sms"]
    assert len(posts(world)) == PATIENCE
    assert [r.outcome for r in sends].count(Outcome.IN_DOUBT) == PATIENCE
    assert sum(r.message.startswith("not tried: SENS") for r in sends) == len(sends) - PATIENCE


def test_a_try_waits_while_those_under_way_may_use_up_the_patience() -> None:
    breaker, more = Breaker("SENS"), Event()
    breaker.note("away")
    seen: list[str] = []

    def fourth() -> None:
        with breaker.attempt() as stopped:
            seen.append(stopped)
        more.set()

    with under_way(breaker, PATIENCE - 1):
        thread = Thread(target=fourth)
        thread.start()
        assert not more.wait(0.05)
        breaker.note("away")
        breaker.note("away")
    thread.join()

    assert seen == ["not tried: SENS failed 3 times in a row (away)"]


@contextmanager
def under_way(breaker: Breaker, tries: int) -> Iterator[None]:
    if not tries:
        yield
        return
    with breaker.attempt(), under_way(breaker, tries - 1):
        yield


def test_all_deliveries_of_a_run_share_their_slots(world: Sandbox, settings: Settings) -> None:
    world.world.latency["sens"] = 0.02
    slots = BoundedSemaphore(2)

    def store(first: int) -> None:
        effects = [a_send(settings, number) for number in range(first, first + 4)]
        deliver_with(settings, effects, parallel=3, slots=slots)

    threads = [Thread(target=store, args=(first,)) for first in (1, 11, 21)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(world.messages()) == 12
    assert most_at_once(posts(world)) == 2
