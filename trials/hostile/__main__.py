"""`make hostile`: plays odd inputs of every family, and ends with one JSON object.

Usage: python -m trials.hostile [--short] [--only FAMILY[/SEED]] [--seed N]; exit 1: some are wrong.
With --bugs the code is broken in every known way, and the JSON tells by name which was noticed;
with --short too, that of the inputs is the line after it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from trials.hostile.batches import Batch, Result, make_worker, play_here
from trials.hostile.bugs import BUGS
from trials.hostile.families import FAMILIES


def main(arguments: list[str] | None = None) -> int:
    """Play, and tell by the exit code whether every input was held."""
    parser = argparse.ArgumentParser(prog="python -m trials.hostile", description=__doc__)
    parser.add_argument("--short", action="store_true", help="some of every family")
    parser.add_argument("--only", action="append", help="a family, or one input: names/100003")
    parser.add_argument("--seed", type=int, default=_tonight(), help="of the night; today's date")
    parser.add_argument("--bug", default="", choices=["", *BUGS], help="break the code first")
    parser.add_argument("--bugs", nargs="*", help="whether these planted bugs, or all, are noticed")
    parser.add_argument("--processes", type=int, default=1 + (os.cpu_count() or 1))
    given = parser.parse_args(arguments)
    planted = given.bugs is not None
    broken = list(_broken(given.bugs or BUGS)) if planted else []
    batches = [] if planted and not given.short else list(_batches(given))
    started = time.monotonic()
    results = list(_played([*broken, *batches], given.processes))
    noticed = {one.batch.bug: bool(one.wrong) for one in results if one.batch in broken}
    sound = [one for one in results if one.batch not in broken]
    final = summed(sound, seconds=time.monotonic() - started)
    if broken:
        sys.stdout.write(json.dumps(dict(sorted(noticed.items()))) + "\n")
    if batches:
        sys.stdout.write(json.dumps(final, ensure_ascii=False) + "\n")
    return 0 if all(noticed.values()) and not final["wrong"] else 1


def _broken(names: Iterable[str]) -> Iterator[Batch]:
    """Break the code in these ways, each with the inputs that show it."""
    for name in names:
        yield Batch(BUGS[name].family, BUGS[name].seeds, name)


def _tonight() -> int:
    """Give a seed that every day has another of."""
    return datetime.now(UTC).toordinal()


def _batches(given: argparse.Namespace) -> Iterator[Batch]:
    asked = [one.partition("/") for one in given.only or ()]
    for family in FAMILIES.values():
        seeds = family.seeds(given.seed, short=given.short)
        if asked:
            mine = [seed for name, _, seed in asked if name == family.name]
            if not mine:
                continue
            seeds = [int(seed) for seed in mine if seed] or seeds
        for first in range(0, len(seeds), family.batch):
            yield Batch(family.name, tuple(seeds[first : first + family.batch]), given.bug)


def _played(batches: Sequence[Batch], processes: int) -> Iterator[Result]:
    with pool(min(processes, len(batches))) as workers:
        for done in as_completed([workers.submit(play_here, batch) for batch in batches]):
            result = done.result()
            yield result
            _show(result)


@contextmanager
def pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Give processes that play batches; they end with the `with` statement."""
    context = multiprocessing.get_context("forkserver")  # a fork would inherit threads
    context.set_forkserver_preload(["trials.hostile.preload"])
    with ProcessPoolExecutor(processes, context, make_worker) as found:
        yield found


def summed(results: Sequence[Result], *, seconds: float) -> dict[str, Any]:
    """Add the batches up."""
    inputs = sum(len(result.batch.seeds) for result in results)
    wrong = sum(len(result.wrong) for result in results)
    return {
        "families": len({result.batch.family for result in results}),
        "inputs": inputs,
        "held": inputs - wrong,
        "wrong": wrong,
        "seconds": round(seconds, 1),
    }


def _show(result: Result) -> None:
    batch = result.batch
    # What a planted bug makes wrong is as it should be.
    word, space = ("WRONG", " " * 6) if not batch.bug else (f"noticed: {batch.bug}", " " * 4)
    _say(f"{batch.family}: {len(batch.seeds)} inputs, {result.seconds:.1f} s")
    for seed, lines in result.wrong.items():
        _say(f"  {word}  {result.shown[seed]}")
        for line in lines:
            _say(f"{space}{line}")
        _say(f"{space}again: .venv/bin/python -m trials.hostile --only {batch.family}/{seed}")


def _say(line: str) -> None:
    sys.stderr.write(line.encode("utf-8", "backslashreplace").decode() + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
