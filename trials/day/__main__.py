"""`make day`: plays a healthy and a troubled day, says how each trouble was told, ends with JSON.

Usage: python -m trials.day [--short] [--bugs] [--only NAME]; exit 1 when anything is wrong.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from trials.day.bugs import BUGS
from trials.day.days import (
    DayPlan,
    DayResult,
    make_worker,
    only,
    play_here,
    short,
    whole,
    with_bug,
)
from trials.day.oracle import MOST_TO_OWNER, Verdict

SHOWN = 60  # characters of a first line


def main(arguments: list[str] | None = None) -> int:
    """Play, and tell by the exit code whether all was told as it should be."""
    parser = argparse.ArgumentParser(prog="python -m trials.day", description=__doc__)
    parser.add_argument("--short", action="store_true", help="some hours, and two troubles")
    parser.add_argument("--only", action="append", help="only troubles whose name holds this")
    parser.add_argument("--bugs", action="store_true", help="every planted bug must be noticed")
    parser.add_argument("--bug", action="append", choices=BUGS, help="only this bug")
    parser.add_argument("--processes", type=int, default=4, help="days played at once: they wait")
    parser.add_argument("--told", action="store_true", help="print every message to a person")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    started = time.monotonic()
    if given.bugs or given.bug:
        return _with_bugs(given.bug or list(BUGS), given)
    plans = _plans(given)
    with pool(given.processes) as processes:
        results = list(processes.map(play_here, plans))
    for result in results:
        _show(result, told=given.told)
    final = summed(results, seconds=time.monotonic() - started)
    sys.stdout.write(json.dumps(final, ensure_ascii=False) + "\n")
    return 0 if all(map(is_good, results)) else 1


def _plans(given: argparse.Namespace) -> list[DayPlan]:
    if given.only:
        return only(given.only, given.seed)
    return short(given.seed) if given.short else whole(given.seed)


def _with_bugs(names: Sequence[str], given: argparse.Namespace) -> int:
    """Break the code in these ways; exit code 1 when one goes unnoticed."""
    noticed: dict[str, str] = {}
    with pool(given.processes) as processes:
        for result in processes.map(play_here, [with_bug(name, given.seed) for name in names]):
            noticed[result.plan.name] = next(iter(_wrong(result)), "")
            _say(f"{result.plan.name:34} {noticed[result.plan.name] or 'NOT NOTICED'}")
    sys.stdout.write(json.dumps(noticed, ensure_ascii=False) + "\n")
    return 0 if all(noticed.values()) else 1


def _wrong(result: DayResult) -> Iterator[str]:
    for verdict in result.verdicts:
        name = verdict.planted.trouble.name
        yield from (f"{name}: {w}" for w in (*verdict.untold, *verdict.repeated, *verdict.late))
    yield from (*result.beside, *result.wrong)


@contextmanager
def pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Give processes that play a day each; they end with the `with` statement."""
    context = multiprocessing.get_context("forkserver")  # a fork would inherit threads
    context.set_forkserver_preload(["trials.day.preload"])
    with ProcessPoolExecutor(processes, context, make_worker) as found:
        yield found


def is_good(result: DayResult) -> bool:
    """Tell whether nothing is wrong with a day."""
    if result.plan.troubles:
        return result.good
    return result.good and not result.alarms and result.to_owner <= MOST_TO_OWNER


def summed(results: Sequence[DayResult], *, seconds: float) -> dict[str, Any]:
    """Add the days up."""
    verdicts = [verdict for result in results for verdict in result.verdicts]
    quiet = [result for result in results if not result.plan.troubles]
    return {
        "runs": sum(result.runs for result in results),
        "looks": sum(result.looks for result in results),
        "messages": sum(result.messages for result in results),
        "healthy": {
            "alarms": sum(result.alarms for result in quiet),
            "owner_messages": sum(result.to_owner for result in quiet),
        },
        "troubles": len(verdicts),
        "told_once": sum(verdict.good for verdict in verdicts),
        "late": sum(len(v.late) for v in verdicts),
        "untold": sum(len(v.untold) for v in verdicts),
        "repeated": sum(len(v.repeated) for v in verdicts)
        + sum(len(result.beside) for result in results if result.plan.troubles),
        "seconds": round(seconds, 1),
    }


def _show(result: DayResult, *, told: bool) -> None:
    hours = timedelta(hours=result.plan.hours[1] - result.plan.hours[0])
    _say(
        f"{result.plan.name}: {hours}, {result.runs} runs, {result.looks} looks, "
        f"{result.messages} text messages, {result.to_owner} messages to the owner"
    )
    if told:
        for message in result.told:
            _say(f"  {message.at:%H:%M} {message.to:8} {message.by:10} {message.text!r}")
    for verdict in result.verdicts:
        _say(_line(verdict))
        for line in (*verdict.late, *verdict.untold, *verdict.repeated):
            _say(f"      WRONG {line}")
    for line in result.beside:
        _say(f"  TOLD OF NOTHING {line}")
    for line in result.wrong:
        _say(f"  WRONG {line}")


def _line(verdict: Verdict) -> str:
    one, told, ended = verdict.planted, verdict.told, verdict.ended
    told_at = f"{told.message.at:%H:%M}" if told else "  -  "
    ended_at = f"{ended.message.at:%H:%M}" if ended else "  -  "
    words = told.first_line[:SHOWN] if told else "" if one.trouble.says else "(nothing to tell)"
    return f"  {one.at:%H:%M} {one.trouble.name:45} told {told_at} over {ended_at} {words}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
