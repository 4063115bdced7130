"""The legacy from the same inputs, deciding only: nothing outside is touched (issue 4, part 1)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from datetime import datetime

from legacy.decisions import FAILED, option_sms_check, reservation_check, telegram_text
from legacy.journal import Journal, NotedSens, NotedTable, NotedTelegram, Outcome
from legacy.memory import MEGABYTE, MemoryTable
from legacy.ports import Item, Key, Naver, Raw, Texts, World
from legacy.reading import read_completed, read_confirmed

Now = Callable[[], datetime]  # naive


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
    journal.lines += check(world, confirmed, completed)
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
    journal.lines += run(world, naver)
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
        now=now,
        swallowed=journal.swallow,
        died=journal.die,
    )


def run(world: World, naver: Naver, *, pause: Callable[[], None] = lambda: None) -> list[str]:
    """Do one run: completed, confirmed, decisions, one text; errors are swallowed (L22)."""
    try:
        completed = read_completed(
            naver, world.table, world.store_ids, pause=pause, swallowed=world.swallowed
        )
        confirmed = read_confirmed(naver, world.store_ids, pause=pause)
        return check(world, confirmed, completed)
    except Exception as error:  # noqa: BLE001 - L22: AWS sees a success
        world.died(error)
        world.telegram.send(FAILED)
        return []


def check(world: World, confirmed: Sequence[Raw], completed: Sequence[Raw]) -> list[str]:
    """Decide and act on lists that have been read, tell the owner, return the lines (L20)."""
    lines = reservation_check(world, confirmed)
    lines += option_sms_check(world, completed)
    world.telegram.send(telegram_text(lines))
    return lines
