"""The logs that one machine's processes write (`make up`): begun anew each day, gone when old.

A line of a log bears a time and no day, so each file says in its first line when it began. The
process that writes one goes on while it is cut: it appends to what is there.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from naverplace.base.errors import Permanent

DAY = timedelta(days=1)
_LOG = re.compile(r"[a-z0-9-]+\.log(\.\d{8}T\d{6})?")
_BEGUN = re.compile(rb"^== (\S+) ", re.MULTILINE)
_NEVER = datetime.fromtimestamp(0, UTC)  # nobody knows: old, whatever the limit
_HEAD = 4096  # bytes; a line may have come before the mark while a log was cut


@dataclass(frozen=True)
class LogFiles:
    """The folder of the logs: <name>.log is written to, <name>.log.<when it began> is not."""

    name: str
    folder: Path
    now: datetime

    def count(self) -> int:
        """Count the logs. Raises Permanent."""
        return len(self._files())

    def old(self, before: datetime) -> list[Path]:
        """List the logs that began before then, also one that is written to. Raises Permanent."""
        try:
            return [path for path in self._files() if begun(path) < before]
        except OSError as error:
            raise self._unusable(error) from None

    def remove(self, paths: list[Path]) -> int:
        """Remove logs, and cut the others; one that is written to is emptied, and begins now.

        Raises Permanent.
        """
        try:
            for path in paths:
                if path.suffix == ".log":
                    _empty(path, self.now)
                else:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise self._unusable(error) from None
        self.cut()
        return len(paths)

    def cut(self) -> int:
        """Put what is a day old into a file of its own. Raises Permanent."""
        due = [p for p in self.old(self.now - DAY) if p.suffix == ".log"]
        try:
            for path in due:
                # Copied and emptied, not renamed: the process would go on in the renamed one.
                shutil.copy2(path, path.with_name(f"{path.name}.{begun(path):%Y%m%dT%H%M%S}"))
                _empty(path, self.now)
        except OSError as error:
            raise self._unusable(error) from None
        return len(due)

    def _files(self) -> list[Path]:
        try:
            found = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        except OSError as error:
            raise self._unusable(error) from None
        return [path for path in found if path.is_file() and _LOG.fullmatch(path.name)]

    def _unusable(self, error: OSError) -> Permanent:
        what = error.strerror or type(error).__name__
        return Permanent(f"{self.name} in {self.folder}: {what}; may this user write there?")


def mark_begin(path: Path, what: str, at: datetime) -> None:
    """Say in a log what begins at that time; it is created if it is not there. Raises OSError."""
    with path.open("a", encoding="utf-8") as log:
        log.write(f"== {at.astimezone(UTC).isoformat(timespec='seconds')} {what}\n")


def begun(path: Path) -> datetime:
    """Tell when a log began; one without a mark is older than anything. Raises OSError."""
    with path.open("rb") as log:
        found = _BEGUN.search(log.read(_HEAD))
    try:
        at = datetime.fromisoformat(found[1].decode()) if found else _NEVER
    except ValueError:
        return _NEVER
    return at if at.tzinfo else _NEVER


def _empty(path: Path, now: datetime) -> None:
    with path.open("r+b") as log:
        log.truncate(0)
    mark_begin(path, "goes on", now)
