"""A swarm's histories differ, and one that breaks a promise is told by a line that repeats it."""

from __future__ import annotations

import shlex

from trials.year.swarm import History, command_of, drawn_task, shortened
from trials.year.task import ALL_STORES, Task
from trials.year.troubles import KINDS, Troubles, draw_troubles


def test_each_seed_draws_a_shop_of_its_own_and_does_without_other_troubles() -> None:
    tasks = [drawn_task(seed, 30) for seed in range(1, 41)]

    assert tasks == [drawn_task(seed, 30) for seed in range(1, 41)]
    assert len({task.without for task in tasks}) == len(tasks)
    assert {kind for task in tasks for kind in task.without} == set(KINDS)
    assert {len(task.store_ids) for task in tasks} == {2, 4, 8}


def test_what_is_left_out_leaves_the_other_troubles_as_they_are() -> None:
    def drawn(*without: str) -> Troubles:
        words = {"start": 0.0, "days": 60, "store_ids": ALL_STORES, "factor": 9.0}
        found = draw_troubles(3, without=frozenset(without), **words)  # type: ignore[arg-type]
        return Troubles(found, without=frozenset(without))

    everything, fewer = drawn().found, drawn("all of Naver", "no runs").found

    assert set(fewer) < set(everything)
    assert not [t for t in fewer if t.service == "scheduler"]


def breaks(task: Task) -> History:
    """Break a promise on the fifth day, in one store, by kills."""
    days = task.played or task.days
    broken = days >= 5 and ALL_STORES[2] in task.store_ids and "kill" not in task.without
    return History(task, {}, ["misses: guide of booking 1_2"] if broken else [])


def test_a_history_is_shortened_to_what_breaks_the_promise() -> None:
    begun = Task(7, 30, ALL_STORES, without=frozenset({"freeze"}))

    found = shortened(breaks(begun), breaks, tries=60).task

    assert (found.played, found.store_ids) == (5, (ALL_STORES[2],))
    assert found.without == set(KINDS) - {"kill"}


def test_its_line_says_all_that_is_needed_to_repeat_it() -> None:
    line = command_of(Task(7, 30, ALL_STORES[:1], played=5, without=frozenset({"late", "kill"})))

    assert shlex.split(line)[2:] == [
        "trials.year.swarm",
        *("--seed", "7", "--days", "30", "--played", "5"),
        *("--stores", ALL_STORES[0], "--without", "kill,late"),
    ]
