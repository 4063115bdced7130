"""`make mutants`: change the code in one place, by cosmic-ray, and see whether a test fails.

A sample, the same for the same seed: every module alike; or all there are. Ends with one JSON
object; exit 1 when nothing was mutated, too many mutants live on, or `equivalent.yaml` is wrong.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

from trials.mutants.changes import draw
from trials.mutants.equivalent import change, equivalents
from trials.mutants.judging import Tried, as_json, judge
from trials.mutants.modules import MODULES
from trials.mutants.mutant import Mutant
from trials.mutants.trying import ROOT, Module


def main() -> int:
    """Try a sample or all, tell what lived on, and judge the score."""
    words = _arguments()
    entries = equivalents()
    modules = [module for module in MODULES if words.module in module]
    drawn = draw(ROOT, modules, count=words.count, seed=words.seed)
    tried: list[Tried] = []
    cpu: dict[str, float] = {}
    for module, mutants in drawn.items():
        if not mutants:
            continue
        _say(f"{module}: {len(mutants)} mutants")
        fates, cpu[module] = _try_in_a_process(module, mutants)
        tried += fates
        for mutant, fate in fates:
            if not fate.killed and change(mutant) not in entries:
                _say(f"SURVIVED {mutant}: {fate.by}")
    verdict = judge(tried, entries, whole=[] if words.count else list(drawn), cpu=cpu)
    sys.stdout.write(json.dumps(as_json(verdict), ensure_ascii=False) + "\n")
    return 0 if verdict.enough(words.least) else 1


def _try_in_a_process(module: str, mutants: Sequence[Mutant]) -> tuple[list[Tried], float]:
    """Try a module's mutants in a process of their own, which imports what its tests need."""
    fork = multiprocessing.get_context("fork")
    ours, its = fork.Pipe(duplex=False)
    process = fork.Process(target=_try, args=(module, mutants, its))
    process.start()
    its.close()
    tried: list[Tried] = []
    try:
        while isinstance(got := ours.recv(), tuple):
            place, fate = got
            tried.append((mutants[place], fate))
            end = "killed" if fate.killed else "lives on"
            _say(f"{len(tried)} of {len(mutants)}: {mutants[place]}: {end}")
    except EOFError:
        raise SystemExit(f"{module}: its tests fail as it is, or could not be run") from None
    process.join()
    return tried, float(got)


def _try(module: str, mutants: Sequence[Mutant], pipe: Connection) -> None:
    places = {id(mutant): place for place, mutant in enumerate(mutants)}
    trying = Module(module, MODULES[module])
    for mutant, fate in trying.try_all(mutants):
        pipe.send((places[id(mutant)], fate))
    pipe.send(trying.cpu + time.process_time())


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)  # noqa: T201


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="trials.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=50, help="how many; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--module", default="", help="only modules with this in their names")
    parser.add_argument("--least", type=float, default=0.95, help="score that is enough")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
