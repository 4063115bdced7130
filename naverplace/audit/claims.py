"""What a summary claims about itself: parity, success, and what no run can know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from naverplace.audit.findings import Finding, told, unshown
from naverplace.audit.messages import adds_up, groups_of
from naverplace.audit.reading import Summary, Table, number_in

_UNKNOWABLE = (
    (r"Read confirmation", "no channel tells whether somebody has read a message"),
    (r"Delivery confirmation received", "SENS tells of a delivery later, in its own log"),
    (r"Delivery status: SUCCESS \(status code 202", "202 is an acceptance, not a delivery"),
    (r"TTL/retention working", "one run cannot see what is deleted after days"),
    (r"No customer-facing discrepancies", "no customer was asked, and the counts do not agree"),
    (r"Data consistency verified", "no count of the table is shown beside the run's own"),
    (r"Message templates rendered correctly", "no text was compared with its template"),
)
_GOOD = r"(?:SUCCESS(?:FUL)?|NO ISSUES DETECTED|NOMINAL|100% (?:MATCH|parity))\b"


def check_parity(summary: Summary) -> Iterator[Finding]:
    """Check what a comparison with the legacy claims, row by row and as a whole."""
    for table in summary.tables:
        legacy, match = table.column("legacy"), table.column("match")
        new = table.column("new")
        if legacy is None or match is None or new is None:
            continue
        exact = []
        for line, cells in table.rows:
            left, right = number_in(cells[legacy]), number_in(cells[new])
            if left is None or right is None:
                continue
            exact.append(left == right)
            words = f"parity of {cells[0]}: {cells[legacy]} and {cells[new]}, {cells[match]!r}"
            holds = left == right if "100%" in cells[match] else abs(left - right) <= left * 0.1
            yield told(holds, "parity", words, [line.number])
        yield from _whole(summary, table, exact)
        yield from _basis(summary, table)


def _whole(summary: Summary, table: Table, exact: Sequence[bool]) -> Iterator[Finding]:
    claims = [line.number for line, _ in summary.match(r"Parity Status: 100% MATCH|100% parity")]
    if claims:
        words = f"parity: {sum(exact)} of {len(exact)} rows are equal, and the document says 100 %"
        lines = [*claims, *(row.number for row, _ in table.rows)]
        yield told(all(exact), "parity as a whole", words, lines)


def _basis(summary: Summary, table: Table) -> Iterator[Finding]:
    """Check the figures that were compared against what the document itself counts."""
    parts = [row.sent for group in groups_of(summary) for row in group.sent]
    legacy, new = table.column("legacy") or 0, table.column("new") or 0
    for line, cells in table.rows:
        if cells[0].lower() == "sms sent" and parts:
            total = sum(part.value for part in parts)
            holds = number_in(cells[new]) == total
            words = (
                f"parity was computed from {cells[new]} messages, "
                f"{'and' if holds else 'but'} {adds_up(parts)} are listed: "
                f"{'' if holds else 'a 100 % of wrong figures'}"
            ).removesuffix(": ")
            yield told(holds, "basis of the parity", words, [line.number, *(p.line for p in parts)])
        if cells[0].lower().startswith("slack") and number_in(cells[legacy]):
            words = (
                f"the legacy is said to have sent {cells[legacy]} Slack message, and it can only "
                "send Telegram (L20)"
            )
            yield told(False, "parity of Slack", words, [line.number])


def check_verdict(summary: Summary, contradictions: Sequence[Finding]) -> Iterator[Finding]:
    """Compare title, status, verdict and footer with each other, and with what was found."""
    failed: list[int] = []
    passed: list[int] = []
    for line, found in summary.match(
        r"^#+ .*Summary: (\w+)|Status: (SUCCESS|FAILED)|RUN (FAILED|SUCCESSFUL)|"
        r"(?:CUTOVER) (SUCCESSFUL|FAILED)|^#+ .*(DRY RUN)|Run Summary:.*(DRY RUN)"
    ):
        word = next(group for group in found.groups() if group).upper()
        (failed if word == "FAILED" else passed).append(line.number)
    # A response's status of one channel is not the run's.
    if failed and passed:
        words = "the document says both that the run failed and that it did not"
        yield told(False, "verdict", words, [*failed, *passed])
    elif failed or passed:
        words = f"verdict: {'failed' if failed else 'success'} in all places"
        yield told(True, "verdict", words, [*failed, *passed])
    listed = summary.first(r"^\s*- Contradictions:\s*(?P<n>\d+)")
    if listed and listed.value and passed:
        words = f"the document lists {listed} contradictions and does not say FAILED"
        yield told(False, "verdict", words, [listed.line, *passed])
    claims = [line.number for line, _ in summary.match(_GOOD, section="verdict")]
    claims += [line.number for line, _ in summary.match(r"NO ISSUES DETECTED")]
    if contradictions and not failed and claims:
        words = (
            f"the document claims success and no issues, and {len(contradictions)} pairs of its "
            "figures contradict each other"
        )
        yield told(False, "success", words, claims)


def check_issues(summary: Summary) -> Iterator[Finding]:
    """Compare the sum of issues with the severities, and each severity with its list."""
    counted, lines = 0.0, []
    for line, found in summary.match(
        r"^(\w+)(?: Issues| Priority)?:\s*(?P<n>\d+|None)\b", section="Issues Found"
    ):
        said = found.group("n")
        value = 0.0 if said.lower() == "none" else float(said)
        below = 0
        for other in summary.lines[line.number :]:
            if not other.text.startswith("- "):
                break
            below += 1
        counted += value
        lines.append(line.number)
        words = f"{found.group(1)} issues: {value:g} counted, {below} listed"
        yield told(value == below, "issues", words, [line.number])
    for line, found in summary.match(
        r"Overall Status: (?:(?P<n>\d+) ISSUES?|NO ISSUES)", section="Issues Found"
    ):
        total = float(found.group("n") or 0)
        words = f"issues: {counted:g} by severity, {total:g} in all"
        yield told(total == counted, "issues in all", words, [line.number, *lines])


def check_unknowable(summary: Summary) -> Iterator[Finding]:
    """Name the claims that a run's own summary cannot know."""
    for pattern, why in _UNKNOWABLE:
        for line, found in summary.match(pattern):
            yield unshown("unknowable", f"{found.group()!r}: {why}", line.number)
    for line, found in summary.match(r"current hour ≠ (\d+)"):
        stamp = next(summary.match(r"Timestamp:\s*\S+T(\d\d):"), None)
        if stamp:
            hour = int(stamp[1].group(1))
            holds = hour != int(found.group(1))
            words = f"hour: {hour}, and the document says that it is not {found.group(1)}"
            yield told(holds, "hour", words, [line.number, stamp[0].number])
    for line, found in summary.match(r"within (\d+)ms", section="Upstream"):
        yield from _trigger(summary, line.number, float(found.group(1)))


def _trigger(summary: Summary, line: int, limit: float) -> Iterator[Finding]:
    pattern = re.compile(r"T\d\d:\d\d:(\d\d\.\d+)Z?\] (?:INFO: )?(START|EventBridge trigger)")
    found = {}
    for entry in summary.lines:
        if match := pattern.search(entry.text):
            found[match.group(2)] = (float(match.group(1)), entry.number)
    if len(found) == 2:
        (begin, first), (end, last) = found["START"], found["EventBridge trigger"]
        late = (end - begin) * 1000
        words = f"trigger: received {late:g} ms after START, within {limit:g} ms"
        yield told(late <= limit, "trigger", words, [line, first, last])
