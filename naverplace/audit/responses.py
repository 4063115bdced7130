"""Do the response times of single calls fit the time that all of them took?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from naverplace.audit.clockwork import entries, entry, metric, seconds, seconds_between
from naverplace.audit.counts import same
from naverplace.audit.findings import Finding, told
from naverplace.audit.reading import Figure, Line, Summary, figure_of

_AVERAGE = re.compile(
    r"response time:\s*(?P<n>[\d.]+)\s*ms(?: average)?"
    r"(?: of (?P<count>\d+) calls? \((?P<summed>[\d.]+)s summed, (?P<wall>[\d.]+)s)?",
    re.IGNORECASE,
)


def check_responses(summary: Summary) -> Iterator[Finding]:
    """Multiply averages by counts, and compare with the seconds that the summary names."""
    times = {line.section.rpartition(" / ")[2]: found for line, found in _averages(summary)}
    for line, found in _averages(summary):
        if found.group("count"):
            yield from _summed(line, found)
    yield from _calls(summary)
    yield from _sens(summary)
    channels = [found for name, found in times.items() if "Notification" in name]
    yield from _channels(summary, channels)
    yield from _sla(summary)


def _averages(summary: Summary) -> Iterator[tuple[Line, re.Match[str]]]:
    for line in summary.lines:
        if found := _AVERAGE.search(line.text):
            yield line, found


def _summed(line: Line, found: re.Match[str]) -> Iterator[Finding]:
    average, count = figure_of(line, found, "n"), figure_of(line, found, "count")
    summed, wall = figure_of(line, found, "summed"), figure_of(line, found, "wall")
    product = average.value * count.value / 1000
    holds = abs(product - summed.value) <= 0.00006 * count.value + 0.0006
    words = f"{count} calls of {average} ms: {seconds(product)}, and {seconds(summed.value)} summed"
    yield told(holds, "response times", words, [line.number])
    words = f"{seconds(wall.value)} on the wall clock, and {seconds(summed.value)} summed"
    yield told(wall.value <= summed.value + 0.002, "response times", words, [line.number])


def _calls(summary: Summary) -> Iterator[Finding]:
    """Compare how often a service was called, where it is told twice."""
    for line, found in _averages(summary):
        name = re.search(r"DynamoDB|Telegram|Slack", line.section.rpartition(" / ")[2])
        if name and found.group("count"):
            calls = summary.figures(
                r"^- Calls:\s*(?P<n>\d+)", section=f"Downstream: {name.group()}"
            )
            yield from same(f"calls of {name.group()}", [figure_of(line, found, "count"), *calls])


def _sens(summary: Summary) -> Iterator[Finding]:
    """Check the average of SENS with the number of messages, as the log leaves time for them."""
    for line, found in _averages(summary):
        if not re.search("SENS", line.text):
            continue
        average = figure_of(line, found, "n")
        total = metric(summary, "SMS Sending")
        if found.group("wall"):
            if total:
                wall = figure_of(line, found, "wall")
                words = f"SMS: {seconds(wall.value)} by SENS, {seconds(total.value)} by the table"
                holds = abs(wall.value - total.value) < 0.0011
                yield told(holds, "response times", words, [line.number, total.line])
            continue
        count = summary.first(r"Total SMS sent:\s*(?P<n>\d+)")
        if total and count:
            product = average.value * count.value / 1000
            holds = abs(product - total.value) <= 0.05 + 0.0005 * count.value
            words = (
                f"SMS: {count} x {average} ms = {seconds(product)}, "
                f"{'and' if holds else 'but'} {seconds(total.value)} by the table"
            )
            yield told(holds, "response times", words, [line.number, count.line, total.line])
        yield from _reminders(summary, average)


def _reminders(summary: Summary, average: Figure) -> Iterator[Finding]:
    log = entries(summary)
    begin, end = entry(log, r"Processing reminder SMS"), entry(log, r"SMS sent")
    if not begin or not end:
        return
    found = re.search(r"count=(\d+)", begin.words)
    count = float(found.group(1)) if found else 0.0
    span, needed = seconds_between(begin, end), count * average.value / 1000
    words = (
        f"{count:g} reminders of {average} ms each need {seconds(needed)}, and the log leaves "
        f"{seconds(span)} for them"
    )
    yield told(needed <= span + 0.1, "response times", words, [begin.line, end.line, average.line])


def _channels(summary: Summary, found: list[re.Match[str]]) -> Iterator[Finding]:
    total = metric(summary, "Notification Sending")
    times = [float(one.group("n")) * float(one.group("count") or 1) for one in found]
    if not total or not times:
        return
    lines = [
        line.number
        for line, one in _averages(summary)
        if one.group() in {channel.group() for channel in found}
    ]
    summed = sum(times) / 1000
    alone = not any(one.group("count") for one in found)
    holds = abs(summed - total.value) <= 0.051 if alone else total.value <= summed + 0.01
    words = (
        f"notifications: {' + '.join(f'{time:g}' for time in times)} ms = {seconds(summed)}, "
        f"{'and' if holds else 'but'} {seconds(total.value)} by the table"
    )
    yield told(holds, "notifications", words, [*lines, total.line])


def _sla(summary: Summary) -> Iterator[Finding]:
    sla = summary.first(r"SLA \(< (?P<n>[\d.]+) seconds? per message\)")
    total = metric(summary, "SMS Sending")
    count = summary.first(r"Total SMS sent:\s*(?P<n>\d+)")
    if sla and total and count and count.value:
        each = total.value / count.value
        words = (
            f"SLA: {seconds(total.value)} / {count} = {seconds(round(each, 3))} a message, "
            f"allowed are {seconds(sla.value)}"
        )
        yield told(each < sla.value, "SLA", words, [sla.line, total.line, count.line])
