"""Do the counts of messages, writes and bookings agree wherever the summary names them?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from naverplace.audit.findings import Finding, lines_of, told
from naverplace.audit.messages import Group, Sent, adds_up, against, groups_of
from naverplace.audit.reading import Figure, Summary, figure_of

TOTALS = (
    r"Total SMS sent:\s*(?P<n>\d+)",
    r"Total:.*?(?P<n>\d+) SMS sent",
    r"SMS sent[^|:]*: total=(?P<n>\d+)",
    r"\|\s*SMS sent\s*\|[^|]*\|\s*(?P<n>\d+)",
    r"SMS (?:delivery|accepted):\s*(?P<n>\d+)/",
    r"Accepted by SENS:\s*(?P<n>\d+)",
)
FAILURES = (
    r"(?:Failed delivery|Not accepted):\s*(?P<n>\d+)",
    r"SMS sent, (?P<n>\d+) failures",
    r"failures=(?P<n>\d+)",
)
WRITES = (
    r"(?P<n>\d+) write operations",
    r"Write operations:\s*(?P<n>\d+)",
    r"writes=(?P<n>\d+)",
    r"\|\s*DynamoDB writes\s*\|[^|]*\|\s*(?P<n>\d+)",
    r"DynamoDB updates:\s*(?P<n>\d+)/",
)
OUTCOMES = {  # of a group's lines: where their total stands
    ("Found accepted",): r"^- Found accepted from an earlier try:\s*(?P<n>\d+)",
    ("Skipped",): r"(?P<n>\d+) messages were skipped",
    ("Refused", "In doubt", "Failed"): r"^- Not accepted:\s*(?P<n>\d+)",
}
SAME = {
    "total of messages": TOTALS,
    "messages that failed": FAILURES,
    "writes": WRITES,
    "confirmed bookings (RC03)": (r"Retrieved (?P<n>\d+) active", r"RC03=(?P<n>\d+)"),
    "completed bookings (RC08)": (r"Retrieved (?P<n>\d+) completed", r"RC08=(?P<n>\d+)"),
    "quarantined bookings": (
        r"Quarantined bookings[^:]*:\s*(?P<n>\d+)",
        r"quarantined=(?P<n>\d+)",
        r"bookings with broken data:\s*(?P<n>\d+)",
    ),
    "records created": (
        r"records created:\s*(?P<n>\d+)/",
        r"Create new records:\s*(?P<n>\d+)",
        r"Processing new bookings: count=(?P<n>\d+)",
        r"^\s*- New Bookings.*:\s*(?P<n>\d+) detected",
    ),
    "records updated": (
        r"Updated flag in DynamoDB:\s*(?P<n>\d+)/",
        r"Update existing records:\s*(?P<n>\d+)",
        r"Processing reminder SMS: count=(?P<n>\d+)",
    ),
    "messages owed": (
        r"Total messages owed:\s*(?P<n>\d+)",
        r"planned=(?P<n>\d+)",
        r"SMS accepted:\s*\d+/(?P<n>\d+)",
    ),
    "contradictions": (
        r"^\s*- Contradictions:\s*(?P<n>\d+)",
        r"Contradictions between sums:\s*(?P<n>\d+)",
    ),
    "problems": (r"^\s*- Problems:\s*(?P<n>\d+)", r"^\d+\. .*Problems:\s*(?P<n>\d+)"),
    "messages found in the table": (
        r"Messages of this run found in the table:\s*(?P<n>\d+)",
        r"Looked up in table:\s*(?P<n>\d+)",
    ),
    "messages found in SENS's log": (
        r"Found in SENS's own log:\s*(?P<n>\d+)",
        r"Looked up in SENS's log:\s*(?P<n>\d+)",
    ),
    "messages too young for the log": (
        r"Too young for SENS's log:\s*(?P<n>\d+)",
        r"Messages too young for SENS's log:\s*(?P<n>\d+)",
        r"^- (?P<n>\d+) messages are not in SENS's log yet",
    ),
}


def check_counts(summary: Summary) -> Iterator[Finding]:
    """Compare every count with the same count elsewhere, and every sum with its parts."""
    for what, patterns in SAME.items():
        yield from same(what, summary.figures(*patterns))
    groups = groups_of(summary)
    yield from _ratios(groups)
    yield from _sum_of_messages(summary, groups)
    yield from _outcomes(summary, groups)
    yield from _delivered(summary)
    yield from _writes(summary)
    yield from _told(summary, groups)


def same(what: str, figures: Sequence[Figure], *, within: float = 0.0) -> Iterator[Finding]:
    """Compare a figure with every other place that names it."""
    if len(figures) < 2:
        return
    first, *others = figures
    wrong = [other for other in others if abs(other.value - first.value) > within]
    for other in wrong:
        words = f"{what}: {first} in line {first.line}, but {other} in line {other.line}"
        yield told(False, f"same {what}", words, [first.line, other.line])
    if not wrong:
        words = f"{what}: {first} in all {len(figures)} places"
        yield told(True, f"same {what}", words, [figure.line for figure in figures])


def by_value(figures: Sequence[Figure]) -> list[list[Figure]]:
    """Put figures together that say the same."""
    found: dict[float, list[Figure]] = {}
    for figure in figures:
        found.setdefault(figure.value, []).append(figure)
    return list(found.values())


def where(figures: Sequence[Figure]) -> str:
    """Name the lines of some figures, as the subject of a sentence."""
    numbers = [str(figure.line) for figure in figures]
    if len(numbers) == 1:
        return f"line {numbers[0]} says"
    return f"lines {', '.join(numbers[:-1])} and {numbers[-1]} say"


def _ratios(groups: Sequence[Group]) -> Iterator[Finding]:
    for group in groups:
        for row in group.sent:
            yield from _of_wanted(group, row)
        for what, n, of in group.ratios:
            words = f"{what}: {n} of {of}"
            yield told(n.value <= of.value, "ratio", words, [n.line])
            if group.new is not None:
                words = f"{what}: of {of}, and {group.title!r} has {group.detected}"
                where = [of.line, group.detected.line]
                yield told(of.value == group.detected.value, "ratio", words, where)
        if len(group.sent) == 1 and group.others:
            parts = [group.sent[0].sent, *group.others]
            whole = sum(part.value for part in parts) == group.detected.value
            words = f"{group.title}: {adds_up(parts)} by outcome, and {group.detected} detected"
            yield told(whole, "outcomes", words, [*(p.line for p in parts), group.detected.line])


def _of_wanted(group: Group, row: Sent) -> Iterator[Finding]:
    words = f"{group.title}: {row.sent} {row.kind} messages sent of {row.of}"
    open_rest = row.sent.value < row.of.value and not group.others
    holds = row.sent.value <= row.of.value and not open_rest
    yield told(holds, "ratio", words, [row.sent.line])
    if row.wanted is not None:
        words = f"{group.title}: {row.kind} messages sent of {row.of}, and there were {row.wanted}"
        where = [row.of.line, row.wanted.line]
        yield told(row.of.value == row.wanted.value, "ratio", words, where)


def _sum_of_messages(summary: Summary, groups: Sequence[Group]) -> Iterator[Finding]:
    parts = [row.sent for group in groups for row in group.sent]
    if parts:
        kinds = [f"{row.sent} {row.kind}" for group in groups for row in group.sent]
        total = sum(part.value for part in parts)
        for places in by_value(summary.figures(*TOTALS)):
            holds = places[0].value == total
            words = (
                f"messages sent: {adds_up(parts)} ({', '.join(kinds)}), "
                f"{'and' if holds else 'but'} {where(places)} {places[0]}"
            )
            lines = [figure.line for figure in (*parts, *places)]
            yield told(holds, "sum of messages", words, lines)
    owed = summary.first(r"Total messages owed:\s*(?P<n>\d+)")
    if owed and groups:
        detected = [group.detected for group in groups]
        holds = sum(figure.value for figure in detected) == owed.value
        words = (
            f"messages owed: {adds_up(detected)}, {'and' if holds else 'but'} the total is {owed}"
        )
        yield told(holds, "sum of messages owed", words, [*(d.line for d in detected), owed.line])


def _outcomes(summary: Summary, groups: Sequence[Group]) -> Iterator[Finding]:
    """Add up the groups' other outcomes, and compare with what is said about all messages."""
    if not any(group.others for group in groups):
        for pattern in OUTCOMES.values():
            for place in summary.figures(pattern):
                words = f"no group has such an outcome, and line {place.line} says {place}"
                yield told(place.value == 0, "outcomes in all", words, [place.line])
        return
    for names, pattern in OUTCOMES.items():
        parts = [
            f for group in groups for f in group.others if f.said.strip(" -").startswith(names)
        ]
        for place in summary.figures(pattern):
            words = against(f"messages {names[0].lower()} ...", parts, place)
            holds = sum(part.value for part in parts) == place.value
            yield told(holds, "outcomes in all", words, [*(p.line for p in parts), place.line])


