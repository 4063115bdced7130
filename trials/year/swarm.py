"""Many short histories instead of one long: each seed draws its shop, its troubles, and which kinds
of trouble there are none of. A history that breaks a promise is shortened, and told by one line.

Usage: python -m trials.year.swarm --seeds 1..20; --seed 7 and more repeats one.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import shlex
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from random import Random

from naverplace.base.clock import SEOUL
from trials.year.half import Half
from trials.year.lives import HURRIED, LEADS
from trials.year.task import A_DAY, ALL_STORES, Task
from trials.year.troubles import HOUR, KINDS

BROKEN = ("duplicates", "misses", "unexplained", "wrong")
LEFT_OUT = 0.5  # of all kinds of trouble, in each history
QUIETER = (16, 16, 16, 16, 16, 8, 8, 4)  # most shops have few customers; those of the year are busy
YEAR = 365
TRIES = 40  # replays that a shortening may take
AROUND = 2 * HOUR  # of a broken promise: what is shown
COUNTED = ("bookings", "runs", "messages", "outages", "kills", "freezes", "overlaps", "adopted")
_BOOKING = re.compile(r"\b\d+_\d+\b")


@dataclass
class History:
    """What came of one seed."""

    task: Task
    counts: dict[str, int] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)  # around the first broken promise


def drawn_task(seed: int, days: int) -> Task:
    """Draw a shop, how hard its days are, and what does not happen in them."""
    luck = Random(f"{seed} swarm")  # noqa: S311 - repeatable
    without = frozenset(kind for kind in KINDS if luck.random() < LEFT_OUT)
    stores = tuple(sorted(luck.sample(ALL_STORES, luck.choice((2, 4, 8, 8, 8, 8, 8, 8)))))
    return Task(
        seed,
        days,
        stores,
        factor=luck.choice((1.0, 3.0, 8.0, 15.0)),
        stray=luck.choice((0.0004, 0.002)),
        a_day=A_DAY / luck.choice(QUIETER),
        leads=luck.choice((LEADS, HURRIED)),
        without=without,
    )


def play(task: Task) -> History:
    """Live through one history."""
    half = Half(task)
    verdicts = half.simulate(lambda day, tally: None)
    broken = [f"{what}: {line}" for what in BROKEN for line in getattr(verdicts, what)]
    broken += [f"fault: {line}" for line in half.faults]
    counts = {name: getattr(half.tally, name) for name in COUNTED}
    counts |= {"owed": verdicts.owed, "expired": verdicts.expired}
    return History(task, counts, broken, list(_events(half, broken[0])) if broken else [])


def _events(half: Half, line: str) -> Iterator[str]:
    """List what happened to the booking of a broken promise, and to the runs around it."""
    found: list[tuple[float, str]] = []
    number = _BOOKING.search(line)
    for life in half.outside.world.lives:
        if number and life.number == number[0]:
            phones = {version.phone for version in life.versions}
            for v in life.versions:
                start = f"{datetime.fromtimestamp(v.start, SEOUL):%m-%d %H:%M}"
                found.append((v.at, f"booking {v.status}, starts {start}, …{v.phone[-4:]}"))
            for told, times in half.oracle.got.items():
                got = f"{told.kind} reaches …{told.to[-4:]} ({told.what})"
                found += [(at, got) for at in times if told.to in phones]
    first, last = min(found, default=(0.0, ""))[0], max(found, default=(0.0, ""))[0]
    found += [(at, what) for at, what in half.hits if first - AROUND < at < last + AROUND]
    for at, what in sorted(found):
        yield f"{datetime.fromtimestamp(at, SEOUL):%m-%d %H:%M:%S} {what}"


def shortened(
    history: History, replay: Callable[[Task], History] = play, tries: int = TRIES
) -> History:
    """Look for the fewest days, stores and kinds of trouble that still break the same promise."""
    what = history.broken[0].partition(":")[0]
    best = history

    def still_breaks(task: Task) -> bool:
        nonlocal best, tries
        if tries <= 0:
            return False
        tries -= 1
        found = replay(task)
        found.broken.sort(key=lambda line: not line.startswith(what))
        if not (found.broken and found.broken[0].startswith(what)):
            return False
        best = found
        return True

    low, high = 0, history.task.played or history.task.days
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (
            (low, middle)
            if still_breaks(replace(best.task, played=middle))
            else (
                middle,
                high,
            )
        )
    for store_id in best.task.store_ids if len(best.task.store_ids) > 1 else ():
        if still_breaks(replace(best.task, store_ids=(store_id,))):
            break
    for kind in KINDS:
        without = best.task.without | {kind}
        if without != best.task.without:
            still_breaks(replace(best.task, without=without))
    return best


def command_of(task: Task) -> str:
    """Write the one line that repeats a history."""
    words = ["--seed", str(task.seed), "--days", str(task.days)]
    if task.played:
        words += ["--played", str(task.played)]
    words += ["--stores", ",".join(task.store_ids), "--without", ",".join(sorted(task.without))]
    return "python -m trials.year.swarm " + shlex.join(words)


def main(arguments: list[str] | None = None) -> int:
    """Play the seeds, and tell by the exit code whether every promise was kept in all of them."""
    parser = argparse.ArgumentParser(prog="python -m trials.year.swarm")
    parser.add_argument("--seeds", default="", metavar="1..20")
    parser.add_argument("--seed", type=int, default=0, help="only this one")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--played", type=int, default=0)
    parser.add_argument("--stores", default="")
    parser.add_argument("--without", default=None)
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args(arguments)
    tasks = [drawn_task(seed, given.days) for seed in _seeds(given)]
    if given.stores:
        tasks = [replace(task, store_ids=tuple(given.stores.split(","))) for task in tasks]
    if given.without is not None:
        without = frozenset(filter(None, given.without.split(",")))
        tasks = [replace(task, without=without) for task in tasks]
    tasks = [replace(task, played=given.played) for task in tasks]
    return _play_all(tasks, given.processes)


def _seeds(given: argparse.Namespace) -> Sequence[int]:
    if given.seed:
        return [given.seed]
    first, _, last = given.seeds.partition("..")
    return range(int(first), int(last or first) + 1)


def _play_all(tasks: Sequence[Task], processes: int) -> int:
    started, counts, store_days, failed = time.monotonic(), Counter[str](), 0, 0
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        for history in pool.map(play, tasks):
            task = history.task
            counts.update(history.counts)
            store_days += (task.played or task.days) * len(task.store_ids)
            _say(
                f"seed {task.seed}: {len(task.store_ids)} stores, {history.counts['bookings']} "
                f"bookings, {history.counts['messages']} messages, {history.counts['kills']} "
                f"kills, without {len(task.without)} of {len(KINDS)} kinds: "
                f"{len(history.broken)} broken"
            )
            if history.broken:
                failed += 1
                _tell(shortened(history))
    _say(
        json.dumps(
            {
                "seeds": len(tasks),
                "store_days": store_days,
                "store_years": round(store_days / YEAR, 1),
                **counts,
                "broken": failed,
                "seconds": round(time.monotonic() - started, 1),
            }
        )
    )
    return 1 if failed else 0


def _tell(history: History) -> None:
    _say(f"repeat it: {command_of(history.task)}")
    for line in (*history.broken[:3], *history.events):
        _say(f"  {line}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
