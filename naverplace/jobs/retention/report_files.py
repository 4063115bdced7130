"""The folders that the project writes reports and pages into, and what is old in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from naverplace.base.errors import Permanent
from naverplace.quality.data_docs import SITE_PARTS
from naverplace.settings.schema import Settings

# Only what we write ourselves: the folder may be one that holds other people's files too.
_REPORT = re.compile(r"\d{8}T\d{6}-[\w.-]+\.(json|md)")
_PARITY = re.compile(r"parity\.(json|md|html)")


@dataclass(frozen=True)
class ReportFiles:
    """One folder; `ours` tells by the path in it whether a file is one of ours."""

    name: str
    folder: Path
    ours: Callable[[Path], bool]

    def old(self, before: datetime) -> list[Path]:
        """List our files that were written before then. Raises Permanent."""
        return [path for path in self._files() if _written(path) < before]

    def count(self) -> int:
        """Count our files. Raises Permanent."""
        return sum(1 for _ in self._files())

    def remove(self, paths: list[Path]) -> int:
        """Remove files, and folders of Data Docs that are empty then. Raises Permanent."""
        try:
            for path in paths:
                path.unlink(missing_ok=True)
                for parent in path.relative_to(self.folder).parents[:-1]:
                    if not any((self.folder / parent).iterdir()):
                        (self.folder / parent).rmdir()
        except OSError as error:
            raise self._unusable(error) from None
        return len(paths)

    def _files(self) -> Iterator[Path]:
        try:
            for path in sorted(self.folder.rglob("*")):
                if path.is_file() and self.ours(path.relative_to(self.folder)):
                    yield path
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> Permanent:
        what = error.strerror or type(error).__name__
        return Permanent(f"{self.name} in {self.folder}: {what}; may this user remove files there?")


def report_files(settings: Settings) -> list[ReportFiles]:
    """List the folders of these settings; one that does not exist is an empty one."""
    places = [
        ReportFiles("data docs", settings.quality.docs_dir, _is_page),
        ReportFiles("parity reports", settings.parity.report_dir, _named(_PARITY)),
    ]
    if settings.report_dir is not None:
        places.insert(0, ReportFiles("run reports", settings.report_dir, _named(_REPORT)))
    return places


def _named(pattern: re.Pattern[str]) -> Callable[[Path], bool]:
    # A comparison's report lies in a folder named after its kind.
    return lambda path: len(path.parts) <= 2 and bool(pattern.fullmatch(path.name))


def _is_page(path: Path) -> bool:
    return path.parts[0] in (*SITE_PARTS, "index.html")


def _written(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except FileNotFoundError:  # a run has replaced its pages meanwhile
        return datetime.now(UTC)
