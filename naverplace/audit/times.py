"""Do durations, log and stamps tell of the same run?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from naverplace.audit.clockwork import (
    Moment,
    durations,
    entries,
    entry,
    metric,
    pairs,
    seconds,
    seconds_between,
    stamps,
)
from naverplace.audit.counts import by_value, same
from naverplace.audit.findings import Finding, told, unshown
from naverplace.audit.reading import Summary

SLACK = 1.0  # seconds that a log and a stopwatch may differ
TEXTBOOK = "550e8400-e29b-41d4-a716-446655440000"  # from RFC 4122 examples
LONG_SILENCE = 10.0  # seconds without an entry


def check_times(summary: Summary) -> Iterator[Finding]:
    """Compare every duration and stamp with the log and with each other."""
    log = entries(summary)
    yield from same("duration in seconds", durations(summary), within=0.0011)
    yield from _in_words(summary)
    yield from _billed(summary)
    if len(log) > 1:
        yield from _order(log)
        yield from _length(summary, log)
        yield from _start(summary, log)
        yield from _identity(log)
    yield from _end(summary)
    yield from _schedule(summary)
    yield from _warm(summary)


def _in_words(summary: Summary) -> Iterator[Finding]:
    for line, found in summary.match(r"Duration:\s*([\d.]+) seconds \((\d+)m (\d+)s\)"):
        total, minutes, rest = map(float, found.groups())
        holds = abs(minutes * 60 + rest - total) <= 0.5
        words = f"duration: {minutes:g} x 60 + {rest:g} = {minutes * 60 + rest:g} s for {total:g} s"
        yield told(holds, "duration in minutes", words, [line.number])


def _billed(summary: Summary) -> Iterator[Finding]:
    billed = summary.first(r"Billed Duration:\s*(?P<n>[\d.]+) seconds")
    whole = durations(summary)
    if billed and whole:
        holds = 0 <= billed.value - whole[0].value < 0.1
        words = (
            f"billed: {seconds(billed.value)} for {seconds(whole[0].value)}; Lambda bills by the "
            f"millisecond"
        )
        yield told(holds, "billed duration", words, [billed.line, whole[0].line])


def _order(log: list[Moment]) -> Iterator[Finding]:
    back = [(a, b) for a, b in pairs(log) if b.at < a.at]
    for before, after in back:
        words = f"log: {after.at.time()} stands after {before.at.time()}"
        yield told(False, "order of the log", words, [before.line, after.line])
    if not back:
        words = f"log: {len(log)} entries in the order of their times"
        yield told(True, "order of the log", words, [log[0].line, log[-1].line])
    for before, after in pairs(log):
        if seconds_between(before, after) >= LONG_SILENCE and after.words.startswith("END"):
            gap = seconds(seconds_between(before, after))
            words = f"{gap} between the last work and the end are in no entry"
            yield unshown("silence", words, before.line, after.line)


def _length(summary: Summary, log: list[Moment]) -> Iterator[Finding]:
    start, end = entry(log, r"^START"), entry(log, r"^END")
    if not start or not end:
        return
    span = seconds_between(start, end)
    for wholes in by_value(durations(summary)):
        whole = wholes[0]
        holds = abs(span - whole.value) <= (SLACK if whole.value > 10 else 0.05)
        words = (
            f"duration: {seconds(whole.value)}, {'and' if holds else 'but'} the log has "
            f"{seconds(span)} from START to END"
        )
        if not holds:
            work = log[max(0, log.index(end) - 1)]
            words += f" and {seconds(seconds_between(start, work))} to the last work"
        lines = [*(one.line for one in wholes), start.line, end.line]
        yield told(holds, "duration and log", words, lines)
        if not holds:
            report = entry(log, r"^REPORT")
            if report:
                late = start.at + timedelta(seconds=whole.value)
                words = (
                    f"the REPORT entry stands at {report.at:%H:%M:%S}, and a run of "
                    f"{seconds(whole.value)} would have ended at {late:%H:%M:%S}"
                )
                yield told(False, "report and log", words, [report.line, start.line])


def _start(summary: Summary, log: list[Moment]) -> Iterator[Finding]:
    head = next(iter(stamps(summary, "Timestamp")), None)
    start = entry(log, r"^START") or log[0]
    if head is None:
        return
    holds = head.korean == start.korean
    words = f"start: {_shown(head)} by the head, {_shown(start)} by the log"
    if not holds and head.at.replace(microsecond=0) == start.at.replace(microsecond=0):
        words += (
            "; the same clock reading under two zones: as UTC it would be "
            f"{start.korean:%H:%M:%S} in Korea, nine hours later"
        )
    yield told(holds, "start and zone", words, [head.line, start.line])


def _shown(moment: Moment) -> str:
    zone = "Z (UTC)" if moment.zone == "Z" else moment.zone or "without a zone"
    return f"{moment.at:%H:%M:%S} {zone}".strip()


def _identity(log: list[Moment]) -> Iterator[Finding]:
    ids = {}
    for moment in log:
        if found := re.match(r"(?:START|END) (?:RequestId|RunId): (\S+)", moment.words):
            ids[moment.line] = found.group(1)
    if len(ids) > 1:
        holds = len(set(ids.values())) == 1
        words = f"{len(ids)} entries name {'one run' if holds else 'different runs'}"
        yield told(holds, "identity", words, list(ids))
    textbook = [line for line, name in ids.items() if name == TEXTBOOK]
    if textbook:
        words = f"the request id {TEXTBOOK} is the example of every textbook about UUIDs"
        yield unshown("identity", words, *textbook)
    for moment in log:
        if moment.words.startswith("REPORT") and "Max Memory:" in moment.words:
            words = "AWS writes 'Memory Size', 'Max Memory Used' and a request id in a REPORT line"
            yield unshown("form of the log", words, moment.line)


def _end(summary: Summary) -> Iterator[Finding]:
    moments, whole = stamps(summary, "Timestamp"), durations(summary)
    if len(moments) < 2 or not whole:
        return
    first, last = moments[0], moments[-1]
    expected = first.korean + timedelta(seconds=whole[0].value)
    apart = abs((expected - last.korean) / timedelta(seconds=1))
    holds = apart <= (SLACK if whole[0].value > 10 else 0.05)
    words = (
        f"end: {first.at:%H:%M:%S} + {seconds(whole[0].value)} = {expected:%H:%M:%S}, "
        f"{'and' if holds else 'but'} the document is stamped {last.at:%H:%M:%S}"
    )
    yield told(holds, "end of the run", words, [first.line, whole[0].line, last.line])


def _schedule(summary: Summary) -> Iterator[Finding]:
    every = summary.first(r"cron: \*/(?P<n>\d+) minutes")
    head = next(iter(stamps(summary, "Timestamp")), None)
    if not every or not head:
        return
    step = int(every.value)
    tick = head.korean.replace(minute=head.korean.minute // step * step, second=0, microsecond=0)
    late = (head.korean - tick) / timedelta(seconds=1)
    words = (
        f"cron */{step} fires at {tick:%H:%M:%S}, and the run began at {head.korean:%H:%M:%S}, "
        f"{late:g} s later"
    )
    yield told(late < 60, "schedule", words, [every.line, head.line])
    following = next(iter(stamps(summary, "Next Review")), None)
    if following:
        due = tick + timedelta(minutes=step)
        holds = abs((following.korean - due) / timedelta(seconds=1)) < 60
        words = (
            f"next run: cron */{step} fires at {due:%H:%M:%S}, the document expects "
            f"{following.korean:%H:%M:%S}"
        )
        yield told(holds, "next run", words, [following.line, every.line])


def _warm(summary: Summary) -> Iterator[Finding]:
    warm = next(summary.match(r"Cold Start:\s*No\b|\(warm start\)"), None)
    made = next(summary.match(r"Container started"), None)
    if warm and made:
        words = "a warm start starts no container, but the container was started"
        yield told(False, "warm start", words, [warm[0].number, made[0].number])


def check_steps(summary: Summary) -> Iterator[Finding]:
    """Compare each measured part with the log's entries around it, and their sum with the whole."""
    log = entries(summary)
    api, sms = metric(summary, "API Call Duration"), metric(summary, "SMS Sending")
    windows = (
        (api, r"Fetching bookings", r"Bookings fetched", "reading the bookings"),
        (sms, r"Processing new bookings|Delivery begins", r"SMS sent", "sending the messages"),
        (
            metric(summary, "Notification Sending"),
            r"Sending notifications",
            r"Notifications done|integrations successful",
            "telling the owner",
        ),
    )
    for value, begins, ends, what in windows:
        begin, end = entry(log, begins), entry(log, ends)
        if value and begin and end:
            span = seconds_between(begin, end)
            holds = value.value <= span + 0.0551
            words = (
                f"{what}: {seconds(value.value)} by the table, {'within' if holds else 'but'} "
                f"{seconds(span)} by the log"
            )
            yield told(holds, "step and log", words, [value.line, begin.line, end.line])
    yield from _parts(summary)


def _parts(summary: Summary) -> Iterator[Finding]:
    names = ("API Call Duration", "DynamoDB Operations", "SMS Sending", "Notification Sending")
    parts = [figure for name in names if (figure := metric(summary, name))]
    whole = metric(summary, "Total Duration")
    if not whole or not parts:
        return
    longest = max(parts, key=lambda part: part.value)
    words = f"no part is longer than the whole: {seconds(longest.value)} of {seconds(whole.value)}"
    yield told(longest.value <= whole.value, "parts", words, [longest.line, whole.line])
    rest = whole.value - sum(part.value for part in parts)
    if rest > whole.value / 2 and whole.value > 60:
        words = (
            f"{seconds(rest)} of {seconds(whole.value)} are in none of the measured parts "
            f"({' + '.join(f'{part.value:g}' for part in parts)} = {whole.value - rest:g} s)"
        )
        yield unshown("parts", words, whole.line, *(part.line for part in parts))
