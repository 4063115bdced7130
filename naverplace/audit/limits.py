"""Do the thresholds hold as claimed, and the figures of memory?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from naverplace.audit.clockwork import durations, metric
from naverplace.audit.counts import same
from naverplace.audit.findings import Finding, told
from naverplace.audit.reading import Figure, Line, Summary, Table, number_in

MEMORY = (
    r"Memory Used:\s*(?P<n>[\d.]+) MB",
    r"\|\s*Memory Peak\s*\|\s*(?P<n>[\d.]+) MB",
    r"\|\s*Memory\s*\|[^|]*\|\s*~?(?P<n>[\d.]+) MB",
)
ALLOCATED = (
    r"out of (?P<n>[\d.]+) MB allocated",
    r"(?:Max Memory|Memory Size):\s*(?P<n>[\d.]+) MB",
)
_LIMIT = re.compile(r"(?P<sign>[<>])\s*(?P<n>[\d.]+)\s*(?P<unit>s|MB|%|ms)?\s*$")
_YES, _NO = "✅", "❌"


def check_limits(summary: Summary) -> Iterator[Finding]:
    """Judge every row of a table with values and thresholds, and what memory says elsewhere."""
    for table in summary.tables:
        value, limit = table.column("value"), table.column("threshold")
        if value is not None and limit is not None:
            for line, cells in table.rows:
                yield from _row(table, line, cells)
            yield from _all_hold(summary, table)
            yield from _told_as_issue(summary, table)
    yield from same("memory in MB", summary.figures(*MEMORY))
    yield from same("memory allocated in MB", summary.figures(*ALLOCATED))
    yield from _efficiency(summary)
    whole, total = durations(summary), metric(summary, "Total Duration")
    if whole and total and whole[0] != total:
        yield from same("duration by the table", [whole[0], total], within=0.0011)


def _row(table: Table, line: Line, cells: Sequence[str]) -> Iterator[Finding]:
    holds = _holds(table, cells)
    if holds is None:
        return
    status = table.column("status")
    name, value = cells[0], cells[table.column("value") or 0]
    limit = cells[table.column("threshold") or 0]
    claimed = cells[status] if status is not None else ""
    words = f"{name}: {value} {limit} {'holds' if holds else 'does not hold'}"
    if claimed not in (_YES, _NO):
        yield told(True, "threshold", words, [line.number])
        return
    right = holds == (claimed == _YES)
    if not right:
        words += f", but the document says {claimed}"
    yield told(right, "threshold", words, [line.number])


def _holds(table: Table, cells: Sequence[str]) -> bool | None:
    value = number_in(cells[table.column("value") or 0])
    limit = _LIMIT.search(cells[table.column("threshold") or 0])
    if value is None or limit is None:
        return None
    edge = float(limit.group("n"))
    return value < edge if limit.group("sign") == "<" else value > edge


def _told_as_issue(summary: Summary, table: Table) -> Iterator[Finding]:
    """Compare an issue about a threshold with the row that it is about."""
    at = table.column("value") or 0
    for line, found in summary.match(r"^- (?P<name>.+) is (?P<n>[\d.]+)(?:s| MB|%), not [<>]"):
        for row, cells in table.rows:
            if cells[0] == found.group("name"):
                words = f"{cells[0]}: {cells[at]} in the table, {found.group('n')} as an issue"
                holds = number_in(cells[at]) == float(found.group("n"))
                yield told(holds, "thresholds", words, [line.number, row.number])


def _all_hold(summary: Summary, table: Table) -> Iterator[Finding]:
    judged = [holds for _, cells in table.rows if (holds := _holds(table, cells)) is not None]
    lines = [line.number for line, _ in table.rows]
    for line, _ in summary.match(r"Performance within thresholds"):
        words = f"thresholds: {sum(judged)} of {len(judged)} hold, and the document says all"
        yield told(all(judged), "thresholds", words, [line.number, *lines])
    for line, found in summary.match(r"Thresholds that hold:\s*(?P<n>\d+)/(?P<of>\d+)"):
        said = (int(found.group("n")), int(found.group("of")))
        counted = (sum(judged), len(judged))
        words = f"thresholds: {counted[0]} of {counted[1]} hold, the document says {said[0]}"
        yield told(said == counted, "thresholds", words, [line.number, *lines])


def _efficiency(summary: Summary) -> Iterator[Finding]:
    used, allocated = summary.figures(*MEMORY), summary.figures(*ALLOCATED)
    share = summary.first(r"\|\s*Memory Efficiency\s*\|\s*(?P<n>[\d.]+)%")
    if not used or not allocated or not share:
        return
    exact = used[0].value / allocated[0].value * 100
    finely = "." in _said(share)
    holds = abs(exact - share.value) <= (0.051 if finely else 1.0)
    words = (
        f"memory efficiency: {used[0]} / {allocated[0]} MB = {exact:.1f} %, "
        f"{'and' if holds else 'but'} the table says {share} %"
    )
    yield told(holds, "memory efficiency", words, [used[0].line, allocated[0].line, share.line])


def _said(figure: Figure) -> str:
    found = re.search(r"([\d.]+)%", figure.said)
    return found.group(1) if found else ""
