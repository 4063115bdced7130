"""One pytest session in a forked process, on a module whose text comes from memory."""

from __future__ import annotations

import functools
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import hypothesis
import pytest

from trials.mutants.probes import PROBE

# They play the same DynamoDB as the sandbox's, and take ten times as long: what they tell is
# whether ours is like theirs, and `make test` asks that.
OTHER_DYNAMODBS = ("moto", "dynalite")


def module_name(path: str) -> str:
    """Name the module of a file: `naverplace/rules/engine.py` is `naverplace.rules.engine`."""
    return path.removesuffix(".py").replace("/", ".")


class FromMemory(importlib.abc.MetaPathFinder):
    """Imports one module from this text; the others come from where they are."""

    def __init__(self, path: Path, name: str, source: str, names: Mapping[str, object]) -> None:
        self._path, self._name, self._source, self._names = path, name, source, names

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find the one module, as Python asks."""
        if fullname != self._name:
            return None
        loader = _Loader(self._path, self._name, self._source, self._names)
        return importlib.util.spec_from_file_location(fullname, self._path, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, path: Path, name: str, source: str, names: Mapping[str, object]) -> None:
        super().__init__(name, str(path))
        self._source, self._names = source, names

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        vars(module).update(self._names)
        super().exec_module(module)


@dataclass
class Told:
    """What a session has told: its exit code, the first test that failed, and each test's part."""

    code: int = -1
    failed: str = ""
    cpu: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)  # of CPU, by test
    lines: dict[str, list[int]] = field(default_factory=dict)  # first lines of statements, by test
    shared: list[int] = field(default_factory=list)  # executed for more than one test
    loaded: list[str] = field(default_factory=list)  # modules, in the order of their imports


def run(tests: Sequence[str], plugins: Sequence[object]) -> int:
    """Run these tests until one fails; give pytest's exit code."""
    words = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider", "--assert=plain"]
    # A busy machine is no failure: CPU time is limited from outside.
    words += ["-o", "timeout=0", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*words, *tests], plugins=list(plugins)))


class Chosen:
    """Runs the chosen tests in the order given, and notes the first that fails."""

    def __init__(self, wanted: Sequence[str] | None, told: Told) -> None:
        self._wanted, self._told = wanted, told

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        """Let Hypothesis end at its first failure: nobody asks how small it can be made."""
        plain = [p for p in hypothesis.Phase if p.name in ("explicit", "reuse", "generate")]
        hypothesis.settings.register_profile(
            "mutants", hypothesis.settings(), phases=plain, report_multiple_bugs=False
        )
        hypothesis.settings.load_profile("mutants")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the chosen ones, in their order."""
        items[:] = [item for item in items if _played_by(item) not in OTHER_DYNAMODBS]
        if self._wanted is not None:
            places = {test: place for place, test in enumerate(self._wanted)}
            items[:] = [item for item in items if item.nodeid in places]
            items.sort(key=lambda item: places[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the first failure."""
        if report.failed and not self._told.failed:
            self._told.failed = report.nodeid


class Recording:
    """Notes how much CPU time each test takes and which statements it executes."""

    def __init__(self, told: Told, root: Path) -> None:
        self._told, self._root = told, root
        self._shared = set[int]()
        self._current = self._shared  # what is executed at collection is every test's

    def names(self) -> Mapping[str, Callable[[int], None]]:
        """Give what a probed module must know."""
        return {PROBE: lambda line: self._current.add(line)}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Note one test's part."""
        for forget in _caches(self._root):
            forget()  # else only the first test would execute what all of them need
        self._current, began = set[int](), time.process_time()
        own = self._current
        result = yield
        self._told.seconds[item.nodeid] = time.process_time() - began
        self._told.lines[item.nodeid] = sorted(own)
        self._current = self._shared
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[None]:
        """What is made once for several tests is executed for each of them."""
        before = self._current
        if fixturedef.scope != "function":
            self._current = self._shared
        try:
            return (yield)
        finally:
            self._current = before

    def pytest_sessionfinish(self) -> None:
        """Note what belongs to no test alone."""
        self._told.shared = sorted(self._shared)
        self._told.loaded = list(sys.modules)


def _played_by(item: pytest.Item) -> object:
    callspec = getattr(item, "callspec", None)
    return callspec.params.get("sandbox") if callspec else None


def _caches(root: Path) -> Collection[Callable[[], None]]:
    files = ((m, getattr(m, "__file__", None) or "") for m in list(sys.modules.values()))
    ours = [m for m, file in files if file.startswith(f"{root}/") and "/site-packages/" not in file]
    values = (value for module in ours for value in list(vars(module).values()))
    return [v.cache_clear for v in values if isinstance(v, functools._lru_cache_wrapper)]
