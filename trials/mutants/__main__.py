"""`make mutants`: change the code in one place, by cosmic-ray, and see whether a test fails.

A sample, the same for the same seed: every module alike. Ends with one JSON object; exit 1 when
nothing was mutated or too many mutants live on. The code is changed in a copy of the tree.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast_from_path
from cosmic_ray.mutating import use_mutation

from trials.mutants.modules import MODULES

ROOT = Path(__file__).resolve().parents[2]
NOT_COPIED = (".git", ".venv", ".tools", ".mypy_cache", ".hypothesis", ".pytest_cache")
# Types are checked by mypy, and a decorator taken away seldom leaves a program that starts.
LEFT_OUT = ("BitOr", "BitAnd", "BitXor", "Shift", "RemoveDecorator", "ExceptionReplacer")
SECONDS = 300.0  # of a module's tests; a mutant that runs longer is noticed
FAILED = (1, 2, 3, 4)  # pytest's: a test, or the collection, failed


@dataclass(frozen=True)
class Mutant:
    """One place and the operator that changes it."""

    module: str
    operator: str
    occurrence: int
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.operator.removeprefix('core/')}"


def main() -> int:
    """Try a sample, tell what lived on, and judge the score."""
    words = _arguments()
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        tree = Path(name) / "tree"
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*NOT_COPIED), symlinks=True)
        for linked in (".venv", ".tools"):
            (tree / linked).symlink_to((ROOT / linked).resolve())
        sample = draw(tree, words.count, words.seed, words.module)
        for module in dict.fromkeys(mutant.module for mutant in sample):
            if not passes(tree, MODULES[module]):
                raise SystemExit(f"the tests of {module} fail as it is: nothing can be said")
        survivors = []
        for number, mutant in enumerate(sample, start=1):
            survived = survives(tree, mutant)
            survivors += [str(mutant)] * survived
            end = "SURVIVED" if survived else "killed"
            print(f"{number} of {len(sample)}: {mutant}: {end}", file=sys.stderr, flush=True)  # noqa: T201
    killed = len(sample) - len(survivors)
    score = round(killed / len(sample), 3) if sample else 0.0
    final = {"mutants": len(sample), "killed": killed, "score": score, "survivors": survivors}
    sys.stdout.write(json.dumps(final) + "\n")
    return 0 if sample and score >= words.least else 1


def draw(tree: Path, count: int, seed: int, only: str = "") -> list[Mutant]:
    """Draw so many mutants, of every module alike."""
    luck = Random(seed)  # noqa: S311 - repeatable
    drawn: list[Mutant] = []
    modules = [module for module in MODULES if only in module]
    for place, module in enumerate(modules):
        found = list(mutants_of(tree, module))
        share = (count + place) // len(modules)
        drawn += luck.sample(found, min(share, len(found)))
    return drawn


def mutants_of(tree: Path, module: str) -> Iterator[Mutant]:
    """List all mutants of a module but those of annotations."""
    nodes = list(ast_nodes(get_ast_from_path(tree / module)))
    for name in plugins.operator_names():
        operator_class: Any = plugins.get_operator(name)
        if operator_class.arguments() or any(word in name for word in LEFT_OUT):
            continue
        operator = operator_class()
        positions = (p for node in nodes for p in operator.mutation_positions(node))
        for occurrence, (start, _) in enumerate(positions):
            yield Mutant(module, name, occurrence, start[0])


def survives(tree: Path, mutant: Mutant) -> bool:
    """Run the module's tests on the changed code; tell whether all of them pass."""
    operator: Any = plugins.get_operator(mutant.operator)
    with use_mutation(tree / mutant.module, operator(), mutant.occurrence) as (_, mutated):
        return mutated is not None and passes(tree, MODULES[mutant.module])


def passes(tree: Path, tests: tuple[str, ...]) -> bool:
    """Tell whether these tests pass; raises RuntimeError when they could not be run."""
    words = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow or slow", *tests]
    env = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", *words],
            cwd=tree,
            env=env,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    if ended.returncode not in (0, *FAILED):
        raise RuntimeError(f"no tests ran: {ended.stdout.decode()[-500:]}")
    return ended.returncode == 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="trials.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--module", default="", help="only modules with this in their names")
    parser.add_argument("--least", type=float, default=0.95, help="score that is enough")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