def _delivered(summary: Summary) -> Iterator[Finding]:
    pattern = r"phones:\s*(?P<a>\d+) by .*, (?P<b>\d+) undelivered, (?P<c>\d+) still"
    shown = summary.first(r"Found in SENS's own log:\s*(?P<n>\d+)")
    for line, found in summary.match(pattern):
        if shown:
            parts = [figure_of(line, found, name) for name in "abc"]
            holds = sum(part.value for part in parts) == shown.value
            words = against("messages in SENS's log by their end", parts, shown)
            yield told(holds, "ends in the log", words, [line.number, shown.line])


def _writes(summary: Summary) -> Iterator[Finding]:
    total = summary.first(r"(?P<n>\d+) write operations")
    if total is None:
        return
    parts = []
    for line in summary.lines[total.line :]:
        if line.indent == 0 or not line.text.strip():
            break
        parts += [
            f for f in summary.figures(r"^\s+- [\w ]+:\s*(?P<n>\d+)\s*$") if f.line == line.number
        ]
    if parts or total.value == 0:
        holds = sum(part.value for part in parts) == total.value
        words = f"writes: {adds_up(parts)}, {'and' if holds else 'but'} the total is {total}"
        yield told(holds, "sum of writes", words, lines_of([p.line for p in parts], total.line))


def _told(summary: Summary, groups: Sequence[Group]) -> Iterator[Finding]:
    """Compare what the owner was told on Telegram with what was sent."""
    pattern = r"(?P<n>\d+) new, (?P<more>\d+) reminders"
    for line, found in summary.match(pattern):
        for kind, said in (("confirmation", found.group("n")), ("guide", found.group("more"))):
            parts = [row.sent for g in groups for row in g.sent if row.kind == kind]
            holds = sum(part.value for part in parts) == float(said)
            words = (
                f"the owner was told of {said} {kind} messages, "
                f"{'and' if holds else 'but'} {adds_up(parts)} were sent"
            )
            yield told(holds, "told to the owner", words, [line.number, *(p.line for p in parts)])
