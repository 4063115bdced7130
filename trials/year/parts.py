"""The parts of the world, each in a process of its own."""

from __future__ import annotations

import gc
import multiprocessing
import queue
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from trials.year.half import simulate
from trials.year.task import Task

Note = Callable[[int, int, Mapping[str, int]], None]  # which part, its day, and its counts


def both(tasks: Sequence[Task], note: Note) -> list[Mapping[str, Any]]:
    """Simulate every part in a process of its own; raises when one dies."""
    context = multiprocessing.get_context("spawn")
    lines: Any = context.Queue()
    processes = [
        context.Process(target=part, args=(place, task, lines), daemon=True)
        for place, task in enumerate(tasks)
    ]
    for process in processes:
        process.start()
    ends: dict[int, Mapping[str, Any]] = {}
    while len(ends) < len(tasks):
        try:
            place, what, found = lines.get(timeout=1.0)
        except queue.Empty:
            dead = [p for at, p in enumerate(processes) if at not in ends and not p.is_alive()]
            if dead and lines.empty():
                raise RuntimeError("a part of the simulation has died; see above") from None
            continue
        if what == "end":
            ends[place] = found
        else:
            note(place, *found)
    return [ends[place] for place in range(len(tasks))]


def part(place: int, task: Task, lines: Any) -> None:
    """Simulate one part, and send what comes of it to the process that began it."""

    def note(day: int, counted: dict[str, int]) -> None:
        parent = multiprocessing.parent_process()
        if parent and not parent.is_alive():
            raise SystemExit("whoever began this is gone")
        lines.put((place, "day", (day, counted)))

    # A year keeps a million objects for good: looking through them all again and again takes a
    # seventh of the time, and finds nothing.
    gc.set_threshold(200_000, 50, 1_000)
    tally, verdicts, faults, _ = simulate(task, note)
    lines.put((place, "end", {"tally": tally, "faults": faults, **verdicts}))
