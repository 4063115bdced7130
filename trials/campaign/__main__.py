"""`make faults`: plays the campaign, shows how far it is, and ends with one JSON object."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from trials.campaign.bugs import BUGS
from trials.campaign.cases import Case
from trials.campaign.plan import Points, near_sends, pairs, read_case, short, singles
from trials.campaign.shards import Pool, Result
from trials.campaign.shop import MOMENTS

EVERY = 10.0  # seconds between two lines of progress


def main() -> int:
    """Play it; exit code 1 when anything is wrong."""
    words = _arguments()
    with Pool(words.processes) as pool:
        return _play(pool, words)


def _play(pool: Pool, words: argparse.Namespace) -> int:
    points = pool.record(MOMENTS)
    for now, seen in points.items():
        services = Counter(point.partition(" ")[0] for point in seen)
        _say(f"{now:%H:%M}: {len(seen)} points: {dict(services)}")
    planted = words.planted is not None
    unnoticed = _planted(pool, points, words.planted or list(BUGS)) if planted else 0
    if planted and not words.short:
        return unnoticed
    started = time.monotonic()
    paired = [] if words.short or words.case else pairs(points, words.pairs, seed=words.seed)
    if words.case:
        cases = [read_case(name, MOMENTS) for name in words.case]
    else:
        cases = [*(short(points) if words.short else singles(points)), *paired]
    cases = [replace(case, bug=words.bug) for case in cases]
    results = list(_with_progress(pool, cases))
    sums: Counter[str] = Counter()
    for result in results:
        sums.update(result.counts)
    final = {
        "points": sum(map(len, points.values())),
        "cases": len(cases),
        "pairs": len(paired),
        "duplicates": sums["duplicates"],
        "lost": sums["lost"],
        "unexplained": sums["unexplained"],
        "foreign": sum(len(result.foreign) for result in results),
        "seconds": round(time.monotonic() - started, 1),
    }
    sys.stdout.write(json.dumps(final) + "\n")
    return unnoticed or (0 if all(result.good for result in results) else 1)


def _planted(pool: Pool, points: Points, bugs: Sequence[str]) -> int:
    """Break the code in these ways; exit code 1 when a bug goes unnoticed."""
    cases = near_sends(points)
    series = [[replace(case, bug=bug) for case in cases] for bug in bugs]
    caught: dict[str, dict[str, int]] = {}
    for result in pool.play_until_wrong(series):
        caught[result.case.bug] = result.counts
        _say(f"{result.case.bug}: {'; '.join(result.words) or 'NOT NOTICED'} [{result.case.name}]")
    sys.stdout.write(json.dumps(caught) + "\n")
    return 0 if all(any(counts.values()) for counts in caught.values()) else 1


def _with_progress(pool: Pool, cases: Sequence[Case]) -> list[Result]:
    started = said = time.monotonic()
    results: list[Result] = []
    wrong = 0
    for result in pool.play_all(cases):
        results.append(result)
        for request in result.foreign:
            _say(f"refused during {result.case.name}: {request}")
        if not result.good:
            wrong += 1
            _say(f"WRONG {result.case.name} (hit: {'; '.join(result.hits)})")
            for line in result.words:
                _say(f"      {line}")
        now = time.monotonic()
        if now - said > EVERY or len(results) == len(cases):
            said = now
            rate = len(results) / (now - started)
            left = (len(cases) - len(results)) / rate
            _say(f"{len(results)} of {len(cases)} cases, {wrong} wrong, {left:.0f} s to go")
    if wrong:
        _say("play one again: .venv/bin/python -m trials.campaign --case NAME")
    return results


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="trials.campaign", description=__doc__)
    parser.add_argument("--short", action="store_true", help="requests of every sort, no pairs")
    parser.add_argument("--pairs", type=int, default=2000, help="random pairs")
    parser.add_argument("--seed", type=int, default=20251022, help="of the pairs")
    parser.add_argument(
        "--case", action="append", help="only this case, such as 14+0/23/kill_after"
    )
    parser.add_argument("--bug", default="", choices=["", *BUGS], help="break the code first")
    parser.add_argument(
        "--planted", nargs="*", choices=BUGS, help="only, or first, these planted bugs, or all"
    )
    # Cases wait for time-outs and leases: two a processor keep it busy.
    parser.add_argument("--processes", type=int, default=2 * (os.cpu_count() or 1))
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
