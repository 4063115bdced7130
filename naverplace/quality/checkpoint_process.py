"""The process beside a run that imports Great Expectations, which takes seconds.

`validation` starts it early and asks it late; it ends when whoever asks is gone.
"""

from __future__ import annotations

import importlib
import logging
import os
import pickle
import signal
import sys
import threading
import types
import warnings
from importlib.abc import MetaPathFinder
from typing import Any, BinaryIO

CHECKPOINT = "naverplace.quality.checkpoint"


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


def serve() -> None:
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
            said: Any = checkpoint.run_checkpoint(rows, parameters)
        except Exception as error:  # noqa: BLE001 - whoever asked judges it
            said = f"{type(error).__name__}: {error}"
        pickle.dump(said, answers)
        answers.flush()


def _answers() -> BinaryIO:
    """Keep the pipe for answers; whatever else is printed goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    serve()
