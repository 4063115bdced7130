"""What every customer should have got, judged from the words alone: no code of the library.

It knows the true life of every booking, what every phone got, and when each run saw what. A message
is missed when a healthy run had the chance to send it: a run that nothing hit, that had the store
to itself, and during which the message was owed from beginning to end.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from trials.year.owed import (
    DAY,
    SEOUL,
    WHO,
    Life,
    Slot,
    Told,
    moment,
    most_served,
    slots_of,
)

KINDS = {"예약확정": "confirmation", "이용안내": "guide", "리뷰 이벤트": "event"}
PAST_START = 420.0  # a run that stands still after it has signed is believed for five minutes
CERTAIN = 840.0  # after a run died or was hit: its doubts are certain by then
PER_PHONE = 6  # messages within a day: what is above waits, by the owner's own setting
NAMED_WITHIN = 6 * DAY  # what expired is named by a healthy run in this time
_SUBJECT = re.compile(r"\[(.+?)\] (\S+)")
_WHEN = re.compile(r"일시: (\d+)월 (\d+)일\(.\) (오전|오후) (\d+):(\d\d)")
_NUMBER = re.compile(r"예약 번호: (\d+_\d+)")


@dataclass(frozen=True)
class SeenRun:
    """One run, as an onlooker saw it; `ended` is None for one that died."""

    began: float
    ended: float | None
    last: float  # when it was last seen alive
    hit: bool  # something happened to it
    stores: frozenset[str]  # whose bookings it read
    named: frozenset[tuple[str, str]] = frozenset()  # (booking, kind) in its report
    expired: frozenset[tuple[str, str]] = frozenset()  # of them, those that it says are lost


@dataclass
class Verdicts:
    """What the oracle found; each line names the booking and when."""

    duplicates: list[str] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    expired: int = 0
    explained: int = 0
    owed: int = 0
    healthy: int = 0  # runs that had to get everything done


class Oracle:
    """Collects what happened, and judges it at the end."""

    def __init__(self, aliases: Mapping[str, str], per_phone: int = PER_PHONE) -> None:
        self.per_phone = per_phone
        self.stores = {alias: store_id for store_id, alias in aliases.items()}
        self.got: dict[Told, list[float]] = defaultdict(list)
        self.runs: list[SeenRun] = []
        self.strange: list[str] = []

    @property
    def messages(self) -> int:
        """Count what the phones got."""
        return sum(map(len, self.got.values()))

    def note_message(self, *, at: float, to: str, subject: str, text: str) -> None:
        """Note a message that SENS has accepted."""
        head, when, who = _SUBJECT.match(subject), _WHEN.search(text), WHO.search(text)
        if not head or not when or not who or head[1] not in KINDS or head[2] not in self.stores:
            self.strange.append(f"{moment(at)} {subject!r}")
            return
        kind, store_id = KINDS[head[1]], self.stores[head[2]]
        number = _NUMBER.search(text)
        start = _start_of(at, *(when[part] for part in range(1, 6)))
        what = number[1] if number else f"{store_id}/{who[1]}/{start:.0f}"
        self.got[Told(kind, to, what)].append(at)

    def note_run(self, run: SeenRun) -> None:
        """Note a run that has ended, or died."""
        self.runs.append(run)

    def judge(self, lives: Iterable[Life], *, until: float) -> Verdicts:
        """Judge everything that happened before `until`."""
        found = Verdicts(wrong=list(self.strange))
        slots: dict[Told, list[Slot]] = defaultdict(list)
        same: dict[Told, Told] = {}
        for life in lives:
            for slot in slots_of(life, until):
                slots[slot.told].append(slot)
                same |= dict.fromkeys(slot.also, slot.told)
        got: dict[Told, list[float]] = defaultdict(list)
        for told, times in self.got.items():
            got[same.get(told, told)] += times
        chances = _Chances(self.runs, _Phones(self.got, self.per_phone))
        named = _Named(self.runs)
        found.healthy = chances.healthy
        for told, times in got.items():
            before = [at for at in times if at < until]  # a run that stood still may send later
            self._judge_got(told, before, slots.get(told, []), found)
        for told, owed in slots.items():
            times = sorted(got.get(told, []))
            if told.kind == "event":
                owed = [known for slot in owed if (known := self._since_confirmed(slot)).spans]
            self._judge_owed(owed, times, found, chances=chances, named=named)
        return found

    def _judge_got(self, told: Told, times: list[float], owed: list[Slot], found: Verdicts) -> None:
        if len(times) > max(1, len(owed)):
            when = ", ".join(map(moment, times))
            found.duplicates.append(f"{told.kind} {_names(told, owed)}: {when}")
        spans = [span for slot in owed for span in slot.spans]
        for at in times:
            early = not any(begin <= at + 1 for begin, _ in spans)
            late = not any(slot.takes(at) for slot in owed)
            over = not any(at - PAST_START <= slot.stops_at(at) for slot in owed)
            if early or late or over:
                why = "not owed yet" if early else "not owed any more"
                found.wrong.append(f"{told.kind} {_names(told, owed)} at {moment(at)}: {why}")

    def _since_confirmed(self, slot: Slot) -> Slot:
        """Leave out when a completed booking was not yet confirmed to this phone: no record."""
        times = self.got.get(Told("confirmation", slot.told.to, slot.number), ())
        known = min(times, default=float("inf"))
        return replace(slot, spans=[(max(a, known), b) for a, b in slot.spans if b > known])

    def _judge_owed(
        self,
        owed: list[Slot],
        times: list[float],
        found: Verdicts,
        *,
        chances: _Chances,
        named: _Named,
    ) -> None:
        """Compare what was owed with what came: the n-th chance must have made n messages."""
        found.owed += len(owed)
        with_chance = [(chance, slot) for slot in owed if (chance := chances.first(slot))]
        missed = 0
        for place, (chance, slot) in enumerate(sorted(with_chance, key=lambda c: c[0]), start=1):
            if sum(at <= chance + 1 for at in times) < place - missed:
                missed += 1
                spans = "; ".join(f"{moment(a)} to {moment(b)}" for a, b in slot.spans)
                came = ", ".join(map(moment, times)) or "never"
                found.misses.append(
                    f"{slot.told.kind} of booking {slot.number} to …{slot.told.to[-4:]}: owed "
                    f"{spans}, a healthy run was done at {moment(chance)}, came {came}"
                )
        lost = [slot for slot in owed if slot.runs_out and not chances.first(slot)]
        # What was cancelled before any run had the chance to send it need not have come.
        due = [*(slot for _, slot in with_chance), *lost]
        short = len(due) - most_served(due, times)
        self._judge_lost(lost, short, found, chances=chances, named=named)

    def _judge_lost(
        self, lost: list[Slot], short: int, found: Verdicts, *, chances: _Chances, named: _Named
    ) -> None:
        """Look for the reports that name what never came; of equal messages any may be the one."""
        named_ones, unnamed = 0, []
        for slot in lost:
            over = max(end for _, end in slot.spans)
            if named.since(slot.number, slot.told.kind, min(begin for begin, _ in slot.spans)):
                named_ones += 1
            elif chances.look(slot.store_id, over, min(over + NAMED_WITHIN, slot.listed_until)):
                unnamed.append(
                    f"{slot.told.kind} of booking {slot.number} was owed until {moment(over)}, "
                    "never came, and no report names it"
                )
        short = min(short, named_ones + len(unnamed))
        found.expired += short
        found.explained += min(short, named_ones)
        found.unexplained += unnamed[: max(0, short - named_ones)]


class _Chances:
    """The healthy runs of every store."""

    def __init__(self, runs: Sequence[SeenRun], phones: _Phones) -> None:
        self.phones = phones
        ordered = sorted(runs, key=lambda run: run.began)
        self._of: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.healthy = 0
        busy_until = quiet_from = 0.0
        for place, run in enumerate(ordered):
            later = ordered[place + 1].began if place + 1 < len(ordered) else float("inf")
            alone = run.began > busy_until and run.last < later
            busy_until = max(busy_until, run.last)
            if run.hit or run.ended is None or not alone:
                quiet_from = max(quiet_from, run.last + CERTAIN)
            elif run.began >= quiet_from:
                self.healthy += 1
                for store_id in run.stores:
                    self._of[store_id].append((run.began, run.ended))

    def first(self, slot: Slot) -> float | None:
        """Tell when the first healthy run that had the chance was done; None if none had."""
        ends = [next(self._open(slot, *span), None) for span in slot.spans]
        return min((end for end in ends if end is not None), default=None)

    def _open(self, slot: Slot, begin: float, end: float) -> Iterator[float]:
        for ended in self._between(slot.store_id, begin, end):
            if not self.phones.is_full(slot.told.to, ended):
                yield ended

    def look(self, store_id: str, begin: float, end: float) -> float | None:
        """Find the first healthy run that began and ended between two moments."""
        return next(self._between(store_id, begin, end), None)

    def _between(self, store_id: str, begin: float, end: float) -> Iterator[float]:
        runs = self._of[store_id]
        for at in range(bisect_left(runs, (begin, 0.0)), len(runs)):
            if runs[at][1] >= end:
                return
            yield runs[at][1]


class _Phones:
    """What each phone got, whatever it was for."""

    def __init__(self, got: Mapping[Told, Sequence[float]], most: int) -> None:
        self.most = most
        self._of: dict[str, list[float]] = defaultdict(list)
        for told, times in got.items():
            self._of[told.to] += times

    def is_full(self, phone: str, at: float) -> bool:
        """Tell whether a phone had got all that it may get within a day."""
        return sum(at - DAY <= got <= at for got in self._of[phone]) >= self.most


class _Named:
    """When which message was named in a report."""

    def __init__(self, runs: Sequence[SeenRun]) -> None:
        self._last: dict[tuple[str, str], float] = {}
        for run in runs:
            for pair in run.named:
                self._last[pair] = max(run.last, self._last.get(pair, 0.0))

    def since(self, number: str, kind: str, moment: float) -> bool:
        """Tell whether a report has named it since then."""
        return self._last.get((number, kind), -1.0) >= moment


def _names(told: Told, owed: Sequence[Slot]) -> str:
    numbers = Counter(slot.number for slot in owed)
    return f"of booking {', '.join(numbers) or told.what} to …{told.to[-4:]}"


def _start_of(at: float, month: str, day: str, half: str, hour: str, minute: str) -> float:
    """Read a start, whose year is the one that brings it nearest to its message."""
    year = datetime.fromtimestamp(at, SEOUL).year
    hours = int(hour) % 12 + 12 * (half == "오후")
    found = []
    for guess in (year - 1, year, year + 1):
        try:
            read = datetime(guess, int(month), int(day), hours, int(minute), tzinfo=SEOUL)
        except ValueError:
            continue
        found.append(read.timestamp())
    return min(found, key=lambda start: abs(start - at), default=0.0)
