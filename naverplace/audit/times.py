"""Do durations, log and stamps tell of the same run?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from naverplace.audit.clockwork import (
    Moment,
    broken,
    durations,
    entries,
    entry,
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
    for line in broken(summary):
        yield told(False, "stamps", f"no such time: {line.text.strip()[:40]!r}", [line.number])
    yield from _zones(log)
    yield from _zones(stamps(summary, "Timestamp"))
    yield from _in_words(summary)
    yield from _billed(summary)
    if len(log) > 1:
        yield from _order(log)
        yield from _length(summary, log)
        yield from _start(summary, log)
        yield from _identity(summary, log)
    yield from _end(summary)
    yield from _schedule(summary)
    yield from _warm(summary)


def _zones(moments: list[Moment]) -> Iterator[Finding]:
    zones = list(dict.fromkeys(moment.zone for moment in moments))
    if len(moments) > 1:
        words = f"{len(moments)} times in the zone{'s'[: len(zones) - 1]} {', '.join(zones)}"
        lines = [moments[0].line, moments[-1].line]
        if len(zones) > 1:
            lines = [next(m.line for m in moments if m.zone == zone) for zone in zones]
        yield told(len(zones) == 1, "zones", words, lines)


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
    if report := entry(log, r"^REPORT"):
        apart = seconds_between(end, report)
        words = f"log: the REPORT entry stands {seconds(apart)} after END"
        yield told(0 <= apart <= SLACK, "report and end", words, [end.line, report.line])
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
        if not holds and (report := entry(log, r"^REPORT")):
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


def _identity(summary: Summary, log: list[Moment]) -> Iterator[Finding]:
    ids = {
        line.number: found.group(1) for line, found in summary.match(r"^(?:Run: |### Run )(\S+)")
    }
    for moment in log:
        if found := re.match(r"(?:START|END) (?:RequestId|RunId): (\S+)", moment.words):
            ids[moment.line] = found.group(1)
    if len(ids) > 1:
        holds = len(set(ids.values())) == 1
        words = f"{len(ids)} lines name {'one run' if holds else 'different runs'}"
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
