"""The process beside a run that has Great Expectations, which takes seconds to import.

It imports on another processor while the run talks to Naver, is handed the rows that are to be
checked, without names and full phones, and ends with the process that started it.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
import types
import warnings
from collections.abc import Mapping
from importlib.abc import MetaPathFinder
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import pandas as pd

log = logging.getLogger(__name__)
Refusal = tuple[str, list[int] | None]  # the reason, and the rows; None: it cannot say which
CHECKPOINT = "naverplace.quality.checkpoint"
# It needs to find its packages and its time zones; no secret is any of its business.
_GIVEN = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "PYTHONTZPATH", "LD_LIBRARY_PATH", "TMPDIR")


class _Process:
    """The process, as this one talks to it: rows in, refusals out."""

    def __init__(self) -> None:
        environment = {name: os.environ[name] for name in _GIVEN if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
        )
        self.owner = os.getpid()
        atexit.register(self._end)

    def refusals(self, rows: pd.DataFrame, parameters: Mapping[str, Any]) -> list[Refusal]:
        """Ask it. Raises what it has met; EOFError or OSError when it has died."""
        if not (self._process.stdin and self._process.stdout):
            raise EOFError
        pickle.dump((rows, dict(parameters)), self._process.stdin)
        self._process.stdin.flush()
        said = pickle.load(self._process.stdout)  # noqa: S301 - from our own process
        if isinstance(said, Exception):
            raise said
        refused: list[Refusal] = said
        return refused

    def _end(self) -> None:
        if self.owner == os.getpid():  # of a fork, it is the parent's
            self._process.kill()
            self._process.wait()


_lock = threading.Lock()
_started: _Process | None = None


def start() -> None:
    """Start the process, unless there is one, or this process has Great Expectations itself."""
    with _lock:
        _start()


def refusals(rows: pd.DataFrame, parameters: Mapping[str, Any]) -> list[Refusal]:
    """Let the checkpoint say which rows it refuses, and why.

    When the process beside has died, this one imports Great Expectations itself.
    """
    with _lock:
        if process := _start():
            try:
                return process.refusals(rows, parameters)
            except (OSError, EOFError, pickle.UnpicklingError) as error:
                log.warning("the process of the checkpoint has died (%r)", error)
        found: list[Refusal] = import_checkpoint().refusals(rows, parameters)
        return found


def _start() -> _Process | None:
    global _started
    if CHECKPOINT in sys.modules:
        return None
    if _started is None or _started.owner != os.getpid():
        _started = _Process()
    return _started


# One expectation of theirs, none of ours, needs them: a third of the import.
_UNUSED = ("scipy.stats", "altair")

# It is optional, and only needed for data in databases; Prefect's server brings it along.
_ABSENT = "sqlalchemy"


class _Absent(MetaPathFinder):
    """Hides an optional package from this thread's imports, as if it were not installed."""

    def __init__(self) -> None:
        self.thread = threading.get_ident()

    def find_spec(self, name: str, *_: Any) -> None:
        if name == _ABSENT and threading.get_ident() == self.thread:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


class _Unused(types.ModuleType):
    """Stands for a module until somebody asks for something of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what importing it asks
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def import_checkpoint() -> Any:
    """Import the checkpoint here, without what its library does not need for it."""
    for name in _UNUSED:
        sys.modules.setdefault(name, _Unused(name))
    # Without it the library reports its use to its makers over the network.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    absent = _Absent()
    sys.meta_path.insert(0, absent)
    try:
        checkpoint = importlib.import_module(CHECKPOINT)
    finally:
        sys.meta_path.remove(absent)
    # Its pandas engine reads zoned columns in a way that pandas 4 will change; nothing of ours.
    warnings.filterwarnings("ignore", message="Series.values returning an ndarray that drops")
    # The second sets a level of its own, to tell of folders that we remove again.
    for name in ("great_expectations", "great_expectations.data_context.types.base"):
        logging.getLogger(name).setLevel(logging.WARNING)
    return checkpoint


def main() -> None:
    """Answer one question after the other, until whoever asks is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):  # they are for the run, which is still asking
        signal.signal(number, signal.SIG_IGN)
    asked, answers = sys.stdin.buffer, _answers()
    checkpoint = import_checkpoint()
    checkpoint.open_checkpoint()
    while True:
        try:
            rows, parameters = pickle.load(asked)  # noqa: S301 - from the process that started us
        except EOFError:
            return
        try:
            said: Any = checkpoint.refusals(rows, parameters)
        except Exception as error:  # noqa: BLE001 - whoever asked judges it
            said = RuntimeError(f"{type(error).__name__}: {error}")
        pickle.dump(said, answers)
        answers.flush()


def _answers() -> BinaryIO:
    """Keep the pipe for answers; whatever else is printed goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main()
