"""Do the lines of the stores add up to their total, and fit what was sent?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from naverplace.audit.counts import by_value, same
from naverplace.audit.findings import Finding, told
from naverplace.audit.messages import Group, adds_up, groups_of
from naverplace.audit.reading import Figure, Line, Summary, figure_of

_STORE = re.compile(r"^\s*- Store (?P<id>\d+)[^:]*:")
_BOOKINGS = re.compile(r"(?P<n>\d+) bookings?\b")
_SMS = re.compile(r"(?P<n>\d+) SMS sent")
STORES = (
    r"Booking API for (?P<n>\d+) stores",
    r"Fetching bookings from (?P<n>\d+) stores",
    r"Total: (?P<n>\d+) (?:active )?stores",
    r"stores: (?P<n>\d+)\s*$",
)
SUMS = {  # what a store's line may say besides, and where its total stands
    r"RC03 (?P<n>\d+)": (r"Retrieved (?P<n>\d+) active", "confirmed bookings of the stores"),
    r"RC08 (?P<n>\d+)": (r"Retrieved (?P<n>\d+) completed", "completed bookings of the stores"),
    r"quarantined (?P<n>\d+)": (
        r"Quarantined bookings[^:]*:\s*(?P<n>\d+)",
        "quarantined bookings of the stores",
    ),
    r"not accepted (?P<n>\d+)": (
        r"SMS sent, (?P<n>\d+) failures",
        "messages of the stores that were not accepted",
    ),
}


@dataclass(frozen=True)
class Shop:
    """One store's line."""

    line: Line
    bookings: Figure | None
    sms: Figure | None


def check_shops(summary: Summary) -> Iterator[Finding]:
    """Compare the stores' lines with their number, their totals and the messages sent."""
    shops = _shops(summary)
    if not shops:
        return
    yield from _how_many(summary, shops)
    yield from _messages(summary, shops)
    yield from _bookings(summary, shops)
    for part, (total, what) in SUMS.items():
        yield from _sum(shops, part, summary.figures(total), what)


def _shops(summary: Summary) -> list[Shop]:
    found = []
    for line in summary.lines:
        if _STORE.search(line.text):
            bookings, sms = _BOOKINGS.search(line.text), _SMS.search(line.text)
            found.append(
                Shop(
                    line,
                    figure_of(line, bookings, "n") if bookings else None,
                    figure_of(line, sms, "n") if sms else None,
                )
            )
    return found


def _how_many(summary: Summary, shops: Sequence[Shop]) -> Iterator[Finding]:
    lines = [shop.line.number for shop in shops]
    for figure in summary.figures(*STORES):
        holds = figure.value == len(shops)
        words = f"stores: {len(shops)} are listed, {'and' if holds else 'but'} {figure} are counted"
        yield told(holds, "number of stores", words, [figure.line, lines[0], lines[-1]])
    busy = [shop for shop in shops if shop.bookings and shop.bookings.value]
    idle = [shop.line.number for shop in shops if shop not in busy]
    for active in summary.figures(
        r"Total: (?P<n>\d+) active stores", r"(?P<n>\d+) of them with messages owed"
    ):
        holds = active.value == len(busy)
        words = (
            f"active stores: {active} by the total, {'and' if holds else 'but'} {len(busy)} have "
            f"bookings and {len(shops) - len(busy)} have 0"
        )
        yield told(holds, "active stores", words, [active.line, *idle])


def _messages(summary: Summary, shops: Sequence[Shop]) -> Iterator[Finding]:
    parts = [shop.sms for shop in shops if shop.sms]
    lines = [shop.line.number for shop in shops]
    value = sum(part.value for part in parts)
    groups = groups_of(summary)
    totals = summary.figures(r"Total:.*?(?P<n>\d+) SMS sent", r"Total SMS sent:\s*(?P<n>\d+)")
    for same_totals in by_value(totals):
        total = same_totals[0]
        holds = value == total.value
        words = f"messages of the stores: {adds_up(parts)}, {'and' if holds else 'but'} the total is {total}"
        if not holds:
            words += _missing(value, groups)
        yield told(holds, "sum of the stores", words, [*lines, *(t.line for t in same_totals)])
    for shop in shops:
        if shop.sms and shop.sms.value and not (shop.bookings and shop.bookings.value):
            words = f"a store without a booking was sent {shop.sms} messages"
            yield told(False, "messages without bookings", words, [shop.line.number])


def _missing(value: float, groups: Sequence[Group]) -> str:
    """Say which groups are left out, when leaving out whole groups explains the sum."""
    rows = [(group, row) for group in groups for row in group.sent]
    total = sum(row.sent.value for _, row in rows)
    for group, row in rows:
        if row.sent.value and total - row.sent.value == value:
            return f"; {total:g} - {value:g} = {row.sent}: {group.title!r} are left out here"
    return ""


def _bookings(summary: Summary, shops: Sequence[Shop]) -> Iterator[Finding]:
    parts = [shop.bookings for shop in shops if shop.bookings]
    lines = [shop.line.number for shop in shops]
    value = sum(part.value for part in parts)
    total = summary.first(r"Total:.*?(?P<n>\d+) bookings processed")
    if total:
        holds = value == total.value
        words = f"bookings of the stores: {adds_up(parts)}, {'and' if holds else 'but'} the total is {total}"
        yield told(holds, "bookings of the stores", words, [*lines, total.line])
    # A booking is either new or not, and has at most one message of a kind.
    most = _largest(groups_of(summary))
    if parts and len(most) == 2:
        least = sum(figure.value for figure in most.values())
        holds = least <= value
        words = (
            f"bookings: {most[True]} new and {most[False]} existing ones are owed messages, "
            f"{least:g} at least, {'and' if holds else 'but'} the stores' lines have {value:g}"
        )
        where = [*lines, *(figure.line for figure in most.values())]
        yield told(holds, "bookings with messages", words, where)


def _largest(groups: Sequence[Group]) -> Mapping[bool, Figure]:
    found: dict[bool, Figure] = {}
    for group in groups:
        if group.new is not None:
            before = found.get(group.new)
            if before is None or group.detected.value > before.value:
                found[group.new] = group.detected
    return found


def _sum(
    shops: Sequence[Shop], part: str, totals: Sequence[Figure], what: str
) -> Iterator[Finding]:
    parts = [
        figure_of(shop.line, found, "n")
        for shop in shops
        if (found := re.search(part, shop.line.text))
    ]
    if parts and totals:
        value = sum(figure.value for figure in parts)
        holds = value == totals[0].value
        words = f"{what}: {adds_up(parts)}, {'and' if holds else 'but'} the total is {totals[0]}"
        yield told(holds, what, words, [*(f.line for f in parts), totals[0].line])


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
        words = (
            f"{head.lower()}: {adds_up(parts)}, {'and' if holds else 'but'} the total is {total}"
        )
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
