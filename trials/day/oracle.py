"""Judges who was told what, and when, from the words of issue 13; no code of the library.

A message to a person is a list of paragraphs, each begun by a sign: 🚨 and ⚠️ (and 🔴, of the
outside watcher) say that something is wrong, ⏰ that it still is, ✅ and 🟢 that it is over; ✅
also begins a summary of text messages, 📋 the day's digest. Nothing else may be told.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trials.day.player import Message
from trials.day.trouble import Planted

SIGNS = {"🚨": "begin", "⚠️": "begin", "🔴": "begin", "⏰": "reminder", "🟢": "end", "📋": "digest"}
SUMMARY = re.compile(r"✅ \S+ \S+ 문자 \d+건")
END_WITHIN = timedelta(minutes=20)
HOUR = timedelta(hours=1)
A_MINUTE = timedelta(minutes=1)
MOST_TO_OWNER = 8
LOST = ("시간이 지나", "보내지 못한")
BOOKING = re.compile(r"예약 (\d+) \S+:")
Starts = Mapping[str, Sequence[tuple[str, datetime]]]  # by booking: its store, and when
NO_KOREAN = re.compile(r"Traceback|\b[A-Z]\w*Error: ")  # a vendor's own word may stand


@dataclass(frozen=True)
class Paragraph:
    """One thing that one message says."""

    what: str  # begin | reminder | end | summary | digest | other
    text: str
    message: Message
    number: int  # of the message

    @property
    def first_line(self) -> str:
        """Give what a person sees first."""
        return self.text.partition("\n")[0]

    def is_said_by(self, patterns: Sequence[str]) -> bool:
        """Tell whether all of these stand in it."""
        return _says(self.text, patterns)


@dataclass
class Verdict:
    """How one trouble was told."""

    planted: Planted
    told: Paragraph | None = None
    ended: Paragraph | None = None
    late: list[str] = field(default_factory=list)
    untold: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    taken: list[Paragraph] = field(default_factory=list)  # that say it, or what it brought

    @property
    def good(self) -> bool:
        """Tell whether it was told as it should be."""
        return not (self.late or self.untold or self.repeated)


def paragraphs_of(messages: Sequence[Message]) -> list[Paragraph]:
    """Take the messages apart."""
    found = []
    for number, message in enumerate(messages):
        parts: list[list[str]] = []
        for line in message.text.splitlines():
            if not parts or line.startswith((*SIGNS, "✅", "⛔")):
                parts.append([])
            parts[-1].append(line)
        for part in parts:
            text = "\n".join(part).strip()
            found.append(Paragraph(_what(text), text, message, number))
    return found


def _what(text: str) -> str:
    if SUMMARY.match(text):
        return "summary"
    if text.startswith("✅"):
        return "end"
    return next((what for sign, what in SIGNS.items() if text.startswith(sign)), "other")


def judge(
    planted: Sequence[Planted], messages: Sequence[Message], starts: Starts | None = None
) -> tuple[list[Verdict], list[str]]:
    """Judge every trouble; what is told beside them comes as lines.

    Customers whose start a trouble has passed over are named with it: each once to each person.
    """
    left = paragraphs_of(messages)
    verdicts = []
    for one in planted:
        verdict = Verdict(one)
        taken: list[Paragraph] = []
        for to in one.trouble.to if one.trouble.says else ():
            taken += _judge_begin(verdict, [p for p in left if p.message.to == to], to)
            taken += _judge_end(verdict, [p for p in left if p.message.to == to], to)
        taken += _ends_for_others(one, verdict, left)
        taken += _brought(one, [p for p in left if p not in taken])
        verdict.taken = taken
        left = [p for p in left if p not in taken]
        verdicts.append(verdict)
    lost = [p for p in left if any(_names_lost(p, one, starts or {}) for one in planted)]
    once: set[tuple[str, str]] = set()
    for p in lost:
        lines = {(p.message.to, line) for line in p.text.splitlines() if BOOKING.search(line)}
        if not lines & once:
            left.remove(p)
        once |= lines
    return verdicts, list(_beside(left))


def _judge_begin(verdict: Verdict, seen: Sequence[Paragraph], to: str) -> list[Paragraph]:
    one, trouble = verdict.planted, verdict.planted.trouble
    over = one.until + END_WITHIN + A_MINUTE
    telling = [
        p
        for p in seen
        if p.what in ("begin", "other")
        and one.at <= p.message.at <= over
        and _says(p.text, trouble.says)
    ]
    if not telling:
        verdict.untold.append(f"{to}: never told")
        return []
    first = telling[0]
    verdict.told = verdict.told or first
    minutes = (first.message.at - one.at) / A_MINUTE
    if minutes > trouble.within + 0.5:
        verdict.late.append(f"{to}: told after {minutes:.0f} minutes")
    verdict.untold += [f"{to}: {why}" for why in _lacks(first.text)]
    once: dict[str, int] = {}  # watchers outside do not know of each other: each may tell once
    for p in telling:
        if once.setdefault(p.message.by, p.number) != p.number:
            verdict.repeated.append(f"{to}: again at {p.message.at:%H:%M}: {p.first_line}")
    return telling + _judge_reminders(verdict, seen, first, to)


def _judge_reminders(
    verdict: Verdict, seen: Sequence[Paragraph], first: Paragraph, to: str
) -> list[Paragraph]:
    """It may be reminded of once, an hour after it was told."""
    one, title = verdict.planted, _title(first)
    reminders = [
        p
        for p in seen
        if p.what == "reminder"
        and one.at <= p.message.at <= one.until + END_WITHIN
        and (_says(p.text, one.trouble.says) or title in p.text)
    ]
    due = first.message.at + HOUR
    for place, p in enumerate(reminders):
        if place or p.message.at < due - A_MINUTE:
            verdict.repeated.append(f"{to}: reminded at {p.message.at:%H:%M}")
    if not reminders and one.until > due + END_WITHIN and one.trouble.ends:
        verdict.untold.append(f"{to}: not reminded of after an hour")
    return reminders


def _judge_end(verdict: Verdict, seen: Sequence[Paragraph], to: str) -> list[Paragraph]:
    one, trouble = verdict.planted, verdict.planted.trouble
    title = _title(verdict.told) if verdict.told else ""
    ends = [
        p
        for p in seen
        if p.what == "end"
        and one.at <= p.message.at <= one.until + 3 * END_WITHIN
        and (_says(p.text, trouble.says) or (title and title in p.text) or _is_signal(p.text, one))
    ]
    if trouble.ends_to and to not in trouble.ends_to:
        return []
    if not trouble.ends:
        verdict.repeated += [f"{to}: an end is told: {p.first_line}" for p in ends]
        return ends
    if not ends:
        verdict.untold.append(f"{to}: its end was not told")
        return []
    verdict.ended = verdict.ended or ends[0]
    minutes = (ends[0].message.at - one.until) / A_MINUTE
    if minutes > END_WITHIN / A_MINUTE + 0.5:
        verdict.late.append(f"{to}: its end was told after {minutes:.0f} minutes")
    if minutes < 0:
        verdict.repeated.append(f"{to}: its end was told before it ended")
    verdict.repeated += [
        f"{to}: its end again at {p.message.at:%H:%M}" for p in ends if p.number != ends[0].number
    ]
    return ends


def _ends_for_others(one: Planted, verdict: Verdict, left: Sequence[Paragraph]) -> list[Paragraph]:
    """Whoever could not be told that a channel is down may hear that it works again."""
    title = _title(verdict.told) if verdict.told else ""
    return [
        p
        for p in left
        if p.what == "end"
        and p.message.to not in one.trouble.to
        and title
        and title in p.text
        and one.at <= p.message.at <= one.until + 3 * END_WITHIN
    ]


def _brought(one: Planted, left: Sequence[Paragraph]) -> list[Paragraph]:
    """List what a trouble brings along: each may be told to each person once, and its end once."""
    taken: list[Paragraph] = []
    inside = [p for p in left if one.at <= p.message.at <= one.until + 2 * END_WITHIN]
    for brings in one.trouble.brings:
        told: set[tuple[str, str]] = set()
        for p in inside:
            place = (p.message.to, p.what)
            fits = p.what in ("begin", "end") and re.search(brings, p.text, re.DOTALL)
            if fits and place not in told and p not in taken:
                told.add(place)
                taken.append(p)
    return taken


def _names_lost(p: Paragraph, one: Planted, starts: Starts) -> bool:
    """Tell whether it names only those who had their start while a trouble kept them from us."""
    stores, over = one.trouble.stores, one.until + END_WITHIN
    named = BOOKING.findall(p.text) if p.what == "begin" and p.is_said_by(LOST) else []
    return bool(named) and all(
        any(
            one.at <= at <= over and (stores is None or store_id in stores)
            for store_id, at in starts.get(number, ())
        )
        for number in named
    )


def _beside(left: Sequence[Paragraph]) -> Iterator[str]:
    """What is told beside the troubles: a summary an hour at most, one digest; nothing else."""
    last: dict[str, datetime] = {}
    digests: Counter[str] = Counter()
    for p in left:
        when = f"{p.message.at:%H:%M} {p.message.to}"
        if p.what == "summary":
            before = last.get(p.message.to)
            if before and p.message.at - before < HOUR - A_MINUTE:
                yield f"{when}: a second summary within an hour"
            last[p.message.to] = p.message.at
        elif p.what == "digest":
            digests[p.message.to] += 1
            if digests[p.message.to] > 1 or p.message.at.hour != 21:
                yield f"{when}: a digest that is not the evening's only one"
        else:
            by = "" if p.message.by == "naverplace" else f" (by {p.message.by})"
            yield f"{when}{by}: {p.first_line}"


def _says(text: str, patterns: Sequence[str]) -> bool:
    return all(re.search(pattern, text, re.DOTALL) for pattern in patterns)


def _title(told: Paragraph) -> str:
    """Give the words that name a trouble: the first line without sign, time and count."""
    return re.sub(r"^\W*\d\d/\d\d \d\d:\d\d |\s*\(\d+건\)$", "", told.first_line).strip()


def _is_signal(text: str, one: Planted) -> bool:
    return text.startswith("🟢") and "신호가 없" in "".join(one.trouble.says)


def _lacks(text: str) -> Iterator[str]:
    """Say what a person misses in what they are told."""
    lines = [line for line in text.splitlines() if re.search("[가-힣]", line)]
    if len(lines) < 3:
        yield "told without what it means and what to do"
    if english := NO_KOREAN.search(text):
        yield f"told in a programmer's words: {english[0]}"
