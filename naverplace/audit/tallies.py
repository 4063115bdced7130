"""The table that counts each message in plan, results, table and SENS's log: does it agree?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from naverplace.audit.counts import same
from naverplace.audit.findings import Finding, told
from naverplace.audit.messages import adds_up, against, groups_of
from naverplace.audit.reading import Figure, Line, Summary, figure_of


def check_tallies(summary: Summary) -> Iterator[Finding]:
    """Check the table that counts each message in plan, results, table and log."""
    for table in summary.tables:
        if "planned" not in [head.lower() for head in table.head]:
            continue
        columns: dict[str, dict[str, Figure]] = {head: {} for head in table.head[1:]}
        for line, cells in table.rows:
            for head, cell in zip(table.head[1:], cells[1:], strict=False):
                if cell.isdigit():
                    columns[head][cells[0]] = _cell(line, head, table.head)
        for head, column in columns.items():
            yield from _column(head, column)
        yield from _across(summary, columns)


def _cell(line: Line, head: str, heads: Sequence[str]) -> Figure:
    at = list(heads).index(head)
    starts = [found.end() for found in re.finditer(r"\|", line.text)]
    found = re.compile(r"\s*(?P<n>\d+)").match(line.text, starts[at])
    if found is None:
        raise ValueError(f"line {line.number}: cell {head!r} holds no number")
    return figure_of(line, found, "n")


def _column(head: str, column: Mapping[str, Figure]) -> Iterator[Finding]:
    total = column.get("total")
    parts = [figure for kind, figure in column.items() if kind != "total"]
    if total and parts:
        value = sum(part.value for part in parts)
        holds = value == total.value
        words = against(head.lower(), parts, total)
        yield told(holds, f"column {head}", words, [*(p.line for p in parts), total.line])


def _across(summary: Summary, columns: Mapping[str, Mapping[str, Figure]]) -> Iterator[Finding]:
    empty: Mapping[str, Figure] = {}
    planned, accepted, adopted, table, log = (
        columns.get(head, empty)
        for head in ("Planned", "Accepted", "Adopted", "In the table", "In SENS's log")
    )
    groups = groups_of(summary)
    for kind, figure in accepted.items():
        if kind == "total":
            yield from same("accepted", [figure, *summary.figures(r"Total SMS sent:\s*(?P<n>\d+)")])
            continue
        sent = [row.sent for group in groups for row in group.sent if row.kind == kind]
        yield from _equal(f"{kind} sent, and accepted", sent, [figure])
    for kind, figure in planned.items():
        owed = [g.detected for g in groups if g.title.lower().startswith(f"{kind} sms")]
        yield from _equal(f"{kind} detected, and planned", owed, [figure])
    young = summary.first(r"Messages too young for SENS's log:\s*(?P<n>\d+)")
    for kind, figure in table.items():
        counted = [c[kind] for c in (accepted, adopted) if kind in c]
        yield from _equal(f"{kind} accepted and adopted, and in the table", counted, [figure])
    if "total" in log and "total" in accepted and "total" in adopted:
        shown = [log["total"], *([young] if young else [])]
        counted = [accepted["total"], adopted["total"]]
        yield from _equal("accepted and adopted, and in SENS's log or too young", counted, shown)
    for name, column in (("the table", table), ("SENS's log", log)):
        pattern = {
            "the table": r"Messages of this run found in the table:\s*(?P<n>\d+)",
            "SENS's log": r"Found in SENS's own log:\s*(?P<n>\d+)",
        }[name]
        if "total" in column:
            yield from same(f"found in {name}", [column["total"], *summary.figures(pattern)])


def _equal(what: str, left: Sequence[Figure], right: Sequence[Figure]) -> Iterator[Finding]:
    if not left:
        return
    holds = sum(f.value for f in left) == sum(f.value for f in right)
    words = f"{what}: {adds_up(left)}, {'and' if holds else 'but'} {adds_up(right)}"
    yield told(holds, what.partition(" ")[2], words, [f.line for f in (*left, *right)])
