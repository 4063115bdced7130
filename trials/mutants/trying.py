"""A module's mutants, each tried by the tests that execute the changed statement.

All that does not need the module is imported once; each mutant is a fork of that process.
"""

from __future__ import annotations

import importlib
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from trials.mutants.forking import forked
from trials.mutants.mutant import Fate, Mutant
from trials.mutants.probes import probed, statements
from trials.mutants.session import Chosen, FromMemory, Recording, Told, module_name, run

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 2
TIMES, MORE_SECONDS = 5.0, 5.0  # of the unchanged module's CPU time
NO_LIMIT = 3600.0
NOT_EXECUTED = "no test executes it"
SURVIVED = "all tests pass"


class Module:
    """A module with the tests that are about it; make it in a process that has imported no more."""

    def __init__(self, path: str, tests: Sequence[str], root: Path = ROOT) -> None:
        """Run the tests on the module as it is. Raises RuntimeError when they fail."""
        self._path, self._tests, self._root = path, tests, root
        self._source = (root / path).read_text(encoding="utf-8")
        self._statements = statements(self._source)
        self._kills = Counter[str]()
        self._limit = self.cpu = 0.0
        self._known = self._passing(record=True) if tests else Told()
        if not tests:
            return
        _import_without(module_name(path), self._known.loaded)
        self._limit = TIMES * self._passing(record=False).cpu + MORE_SECONDS

    def try_all(self, mutants: Sequence[Mutant]) -> Iterator[tuple[Mutant, Fate]]:
        """Try each mutant, two at once; give each with its fate."""
        executed = []
        for mutant in mutants:
            if self._chosen(mutant.line):
                executed.append(mutant)
            else:
                yield mutant, Fate(killed=False, by=NOT_EXECUTED, cpu=0.0)
        sessions = (lambda m=mutant: self._session(m) for mutant in executed)
        for number, told in forked(sessions, at_once=AT_ONCE, limit=self._limit):
            self.cpu += told.cpu
            self._kills[told.failed] += 1
            killed = told.code != 0
            yield executed[number], Fate(killed, told.failed if killed else SURVIVED, told.cpu)

    def _chosen(self, line: int) -> Sequence[str]:
        """Choose the tests that execute this line: who kills often and is fast comes first."""
        statement = self._statements.get(line)
        every = statement is None or statement in self._known.shared
        tests = [t for t, lines in self._known.lines.items() if every or statement in lines]
        return sorted(tests, key=lambda test: self._known.seconds[test] / (1 + self._kills[test]))

    def _session(self, mutant: Mutant) -> Told:
        return self._run(mutant.source, self._chosen(mutant.line), record=False)

    def _passing(self, *, record: bool) -> Told:
        source = probed(self._source) if record else self._source
        chosen = None if record else self._chosen(0)
        sessions = [lambda: self._run(source, chosen, record=record)]
        ((_, told),) = forked(sessions, at_once=1, limit=NO_LIMIT)
        self.cpu += told.cpu
        if told.code != 0:
            words = f"code {told.code} {told.failed}"
            raise RuntimeError(f"the tests of {self._path} fail as it is, nothing is said: {words}")
        return told

    def _run(self, source: str, chosen: Sequence[str] | None, *, record: bool) -> Told:
        told = Told()
        recording = Recording(told, self._root)
        name = module_name(self._path)
        sys.meta_path.insert(
            0, FromMemory(self._root / self._path, name, source, recording.names())
        )
        plugins = [Chosen(chosen, told), *([recording] if record else [])]
        asked = self._tests if chosen is None else _files(chosen)
        told.code = run([str(self._root / test) for test in asked], plugins)
        return told


def _files(tests: Sequence[str]) -> Sequence[str]:
    return list(dict.fromkeys(test.split("::")[0] for test in tests))


class _NeedsTheModule(BaseException):
    """Ends the import of what needs the module; nobody takes it for a missing package."""


class _Forbidden(FromMemory):
    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == self._name:
            raise _NeedsTheModule


def _import_without(module: str, names: Sequence[str]) -> None:
    """Import all of these that do not need the module, so that each fork has them already."""
    forbidden = _Forbidden(Path(), module, "", {})
    sys.meta_path.insert(0, forbidden)
    for name in names:
        if name not in sys.modules and name != "__main__":
            with suppress(Exception, _NeedsTheModule):
                importlib.import_module(name)
    sys.meta_path.remove(forbidden)
