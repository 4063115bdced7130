"""The legacy from the same inputs, deciding only: nothing outside is touched (issue 4, part 1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime

from legacy.bookings import Booking, read_all
from legacy.death import ending
from legacy.decisions import FAILED, option_sms_check, reservation_check, telegram_text
from legacy.journal import Journal, NotedSens, NotedTable, NotedTelegram, Outcome
from legacy.memory import MEGABYTE, MemoryTable
from legacy.ports import Item, Key, Naver, Raw, Texts, World
from legacy.reading import read_completed, read_confirmed

Now = Callable[[], datetime]  # naive
Lists = tuple[list[Booking], list[Booking]]  # confirmed, completed


def decide(
    confirmed: Sequence[Raw],
    completed: Sequence[Raw],
    items: Mapping[Key, Item],
    *,
    now: Now,
    texts: Texts,
    unreadable: frozenset[Key] = frozenset(),
) -> Outcome:
    """Decide from lists that have been read already; `now` is naive local time (L23, L29)."""
    table, journal = MemoryTable(deepcopy(dict(items)), unreadable), Journal()
    world = _noting(journal, table, (), now=now, texts=texts)
    journal.lines += _carry_out(world, lambda: _read_before(confirmed, completed))
    return journal.outcome(table.items)


def decide_from(
    naver: Naver,
    items: Mapping[Key, Item],
    *,
    store_ids: Sequence[str],
    now: Now,
    texts: Texts,
    unreadable: frozenset[Key] = frozenset(),
    scan_bytes: int = MEGABYTE,
) -> Outcome:
    """Decide by reading the lists as the legacy does, with its own range of dates (L8)."""
    table, journal = MemoryTable(deepcopy(dict(items)), unreadable, scan_bytes), Journal()
    world = _noting(journal, table, store_ids, now=now, texts=texts)
    journal.lines += run(world, lambda: naver)
    return journal.outcome(table.items)


def _noting(
    journal: Journal, table: MemoryTable, store_ids: Sequence[str], *, now: Now, texts: Texts
) -> World:
    return World(
        store_ids=tuple(store_ids),
        table=NotedTable(table, journal),
        sens=NotedSens(journal),
        telegram=NotedTelegram(journal),
        texts=texts,
        now=journal.noting(now),
        swallowed=journal.swallow,
        died=journal.die,
    )


def _read_before(confirmed: Sequence[Raw], completed: Sequence[Raw]) -> Lists:
    ended = read_all(list(completed))  # first, as they are fetched (L22)
    return read_all(list(confirmed)), ended


def run(
    world: World, opened: Callable[[], Naver], *, pause: Callable[[], None] = lambda: None
) -> list[str]:
    """Do one run: the session, completed, confirmed, decisions, one text (L22)."""

    def read() -> Lists:
        naver, stores = opened(), world.store_ids
        completed = read_completed(
            naver, world.table, stores, pause=pause, swallowed=world.swallowed
        )
        return read_confirmed(naver, stores, pause=pause), completed

    return _carry_out(world, read)


def _carry_out(world: World, read: Callable[[], Lists]) -> list[str]:
    """Read and decide; an error ends it with the error text, and AWS sees a success (L22).

    Raises when that text cannot be sent either (L31).
    """
    try:
        return check(world, *read())
    except Exception as error:  # noqa: BLE001 - L22
        world.died(error)
        world.telegram.send(FAILED)
        return []


def check(world: World, confirmed: Sequence[Booking], completed: Sequence[Booking]) -> list[str]:
    """Decide and act on lists that have been read, tell the owner, return the lines (L20)."""
    lines = reservation_check(world, confirmed)
    lines += option_sms_check(world, completed)
    with ending("L31"):
        world.telegram.send(telegram_text(lines))
    return lines
