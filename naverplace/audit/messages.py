"""The messages of a run as its summary lists them, group by group."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from naverplace.audit.reading import Figure, Line, Summary, figure_of

_GROUP = re.compile(r"^\s*- (?P<title>.+?):\s*(?P<n>\d+) detected")
_WINDOW = re.compile(r"^\s*- Within .* window:\s*(?P<n>\d+) bookings", re.IGNORECASE)
_SENT = re.compile(r"Sent (?P<kind>\S+) SMS[^:]*:\s*(?P<n>\d+)\s*/\s*(?P<of>\d+)", re.IGNORECASE)
_RATIO = re.compile(r"^\s*- (?P<what>[^:]+):\s*(?P<n>\d+)\s*/\s*(?P<of>\d+)")
_OTHER = re.compile(
    r"^\s+- (?:Found accepted|Skipped|Refused|In doubt|Failed|Not tried)[^:]*:\s*(?P<n>\d+)\s*$"
)
WORDS = {"reminder": "guide", "remind": "guide", "confirm": "confirmation"}


@dataclass
class Sent:
    """One line that says how many of how many were sent."""

    kind: str
    sent: Figure
    of: Figure
    wanted: Figure | None  # how many there were, by the line above


@dataclass
class Group:
    """The messages of one group of bookings."""

    title: str
    detected: Figure
    sent: list[Sent] = field(default_factory=list)
    others: list[Figure] = field(default_factory=list)  # by outcomes that are not 'sent'
    ratios: list[tuple[str, Figure, Figure]] = field(default_factory=list)

    @property
    def new(self) -> bool | None:
        """Tell whether its bookings are new ones; None when its title does not tell."""
        title = self.title.lower()
        return True if "new booking" in title else False if "existing" in title else None


def groups_of(summary: Summary) -> list[Group]:
    """Read the groups of section 'SMS Processing'."""
    groups: list[Group] = []
    wanted: Figure | None = None
    for line in summary.lines:
        if "sms processing" not in line.section.lower():
            continue
        if found := _GROUP.search(line.text):
            wanted = figure_of(line, found, "n")
            groups.append(Group(found.group("title"), wanted))
        elif groups:
            wanted = _add(groups[-1], line, wanted)
    return groups


def _add(group: Group, line: Line, wanted: Figure | None) -> Figure | None:
    """Add a line to its group; give what the next line's messages are counted against."""
    if found := _WINDOW.search(line.text):
        return figure_of(line, found, "n")
    if found := _SENT.search(line.text):
        kind = found.group("kind").lower()
        sent, of = figure_of(line, found, "n"), figure_of(line, found, "of")
        group.sent.append(Sent(WORDS.get(kind, kind), sent, of, wanted))
        return group.detected
    if found := _RATIO.search(line.text):
        n, of = figure_of(line, found, "n"), figure_of(line, found, "of")
        group.ratios.append((found.group("what").strip(), n, of))
    elif found := _OTHER.search(line.text):
        group.others.append(figure_of(line, found, "n"))
    return wanted


def adds_up(figures: Sequence[Figure]) -> str:
    """Write a sum in words, as '8 + 3 + 12 = 23'."""
    total = sum(figure.value for figure in figures)
    if len(figures) < 2:
        return f"{total:g}"
    return f"{' + '.join(map(str, figures))} = {total:g}"


def against(what: str, parts: Sequence[Figure], total: Figure) -> str:
    """Write a sum beside the total that it should be."""
    agree = sum(part.value for part in parts) == total.value
    return f"{what}: {adds_up(parts)}, {'and' if agree else 'but'} the total is {total}"
