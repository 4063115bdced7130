"""What is worth a message to the owner, decided in one place; pure.

`note` takes down what somebody has seen, `due` says what to tell now, and `told` what is remembered
of a message that some channel took: what nobody took is due again the next time.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from naverplace.base.clock import SEOUL
from naverplace.domain.message_kinds import kind_label
from naverplace.domain.notification_routing import Summary, When
from naverplace.domain.owner_memory import MOST, Balance, OwnerMemory, Standing
from naverplace.domain.troubles import (
    EXPLAINED_BY,
    GATHERED,
    WORDS,
    Source,
    Trouble,
    TroubleKind,
)
from naverplace.reporting.costs import won_words
from naverplace.reporting.forecast_score import score_words
from naverplace.reporting.markdown import render_page

HOUR = timedelta(hours=1)
FORGET = timedelta(days=8)  # an event that nobody has seen for so long; a run looks back for seven
Looked = Mapping[TroubleKind, Collection[str] | None]  # None: at everything


class Tally(NamedTuple):
    """What one run adds to the balance; a message is named "booking kind"."""

    execution_id: str
    owed: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()
    expired: frozenset[str] = frozenset()
    skipped: frozenset[str] = frozenset()  # owed, and then not needed
    in_doubt: frozenset[str] = frozenset()
    stores: frozenset[str] = frozenset()  # read and decided
    delivered: int = 0
    failed: int = 0
    types: Mapping[str, int] = {}  # accepted, by SMS or LMS; "": unknown
    opted_out: frozenset[str] = frozenset()  # "booking rule": no advertisement for that phone
    forecast: Mapping[str, int] = {}  # how good the forecast was, see forecast_score


@dataclass(frozen=True)
class Look:
    """What one run or job has seen at a moment, and what it has looked at to see it."""

    source: Source
    now: datetime
    troubles: tuple[Trouble, ...] = ()
    looked_at: Looked = field(default_factory=dict)  # stores by kind of trouble that it can see
    tally: Tally | None = None
    summarises: bool = False  # a run, or who ordered shards: the time for a summary
    prices: Mapping[str, float] = field(default_factory=dict)  # won by type; {}: not known
    rulebook: str = ""  # which version is in force, in Korean
    pauses: tuple[str, ...] = ()  # that hold, in words: every summary says so
    page: str = ""  # a link to the owner's page, where there is one
    report: str = ""  # the summary of this run alone, where one is wanted after every run

    def ends(self, standing: Standing) -> bool:
        """Tell whether it was looked for where it stood, and is not there any more."""
        if WORDS[standing.kind].source is not self.source or standing.kind not in self.looked_at:
            return False
        stores = self.looked_at[standing.kind]
        return stores is None or standing.as_trouble().store_id in stores


class OwnerMessage(NamedTuple):
    """One message to the owner, and what counts as told once a channel takes it."""

    text: str
    alert: bool
    begun: tuple[Trouble, ...] = ()
    reminded: tuple[str, ...] = ()  # keys
    ended: tuple[str, ...] = ()
    sums: bool = False  # tells what went out since the last summary
    digest: bool = False


def memory_key(trouble: Trouble) -> str:
    """Name a trouble in the memory."""
    return hashlib.sha256(f"{trouble.kind} {trouble.subject}".encode()).hexdigest()[:16]


def note(memory: OwnerMemory, look: Look) -> OwnerMemory:
    """Take down what is not told by itself: sums, ends that need no word, what is long over."""
    now = look.now
    seen = {memory_key(trouble) for trouble in look.troubles if not trouble.words.ends}
    changed = {
        "standing": {
            key: standing
            for key, standing in memory.standing.items()
            if not standing.over or now - standing.told < HOUR
        },
        "events": {
            key: now if key in seen and now - at > FORGET / 8 else at
            for key, at in memory.events.items()
            if key in seen or now - at < FORGET
        },
    }
    memory = memory.model_copy(update=changed)
    return _counted(memory, look.tally, now) if look.tally else memory


def _counted(memory: OwnerMemory, tally: Tally, now: datetime) -> OwnerMemory:
    """Add a run to the balance, once however often its report is repeated."""
    if tally.execution_id in memory.counted_runs:
        return memory
    before = frozenset(memory.waiting)
    ended = tally.accepted | tally.expired | tally.skipped
    open_ = (tally.owed | tally.in_doubt) - ended
    elsewhere = {name for name in before if name.partition("_")[0] not in tally.stores}
    after = (open_ | elsewhere) - ended
    met = tally.owed | ended | tally.in_doubt
    sent = Counter(_place(name) for name in tally.accepted)
    day = memory.day
    day = Balance(
        since=day.since or now,
        owed=day.owed + len(met - before),
        accepted=day.accepted + len(tally.accepted),
        expired=day.expired + len(tally.expired - tally.accepted),
        withdrawn=day.withdrawn
        + len((tally.skipped - tally.accepted - tally.expired) | (before - after - ended)),
        delivered=day.delivered + tally.delivered,
        failed=day.failed + tally.failed,
        sent=Counter(day.sent) + sent,
        types=Counter(day.types) + Counter(tally.types),
        opted_out=tuple(sorted({*day.opted_out, *tally.opted_out}))[:MOST],
        forecast=Counter(day.forecast) + Counter(tally.forecast),
    )
    month = memory.month
    begun = (month.since or now).astimezone(SEOUL)
    if (begun.year, begun.month) != (now.astimezone(SEOUL).year, now.astimezone(SEOUL).month):
        month = Balance()
    types = Counter(month.types) + Counter(tally.types)
    counted = memory.model_copy(
        update={
            "day": day,
            "month": Balance(since=month.since or now, types=types),
            "waiting": tuple(sorted(after))[:MOST],
            "unsaid": dict(Counter(memory.unsaid) + sent),
            "unsaid_since": memory.unsaid_since or (now if sent else None),
        }
    )
    if counted == memory:
        return memory  # a quiet run: nothing to write, and counted twice it would add nothing
    runs = {n: at for n, at in memory.counted_runs.items() if now - at < timedelta(days=1)}
    return counted.model_copy(update={"counted_runs": {**runs, tally.execution_id: now}})


def _place(name: str) -> str:
    """Name store and kind of a message that is named by booking and kind."""
    booking, _, kind = name.partition(" ")
    return f"{booking.partition('_')[0]} {kind}"


def due(
    memory: OwnerMemory, look: Look, summary: Summary, aliases: Mapping[str, str]
) -> list[OwnerMessage]:
    """List what to tell now: at most one alert, and at most one summary or digest."""
    every = summary.when is When.ALWAYS and look.report
    alert = _alert(memory, look, report=look.report if every else "")
    messages = [alert] if alert else []
    if every or not look.summarises or summary.when is When.ALWAYS or summary.is_quiet(look.now):
        return messages
    last = summary.last_digest_before(look.now)
    if memory.day.since and memory.day.since < last:
        return [*messages, _digest(memory, look, aliases)]
    if summary.when is When.CHANGES and memory.unsaid and _rested(memory, look.now, summary):
        return [*messages, _collected(memory, look, aliases)]
    return messages


def _rested(memory: OwnerMemory, now: datetime, summary: Summary) -> bool:
    """Tell whether the last summary is long enough ago; runs begin some seconds early or late."""
    if memory.summary_at is None:
        return True
    minute = timedelta(minutes=1)
    return now - memory.summary_at >= timedelta(hours=summary.every_hours) - minute


def _alert(memory: OwnerMemory, look: Look, *, report: str) -> OwnerMessage | None:
    seen = {memory_key(trouble): trouble for trouble in look.troubles}
    begun = tuple(t for key, t in seen.items() if _is_news(memory, key, t, look.now))
    told = {key: s for key, s in memory.standing.items() if not s.over}
    reminded = tuple(
        key
        for key, standing in told.items()
        if key in seen and not standing.reminded and look.now - standing.told >= HOUR
    )
    ended = tuple(key for key, s in told.items() if key not in seen and look.ends(s))
    if not (begun or reminded or ended or report):
        return None
    text = report or render_page(
        "owner_alert.txt.j2",
        when=_shown(look.now),
        begun=_by_kind(begun),
        reminded=_by_kind(seen[key] for key in reminded),
        since={seen[key].kind: told[key].told.astimezone(SEOUL) for key in reminded},
        ended=_by_kind(told[key].as_trouble() for key in ended),
    ).removesuffix("\n")
    alert = not report or bool(begun) or any(t.words.ends for t in look.troubles)
    return OwnerMessage(text, alert, begun, reminded, ended)


def _is_news(memory: OwnerMemory, key: str, trouble: Trouble, now: datetime) -> bool:
    if not trouble.words.ends:
        return key not in memory.events
    standing = memory.standing.get(key)
    if _is_explained(memory, trouble, now):
        return False
    if standing is None:
        return True
    # What comes and goes is told once an hour, unless a customer may stand before a closed door.
    return bool(standing.over) and (trouble.words.urgent or now - standing.told >= HOUR)


def _is_explained(memory: OwnerMemory, trouble: Trouble, now: datetime) -> bool:
    """Tell whether its cause was told and stands: of everything, or of the same store."""
    causes = EXPLAINED_BY.get(trouble.kind, frozenset())
    for standing in (s for s in memory.standing.values() if not s.over):
        stores = ("", trouble.store_id)  # a kind that is gathered stands for all stores
        here = standing.kind in GATHERED or standing.as_trouble().store_id in stores
        if standing.kind in causes and here:
            return True
        gathered = standing.kind is trouble.kind and trouble.kind in GATHERED
        if gathered and now - standing.told < HOUR:
            return True
    return False


def _by_kind(troubles: Iterable[Trouble]) -> list[tuple[TroubleKind, list[Trouble]]]:
    """Group what is of one kind, urgent kinds first."""
    order = list(TroubleKind)

    def rank(trouble: Trouble) -> tuple[bool, int]:
        return not trouble.words.urgent, order.index(trouble.kind)

    return [(k, list(g)) for k, g in groupby(sorted(troubles, key=rank), key=lambda t: t.kind)]


def _collected(memory: OwnerMemory, look: Look, aliases: Mapping[str, str]) -> OwnerMessage:
    # Shards count what they sent later than the tick began that tells it.
    since = min(memory.unsaid_since or look.now, look.now)
    text = render_page(
        "owner_summary.txt.j2",
        rulebook=look.rulebook,
        when=_shown(look.now),
        pauses=look.pauses,
        since=since.astimezone(SEOUL),
        total=sum(memory.unsaid.values()),
        stores=_by_store(memory.unsaid, aliases),
    )
    return OwnerMessage(text.removesuffix("\n"), alert=False, sums=True)


def _digest(memory: OwnerMemory, look: Look, aliases: Mapping[str, str]) -> OwnerMessage:
    standing = [s.as_trouble() for s in memory.standing.values() if not s.over]
    text = render_page(
        "owner_digest.txt.j2",
        rulebook=look.rulebook,
        page=look.page,
        when=_shown(look.now),
        since=_shown(memory.day.since or look.now),
        pauses=look.pauses,
        day=memory.day,
        waiting=len(memory.waiting),
        cost=cost_words(memory.day.types, look.prices),
        forecast=score_words(memory.day.forecast),
        stores=_by_store(memory.day.sent, aliases),
        standing=_by_kind(standing),
    )
    return OwnerMessage(text.removesuffix("\n"), alert=False, sums=True, digest=True)


def _by_store(sent: Mapping[str, int], aliases: Mapping[str, str]) -> list[tuple[str, str]]:
    """Word what was accepted store by store, in the order of stores.yaml."""
    lines: dict[str, list[str]] = {}
    for place, count in sorted(sent.items()):
        store_id, _, kind = place.partition(" ")
        lines.setdefault(store_id, []).append(f"{kind_label(kind)} {count}")
    order = [*aliases, *sorted(lines.keys() - aliases.keys())]
    return [(aliases.get(s, s), ", ".join(lines[s])) for s in order if s in lines]


def cost_words(types: Mapping[str, int], prices: Mapping[str, float]) -> str:
    """Word what the accepted messages cost, as far as it is known; '' without prices."""
    if not prices or not types:
        return ""
    known = {name: types.get(name, 0) for name in prices}
    won = sum(count * prices[name] for name, count in known.items())
    parts = [f"{name} {count}" for name, count in known.items() if count]
    left = sum(types.values()) - sum(known.values())
    parts += [f"종류를 모르는 {left}건 제외"] if left else []
    return f"{won_words(won)} ({' · '.join(parts)})"


def _shown(moment: datetime) -> str:
    return f"{moment.astimezone(SEOUL):%m/%d %H:%M}"


def told(memory: OwnerMemory, message: OwnerMessage, now: datetime) -> OwnerMemory:
    """Remember a message that a channel took."""
    standing, events = dict(memory.standing), dict(memory.events)
    for trouble in message.begun:
        if trouble.words.ends:
            standing[memory_key(trouble)] = Standing(
                kind=trouble.kind, subject=trouble.subject, name=trouble.name, told=now
            )
        else:
            events[memory_key(trouble)] = now
    for key in message.reminded:
        standing[key] = standing[key].model_copy(update={"reminded": True})
    for key in message.ended:
        standing[key] = standing[key].model_copy(update={"over": now})
    newest = sorted(events, key=lambda key: events[key])[-MOST:]
    changed = {"standing": standing, "events": {key: events[key] for key in newest}}
    if message.sums:
        changed |= {"unsaid": {}, "unsaid_since": None, "summary_at": now}
    if message.digest:
        changed |= {"day": Balance(since=now, owed=len(memory.waiting))}
    return memory.model_copy(update=changed)
