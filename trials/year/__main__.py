"""Simulate a year, print its months as they pass, and end with one JSON object.

Usage: python -m trials.year [--seed N] [--days N] [--factor F]; exit 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from trials.year.parts import both
from trials.year.task import BEGIN, halves

BROKEN = ("duplicates", "misses", "unexplained", "wrong", "faults")
SHOWN = 12  # lines of each kind of finding


def main(arguments: list[str] | None = None) -> int:
    """Simulate, and tell by the exit code whether every promise was kept."""
    parser = argparse.ArgumentParser(prog="python -m trials.year")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--factor", type=float, default=1.0, help="times as many troubles")
    given = parser.parse_args(arguments)
    tasks = halves(given.seed, given.days, 2, factor=given.factor)
    started = time.monotonic()
    ends = both(tasks, _Progress(given.days, started).note)
    result = summed(ends, seconds=time.monotonic() - started)
    for what in BROKEN:
        for line in [line for end in ends for line in end[what]][:SHOWN]:
            _say(f"{what}: {line}")
    _say(json.dumps(result))
    return 1 if any(result[what] for what in BROKEN) else 0


def summed(ends: list[Mapping[str, Any]], *, seconds: float) -> dict[str, Any]:
    """Add the halves up; runs and outages are the same for both."""
    counts = Counter[str]()
    for end in ends:
        counts.update(end["tally"])
    shared = {
        name: max(end["tally"][name] for end in ends) for name in ("runs", "outages", "overlaps")
    }
    named = (
        "bookings",
        "runs",
        "messages",
        "outages",
        "kills",
        "freezes",
        "overlaps",
        "moves",
        "cancellations",
        "adopted",
        "freed",
        "foreseen",
        "foreseen_right",
        "foreseen_wrong",
    )
    return {
        **{name: shared.get(name, counts[name]) for name in named},
        "healthy": min(end["healthy"] for end in ends),
        "expired": sum(end["expired"] for end in ends),
        "explained": sum(end["explained"] for end in ends),
        **{what: sum(len(end[what]) for end in ends) for what in BROKEN},
        "seconds": round(seconds, 1),
    }


class _Progress:
    """Prints one line a simulated month: what has happened, how fast, and how long it will take."""

    def __init__(self, days: int, started: float) -> None:
        self.days, self.started, self.shown = days, started, 0
        self.parts: dict[int, tuple[int, Mapping[str, int]]] = {}

    def note(self, place: int, day: int, tally: Mapping[str, int]) -> None:
        """Note how far one part has come."""
        self.parts[place] = (day, dict(tally))
        done = min((d for d, _ in self.parts.values()), default=0) if len(self.parts) > 1 else 0
        step = 30 if self.days > 60 else 5 if self.days > 10 else 1
        if done >= self.shown + step or (done == self.days and done > self.shown):
            self.shown = done
            self._line(done)

    def _line(self, done: int) -> None:
        counts = Counter[str]()
        for _, tally in self.parts.values():
            counts.update(tally)
        seconds = time.monotonic() - self.started
        left = seconds / done * (self.days - done)
        until = BEGIN + timedelta(days=done)
        _say(
            f"{until:%Y-%m-%d}  {counts['bookings']} bookings  {counts['messages']} messages  "
            f"{counts['kills']} kills  {counts['adopted']} adopted  {counts['freed']} freed  "
            f"{seconds:.0f} s, {counts['messages'] / seconds:.0f} messages/s, {left:.0f} s to go"
        )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
