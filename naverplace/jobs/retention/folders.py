"""The folders that the project writes into, and what is old in them; other people's files stay.

A line of a log bears a time and no day, so each log says in its first line when it began. The
process that writes one goes on while it is cut: it appends to what is there.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from naverplace.base.errors import Permanent

DAY = timedelta(days=1)
_LOG = re.compile(r"[a-z0-9-]+\.log(\.\d{8}T\d{6})?")
_BEGUN = re.compile(rb"^== (\S+) ", re.MULTILINE)
_NEVER = datetime.fromtimestamp(0, UTC)  # nobody knows: old, whatever the limit
_HEAD = 4096  # bytes; a line may have come before the mark while a log was cut


@dataclass(frozen=True)
class OwnFiles:
    """What we write in one folder, which may not exist yet. Its methods raise Permanent."""

    name: str
    folder: Path
    ours: re.Pattern[str]  # the paths in it that we write ourselves

    def count(self) -> int:
        """Count our files."""
        return len(self._files())

    def old(self, before: datetime) -> list[Path]:
        """List our files that were written before then."""
        with self._translated():
            return [path for path in self._files() if self._written(path) < before]

    def remove(self, paths: Sequence[Path]) -> int:
        """Remove files, and folders that are empty then."""
        with self._translated():
            for path in paths:
                self._remove(path)
        return len(paths)

    def _files(self) -> list[Path]:
        with self._translated():
            paths = sorted(self._paths()) if self.folder.is_dir() else []
            names = [(path, path.relative_to(self.folder).as_posix()) for path in paths]
            return [path for path, name in names if self.ours.fullmatch(name) and path.is_file()]

    def _paths(self) -> Iterator[Path]:
        return self.folder.rglob("*")

    def _written(self, path: Path) -> datetime:
        try:
            return datetime.fromtimestamp(path.stat().st_mtime, UTC)
        except FileNotFoundError:  # a run has replaced its pages meanwhile
            return datetime.now(UTC)

    def _remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        for parent in path.relative_to(self.folder).parents[:-1]:
            if not any((self.folder / parent).iterdir()):
                (self.folder / parent).rmdir()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            what = error.strerror or type(error).__name__
            where = f"{self.name} in {self.folder}"
            raise Permanent(f"{where}: {what}; may this user write there?") from None


@dataclass(frozen=True)
class LogFiles(OwnFiles):
    """The folder of the logs: <name>.log is written to, <name>.log.<when it began> is not."""

    ours: re.Pattern[str] = _LOG
    now: datetime = field(kw_only=True)

    def remove(self, paths: Sequence[Path]) -> int:
        """Remove logs, and cut the others; one that is written to is emptied, and begins now."""
        removed = super().remove(paths)
        self.cut()
        return removed

    def cut(self) -> int:
        """Put what is a day old into a file of its own."""
        due = [p for p in self.old(self.now - DAY) if p.suffix == ".log"]
        with self._translated():
            for path in due:
                # Copied and emptied, not renamed: the process would go on in the renamed one.
                shutil.copy2(path, path.with_name(f"{path.name}.{begun(path):%Y%m%dT%H%M%S}"))
                self._remove(path)
        return len(due)

    def _paths(self) -> Iterator[Path]:
        return self.folder.iterdir()

    def _written(self, path: Path) -> datetime:
        return begun(path)

    def _remove(self, path: Path) -> None:
        if path.suffix != ".log":
            path.unlink(missing_ok=True)
            return
        with path.open("r+b") as log:
            log.truncate(0)
        mark_begin(path, "goes on", self.now)


def mark_begin(path: Path, what: str, at: datetime) -> None:
    """Say in a log what begins at that time; it is created if it is not there. Raises OSError."""
    with path.open("a", encoding="utf-8") as log:
        log.write(f"== {at.astimezone(UTC).isoformat(timespec='seconds')} {what}\n")


def begun(path: Path) -> datetime:
    """Tell when a log began; one without a mark is older than anything. Raises OSError."""
    with path.open("rb") as log:
        mark = _BEGUN.search(log.read(_HEAD))
    try:
        at = datetime.fromisoformat(mark[1].decode()) if mark else _NEVER
    except ValueError:
        return _NEVER
    return at if at.tzinfo else _NEVER
