"""Wrong systems, each wrong in one way: the machinery that puts one in the place of the right one.

A mutant is a change of the rules' YAML, of a condition or an action, or of a function of the
library; it stands while a golden set is replayed, and is taken out again.
"""

from __future__ import annotations

import importlib
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from naverplace.rules.actions import ACTIONS
from naverplace.rules.conditions import CONDITIONS

Wrong = Callable[[Callable[..., Any]], Callable[..., Any]]  # what the right one becomes


@dataclass(frozen=True)
class Mutant:
    """One wrong system."""

    name: str
    edits: tuple[tuple[str, str, str], ...] = ()  # file below rules/, what stands there, instead
    place: str = ""  # below naverplace, "engine.newest"; or "condition:word", "action:word"
    wrong: Wrong | None = None
    reads: bool = False  # it reads bookings otherwise, so the gates must be passed anew

    @contextmanager
    def rules(self, right: Path) -> Iterator[Path]:
        """Give the folder of rules that it decides by. Raises ValueError: an edit that is stale."""
        if not self.edits:
            yield right
            return
        with TemporaryDirectory() as folder:
            copy = Path(folder) / "rules"
            shutil.copytree(right, copy)
            for name, old, new in self.edits:
                text = (copy / name).read_text("utf-8")
                if old not in text:
                    raise ValueError(f"mutant {self.name!r}: {name} does not hold {old!r} any more")
                wrong = text.replace(old, new, 1)
                # Their own tests would notice many of them before parity has seen one.
                (copy / name).write_text(_TESTS.sub("", wrong), "utf-8")
            yield copy

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put its wrong function in the place of the right one."""
        with ExitStack() as stack:
            if self.wrong:
                stack.enter_context(self._patched(self.wrong))
            yield

    def _patched(self, wrong: Wrong) -> Any:
        what, _, word = self.place.partition(":")
        if word:
            registry = CONDITIONS if what == "condition" else ACTIONS
            return patch.dict(registry, {word: wrong(registry[word])})
        owner, name = _find(self.place)
        return patch.object(owner, name, wrong(getattr(owner, name)))


_TESTS = re.compile(r"^  tests:\n(?:    .*\n)+", re.MULTILINE)


def _find(place: str) -> tuple[Any, str]:
    """Find who holds a function: a module, or a class in it."""
    path, _, name = place.rpartition(".")
    module, _, owner = path.partition("::")
    found: Any = importlib.import_module(f"naverplace.{module}")
    return (getattr(found, owner) if owner else found), name
