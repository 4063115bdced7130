"""How the modelled legacy reads the lists (L8, L9, L22-L25), without HTTP."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from legacy import run
from legacy.journal import Outcome
from legacy.memory import item_bytes
from legacy.model import decide_from
from legacy.ports import Item, Key
from legacy.reading import range_of
from legacy.settings import from_sandbox
from sandbox.server import Sandbox
from tests.legacy.deciding import NOW, REVIEW, START, TEXTS, Lists, a_raw, an_item, kinds, local

A, B, C = "1051707", "951291", "1120125"
EVENING = local("2025-10-22 20:05")
MORNING = local("2025-10-22 10:00")


def done(number: int, store: str) -> Any:
    return a_raw(number, MORNING, store=store, options=REVIEW, status="RC08")


def item(number: int, store: str, **changes: Any) -> Any:
    return an_item(number, MORNING, store=store, **changes)


def read_from(
    naver: Lists,
    items: Any,
    *,
    stores: Sequence[str] = (A, B, C),
    now: datetime = EVENING,
    **options: Any,
) -> Outcome:
    return decide_from(naver, items, store_ids=stores, now=lambda: now, texts=TEXTS, **options)


def completed_asked(naver: Lists) -> list[str]:
    return [store for store, status, _ in naver.asked if status == "RC08"]


def test_l8_the_range_is_the_earliest_to_the_latest_open_item_stamped_z_without_a_shift() -> None:
    items = item(1, A) | an_item(2, START, store=A) | an_item(3, NOW, store=A, option_sms=True)
    naver = Lists()

    read_from(naver, items, stores=[A])

    assert naver.asked[0] == (
        A, "RC08", ("2025-10-22T10:00:00.000Z", "2025-10-22T18:00:00.000Z"),
    )  # fmt: skip
    assert naver.asked[1] == (A, "RC03", None)


def test_l8_a_store_without_an_open_item_ends_the_reading_of_the_stores_after_it() -> None:
    naver = Lists(completed={store: [done(n, store)] for n, store in enumerate((A, B, C), 1)})
    items = item(1, A) | item(2, B, option_sms=True) | item(3, C)

    outcome = read_from(naver, items)

    assert completed_asked(naver) == [A]
    assert [message.to for _, message in outcome.messages] == ["01000000001"]
    assert [store for store, status, _ in naver.asked if status == "RC03"] == [A, B, C]


def test_l8_the_first_store_without_an_open_item_ends_it_for_all() -> None:
    naver = Lists(completed={B: [done(2, B)]})

    assert kinds(read_from(naver, item(2, B))) == []
    assert completed_asked(naver) == []


def test_l8_only_the_first_megabyte_of_the_table_is_seen() -> None:
    naver = Lists(completed={A: [done(1, A)], B: [done(2, B)]})
    items = item(1, A) | item(2, B)
    whole = sum(item_bytes(one) for one in items.values())

    assert kinds(read_from(naver, items, stores=[A, B], scan_bytes=whole)) == ["event"] * 2
    assert kinds(read_from(naver, items, stores=[A, B], scan_bytes=whole - 1)) == ["event"]


def test_l8_what_the_filter_leaves_out_counts_in_the_megabyte_as_well() -> None:
    naver = Lists(completed={A: [done(1, A)]})
    sent = item(9, B, option_sms=True)
    size = sum(item_bytes(one) for one in (sent | item(1, A)).values())

    assert kinds(read_from(naver, sent | item(1, A), stores=[A], scan_bytes=size - 1)) == []


def test_l9_a_failed_count_ends_the_whole_run() -> None:
    naver = Lists(confirmed={A: [a_raw()]}, uncounted=B)

    outcome = read_from(naver, {}, now=NOW)

    assert (outcome.messages, outcome.writes) == ((), ())
    assert outcome.telegram == ("요청중 오류 발생",)


def test_l9_a_failed_count_of_completed_ones_does_so_too() -> None:
    outcome = read_from(Lists(uncounted=A), item(1, A), now=NOW)

    assert outcome.telegram == ("요청중 오류 발생",)


@pytest.mark.parametrize(("count", "pages"), [(0, 0), (1, 1), (50, 1), (51, 2), (101, 3)])
def test_l6_the_pages_are_of_fifty(count: int, pages: int) -> None:
    naver = Lists(confirmed={A: [a_raw(n) for n in range(count)]})

    outcome = read_from(naver, {}, stores=[A], now=NOW)

    assert (naver.pages, len(outcome.messages)) == (pages, count)


def test_l22_completed_ones_are_read_before_the_confirmed_ones_at_any_hour() -> None:
    naver = Lists()

    read_from(naver, item(1, A) | item(2, B), stores=[A, B], now=NOW)

    assert [(store, status) for store, status, _ in naver.asked] == [
        (A, "RC08"), (B, "RC08"), (A, "RC03"), (B, "RC03"),
    ]  # fmt: skip


def test_l23_the_time_is_the_containers(world: Sandbox) -> None:
    seoul = from_sandbox(world.environment())
    utc = replace(seoul, zone=ZoneInfo("UTC"))
    world_now = world.world.now().replace(tzinfo=None)

    assert abs(run.local_now(seoul) - world_now) < timedelta(minutes=1)
    assert abs(run.local_now(utc) - (world_now - timedelta(hours=9))) < timedelta(minutes=1)


def test_l23_in_a_container_on_utc_all_is_nine_hours_off() -> None:
    moment = datetime(2025, 10, 22, 11, 5, tzinfo=UTC)  # five past eight in the evening
    soon = a_raw(2, local("2025-10-22 21:00"))
    naver = Lists(completed={A: [done(1, A)]}, confirmed={A: [soon]})
    items = item(1, A) | an_item(2, START)

    def by(zone: str) -> list[str]:
        now = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        return kinds(read_from(naver, items, stores=[A], now=now))

    assert by("Asia/Seoul") == ["guide", "event"]
    assert by("UTC") == []


def test_l24_a_store_id_that_another_one_begins_with_gets_its_items_too() -> None:
    mine, others = item(1, "12"), an_item(2, START, store="123")

    both = range_of([*mine.values(), *others.values()], "12")

    assert both == ("2025-10-22T10:00:00.000Z", "2025-10-22T18:00:00.000Z")
    assert range_of([*mine.values(), *others.values()], "123") == (both[1], both[1])


def test_l24_so_a_store_without_items_of_its_own_does_not_end_the_reading() -> None:
    naver = Lists(completed={"123": [done(2, "123")]})

    outcome = read_from(naver, item(2, "123"), stores=["12", "123"])

    assert completed_asked(naver) == ["12", "123"]
    assert kinds(outcome) == ["event"]


def test_l25_the_range_only_grows() -> None:
    """Items without an option keep option_sms False, so the earliest day never moves on."""
    naver = Lists()
    items: dict[Key, Item] = {}
    for day in range(40):
        start = NOW + timedelta(days=day)
        raw = a_raw(day + 1, start)
        naver.confirmed = {A: [raw]}
        now = start - timedelta(hours=3)
        items = dict(read_from(naver, items, stores=[A], now=now).items)

    windows = [window for _, status, window in naver.asked if status == "RC08" and window]
    assert {since for since, _ in windows} == {f"{NOW:%Y-%m-%dT%H:%M}:00.000Z"}
    assert [until for _, until in windows] == sorted({until for _, until in windows})
    assert len(windows) == 39
