"""The times of a summary: stamps, log entries, durations."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from naverplace.audit.reading import Figure, Line, Summary
from naverplace.base.clock import SEOUL

_STAMP = r"(?P<t>\d+-\d+-\d+T[\d:.]+)(?P<zone>Z|[+-]\d+:\d+)?"
_ENTRY = re.compile(r"^\s*\[" + _STAMP + r"\]\s*(?P<words>.*)")
_NAMED = "(?:Timestamp|Next Review)"
_UNITS = {"ms": 0.001, "s": 1.0, "seconds": 1.0}
DURATIONS = (
    r"\bDuration:\s*~?(?P<n>[\d.]+)\s*(?P<unit>seconds|ms)",
    r"\|\s*Total Duration\s*\|\s*(?P<n>[\d.]+)(?P<unit>s)",
    r"\|\s*Duration\s*\|[^|]*\|\s*~?(?P<n>[\d.]+)(?P<unit>s)",
)


@dataclass(frozen=True)
class Moment:
    """A stamp in the document; `at` is what its clock shows, whatever zone it claims."""

    at: datetime  # without a zone
    zone: str  # Z, an offset, KST, or empty
    line: int
    words: str = ""

    @property
    def korean(self) -> datetime:
        """Read the stamp as the time in Korea that it claims."""
        if self.zone in ("", "KST"):
            return self.at
        aware = datetime.fromisoformat(f"{self.at.isoformat()}{self.zone.replace('Z', '+00:00')}")
        return aware.astimezone(SEOUL).replace(tzinfo=None)


def entries(summary: Summary) -> list[Moment]:
    """List the entries of the log, in the order in which they are written."""
    found = []
    for line in summary.lines:
        if match := _ENTRY.search(line.text):
            found += _moment(match, line, match.group("words"))
    return found


def broken(summary: Summary) -> list[Line]:
    """List the lines with a stamp that is no time."""
    found = [(line, match) for line in summary.lines if (match := _ENTRY.search(line.text))]
    found += summary.match(rf"{_NAMED}:\s*{_STAMP}")
    return [line for line, match in found if not _moment(match, line, "")]


def stamps(summary: Summary, name: str) -> list[Moment]:
    """List the stamps behind a name, such as 'Timestamp'."""
    found = []
    for line, match in summary.match(rf"{name}:\s*{_STAMP}(?P<kst>\s+KST)?"):
        for moment in _moment(match, line, ""):
            zone = "KST" if match.group("kst") else moment.zone
            found.append(Moment(moment.at, zone, line.number))
    return found


def _moment(match: re.Match[str], line: Line, words: str) -> list[Moment]:
    """Read a stamp; nothing when it is no time."""
    zone = match.group("zone") or ""
    try:
        at = datetime.fromisoformat(match.group("t"))
        datetime.fromisoformat(f"{match.group('t')}{zone.replace('Z', '+00:00')}")
    except ValueError:
        return []
    return [Moment(at, zone, line.number, words)]


def seconds_between(first: Moment, last: Moment) -> float:
    """Tell the seconds from one entry to another."""
    return (last.at - first.at) / timedelta(seconds=1)


def entry(log: list[Moment], pattern: str) -> Moment | None:
    """Find the first entry whose words match."""
    return next((m for m in log if re.search(pattern, m.words, re.IGNORECASE)), None)


def durations(summary: Summary) -> list[Figure]:
    """List the run's whole duration wherever it is named, in seconds."""
    found = []
    for pattern in DURATIONS:
        for line, match in summary.match(pattern):
            if re.search(r"(Billed|Initialization) Duration", line.text):
                continue
            start, end = match.span("n")
            value = float(match.group("n")) * _UNITS[match.group("unit").lower()]
            places = line.places
            found.append(Figure(value, line.number, line.text, places[start], places[end - 1] + 1))
    return sorted(found, key=lambda figure: figure.line)


def metric(summary: Summary, name: str) -> Figure | None:
    """Give the seconds of a row of the performance table."""
    return summary.first(rf"\|\s*{name}\s*\|\s*(?P<n>[\d.]+)\s*s\b")


def seconds(value: float) -> str:
    """Write seconds as people do."""
    return f"{value:.3f}".rstrip("0").rstrip(".") + " s"


def pairs(log: list[Moment]) -> Iterator[tuple[Moment, Moment]]:
    """List every two entries that follow each other."""
    yield from pairwise(log)
