"""The modelled legacy reads the clock at each comparison, and not before (L29)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest

from legacy import run as legacy_run
from legacy.model import decide, decide_from
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.legacy.deciding import (
    REVIEW,
    START,
    STORE,
    TEXTS,
    Lists,
    a_raw,
    an_item,
    before,
    key_of,
    kinds,
    local,
)
from tests.legacy.running import asked, book, sent, settings_of


def readings(*times: datetime) -> Callable[[], datetime]:
    """Give one time after the other; asked once more, it fails the test."""
    left: Iterator[datetime] = iter(times)
    return lambda: next(left)


EARLY, LATE = before(START, hours=3), before(START, hours=1)
MORNING, EVENING = local("2025-10-22 10:00"), local("2025-10-22 20:59:59")


def test_l29_a_new_booking_reads_the_clock_once_a_known_one_twice_and_the_hour_once() -> None:
    items = an_item(2) | an_item(3, remind_sms=True)

    outcome = decide(
        [a_raw(1), a_raw(2), a_raw(3)],
        [],
        items,
        now=readings(EARLY, EARLY, EARLY, MORNING),  # the third has its guide: no reading
        texts=TEXTS,
    )

    assert outcome.died is None
    assert kinds(outcome) == ["confirmation"]


def test_l29_what_has_begun_is_not_compared_a_second_time() -> None:
    outcome = decide([a_raw()], [], an_item(), now=readings(START, EVENING), texts=TEXTS)

    assert (kinds(outcome), outcome.died) == ([], None)


def test_l29_the_clock_moves_on_between_two_comparisons_of_one_booking() -> None:
    moving = readings(before(START, hours=2), before(START, hours=1.999), MORNING)

    outcome = decide([a_raw()], [], an_item(), now=moving, texts=TEXTS)

    assert kinds(outcome) == ["guide"]


def test_l29_each_booking_is_compared_at_its_own_moment() -> None:
    just_before = before(START, hours=2, seconds=1)
    moving = readings(just_before, before(START, hours=2), before(START, hours=1), MORNING)

    outcome = decide([a_raw(1), a_raw(2), a_raw(3)], [], {}, now=moving, texts=TEXTS)

    assert kinds(outcome) == ["confirmation", *["confirmation", "guide"] * 2]


@pytest.mark.parametrize(("hour", "events"), [(EVENING, 2), (local("2025-10-22 21:00"), 0)])
def test_l29_the_hour_is_read_once_before_the_first_event(hour: datetime, events: int) -> None:
    done = [a_raw(number, MORNING, options=REVIEW, status="RC08") for number in (1, 2)]

    outcome = decide([], done, an_item(1) | an_item(2), now=readings(hour), texts=TEXTS)

    assert kinds(outcome) == ["event"] * events


def test_l29_nothing_reads_the_clock_before_all_lists_are_read() -> None:
    naver = Lists(confirmed={STORE: [a_raw()]})
    pages: list[int] = []

    def now() -> datetime:
        pages.append(naver.pages)
        return LATE

    decide_from(naver, {}, store_ids=[STORE], now=now, texts=TEXTS)

    assert pages == [1, 1]


@pytest.mark.parametrize(
    ("begun", "arrives"),
    [("19:59:57", ["01000000001"]), ("20:59:57", [])],
)
def test_l29_a_run_that_straddles_the_hour_decides_by_its_end(
    shop: Sandbox, begun: str, arrives: list[str]
) -> None:
    book(shop, hours=-30, status="RC08", options=REVIEW)
    for number, day in ((1, "20"), (2, "23")):
        shop.put_sms_item(an_item(number, booking_time=f"2025-10-{day} 00:00:00")[key_of(number)])
    _run_begun(shop, begun)

    assert [to for to, _ in sent(shop)] == arrives


def test_l29_begun_three_seconds_before_the_window_it_sends_the_guide(shop: Sandbox) -> None:
    book(shop, hours=2)
    start = shop.world.now().replace(second=0, microsecond=0) + timedelta(hours=2)
    shop.put_sms_item(an_item(1, start.replace(tzinfo=None))[key_of()])
    _run_begun(shop, f"{start - timedelta(hours=2, seconds=3):%H:%M:%S}")

    assert [to for to, _ in sent(shop)] == ["01000000001"]


def _run_begun(world: Sandbox, clock: str) -> None:
    """Run at this time of the day; while the last list is read, five seconds go by."""
    hour, minute, second = map(int, clock.split(":"))
    world.world.set_now(world.world.now().replace(hour=hour, minute=minute, second=second))
    settings = settings_of(world)
    local_now, passed = legacy_run.local_now, timedelta()

    def five_seconds_later() -> None:
        nonlocal passed
        passed = timedelta(seconds=5)

    world.world.faults.append(
        Fault("partner", "RC03", "hook_then", after=1, value=five_seconds_later)
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(legacy_run, "local_now", lambda used: local_now(used) + passed)
        legacy_run.run(settings)
    assert len(asked(world, "partner", "RC03")) >= 2
