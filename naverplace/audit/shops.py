"""Do the lines of the stores add up to their total, and fit what was sent?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from naverplace.audit.counts import by_value
from naverplace.audit.findings import Finding, told
from naverplace.audit.messages import Group, against, groups_of
from naverplace.audit.reading import Figure, Line, Summary, figure_of

_STORE = re.compile(r"^\s*- Store (?P<id>\d+)[^:]*:")
_BOOKINGS = re.compile(r"(?P<n>\d+) bookings?\b")
_SMS = re.compile(r"(?P<n>\d+) SMS sent")
STORES = (
    r"Booking API for (?P<n>\d+) stores",
    r"Fetching bookings from (?P<n>\d+) stores",
    r"Total: (?P<n>\d+) stores",
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
    bad = [shop.line.number for shop in shops if "; problem: " in shop.line.text]
    for figure in summary.figures(r"Stores that could not be read[^:]*:\s*(?P<n>\d+)"):
        words = f"stores with a problem: {len(bad)} by their lines, {figure} in all"
        yield told(figure.value == len(bad), "stores with a problem", words, [figure.line, *bad])
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
        words = against("messages of the stores", parts, total)
        if not holds:
            words += _missing(value, groups)
        yield told(holds, "sum of the stores", words, [*lines, *(t.line for t in same_totals)])
    for shop in shops:
        if shop.sms and shop.sms.value and shop.bookings and not shop.bookings.value:
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
        words = against("bookings of the stores", parts, total)
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
        words = against(what, parts, totals[0])
        yield told(holds, what, words, [*(f.line for f in parts), totals[0].line])
