"""The days that are played: one healthy, and the troubles one after another on two more."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sandbox.memory_dynamodb.app import MemoryAwsApp
from sandbox.server import Sandbox
from trials.campaign.fork_server import ForkServer
from trials.day.bugs import BUGS
from trials.day.kinds import unlike
from trials.day.oracle import Verdict, judge, paragraphs_of
from trials.day.planting import Do
from trials.day.player import Message, Player, Silence
from trials.day.shop import BEGIN
from trials.day.text_messages import wrong_messages
from trials.day.third_day import AT_FIXED_TIMES, THIRD_DAY
from trials.day.trouble import Planted, Trouble, trouble_named
from trials.day.troubles import TROUBLES
from trials.year.owed import SEOUL

TICK = timedelta(minutes=20)
BEFORE_A_RUN = timedelta(minutes=2)
QUIET = timedelta(minutes=36)  # a run that tells the end, and one more
SHORT = ("a guide that SENS fails after accepting it", "a store's bookings cannot be read")
RECONCILIATION = (timedelta(hours=8, minutes=40), timedelta(hours=9, minutes=30))
ALL = (*TROUBLES, *THIRD_DAY, *(trouble for _, trouble in AT_FIXED_TIMES))


@dataclass(frozen=True)
class DayPlan:
    """One day to play: its hours, and what goes wrong."""

    name: str
    hours: tuple[float, float] = (0.0, 24.0)
    troubles: tuple[Trouble, ...] = ()
    fixed: tuple[tuple[timedelta, Trouble], ...] = ()  # since midnight: what a nightly job finds
    bug: str = ""
    seed: int = 1

    def planted(self) -> list[Planted]:
        """Give every trouble its times, one after another."""
        found = list(self._one_after_another())
        for since, trouble in self.fixed:
            at = BEGIN + since
            found.append(Planted(trouble, at, at + timedelta(minutes=trouble.minutes)))
        return sorted(found, key=lambda one: one.at)

    def _one_after_another(self) -> Iterator[Planted]:
        # The first run of all sees what it has never seen.
        at = BEGIN + timedelta(hours=self.hours[0]) + TICK - BEFORE_A_RUN
        slots: list[list[Trouble]] = []
        for trouble in self.troubles:
            slots = [*slots[:-1], [*slots[-1], trouble]] if trouble.joins else [*slots, [trouble]]
        for slot in slots:
            longest = timedelta(minutes=max(trouble.minutes for trouble in slot))
            until = at + longest
            if BEGIN + RECONCILIATION[0] < until + QUIET and at < BEGIN + RECONCILIATION[1]:
                at = BEGIN + RECONCILIATION[1] + 2 * TICK - timedelta(minutes=12)
                until = at + longest
            for trouble in slot:
                yield Planted(trouble, at, at + timedelta(minutes=trouble.minutes))
            at = until + QUIET
            at += (BEGIN - BEFORE_A_RUN - at) % TICK


@dataclass
class DayResult:
    """What became of one day."""

    plan: DayPlan
    runs: int = 0
    looks: int = 0
    messages: int = 0  # text messages
    to_owner: int = 0
    alarms: int = 0  # paragraphs that say that something is, or was, wrong
    verdicts: list[Verdict] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)  # told, and nothing of it was planted
    wrong: list[str] = field(default_factory=list)  # text messages; processes that raised
    told: list[Message] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Tell whether nothing is wrong."""
        return not (self.beside or self.wrong) and all(v.good for v in self.verdicts)


def play(plan: DayPlan, sandbox: Sandbox, server: ForkServer) -> DayResult:
    """Play one day, and judge it."""
    player = Player(sandbox, server, seed=plan.seed, bug=plan.bug)
    planted = plan.planted()
    end = BEGIN + timedelta(hours=plan.hours[1])

    def arrange(player: Player) -> None:
        for one in planted:
            _hush(player, one)
            player.at(one.at, lambda one=one: _plant(player, one.trouble))  # type: ignore[misc]
            player.at(one.until, lambda one=one: _mend(player, one.trouble))  # type: ignore[misc]

    played = player.play(plan.hours, arrange)
    starts = {
        str(one.booking_id): [
            (one.store_id, datetime.fromtimestamp(v.start, SEOUL)) for v in one.versions
        ]
        for one in played.lives
    }
    verdicts, beside = judge(planted, played.messages, starts)
    for verdict in verdicts:
        verdict.untold += unlike(verdict)
    return DayResult(
        plan,
        runs=len(played.runs),
        looks=played.looks,
        messages=len(played.sms),
        to_owner=sum(message.to == "owner" for message in played.messages),
        alarms=sum(p.what not in ("summary", "digest") for p in paragraphs_of(played.messages)),
        verdicts=verdicts,
        beside=beside,
        wrong=[*played.failed, *wrong_messages(played, end)],
        told=played.messages,
    )


def _hush(player: Player, one: Planted) -> None:
    for store_id in one.trouble.stores or () if one.trouble.silent else ():
        player.silent.append(Silence(store_id, one.at, one.until))


def _plant(player: Player, trouble: Trouble) -> None:
    sys.stderr.write(f"{player.world.now():%H:%M} {trouble.name}\n")
    if trouble.stores is None:
        player.hit = True
    else:
        player.apart |= set(trouble.stores)
    _do(player, trouble.plant)


def _mend(player: Player, trouble: Trouble) -> None:
    if trouble.mend:
        _do(player, trouble.mend)
    player.after(trouble.settles, lambda: _settled(player, trouble))


def _settled(player: Player, trouble: Trouble) -> None:
    player.hit = False
    player.apart -= set(trouble.stores or ())


def _do(player: Player, act: Do) -> None:
    """A trouble that cannot be planted is a fault of the day, and ends it no more than others."""
    try:
        act(player)
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        player.played.failed.append(f"{player.world.now():%H:%M} not planted or mended: {error}")


def whole(seed: int) -> list[DayPlan]:
    """A healthy day, and three with troubles, of which none comes soon after its like."""
    odd, even = TROUBLES[0::2], TROUBLES[1::2]
    return [
        _cut(DayPlan("troubled 1", troubles=tuple(odd), fixed=AT_FIXED_TIMES[:1], seed=seed)),
        _cut(DayPlan("troubled 2", troubles=tuple(even), fixed=AT_FIXED_TIMES[1:2], seed=seed)),
        third(seed),
        DayPlan("healthy", seed=seed),
    ]


def third(seed: int) -> DayPlan:
    """The day of what concerns single bookings, the jobs beside the runs, and the settings."""
    return _cut(DayPlan("troubled 3", troubles=THIRD_DAY, fixed=AT_FIXED_TIMES[2:], seed=seed))


def only(names: Sequence[str], seed: int) -> list[DayPlan]:
    """A short day with only these troubles, which are known by a part of their names."""
    if "third day" in names:
        return [third(seed)]
    chosen = [t for t in (*TROUBLES, *THIRD_DAY) if any(name in t.name for name in names)]
    return [_cut(DayPlan("troubled", troubles=tuple(chosen), seed=seed))]


def with_bug(name: str, seed: int) -> DayPlan:
    """The hours that must show a planted bug."""
    bug = BUGS[name]
    if not bug.shown_by:
        return DayPlan(name, hours=bug.hours, bug=name, seed=seed)
    return _cut(DayPlan(name, troubles=(trouble_named(bug.shown_by),), bug=name, seed=seed))


def short(seed: int) -> list[DayPlan]:
    """Some hours for the tests: healthy ones, and two troubles."""
    chosen = [trouble_named(name) for name in SHORT]
    return [
        DayPlan("healthy", hours=(10.0, 11.5), seed=seed),
        _cut(DayPlan("troubled", troubles=tuple(chosen), seed=seed)),
    ]


def _cut(plan: DayPlan) -> DayPlan:
    """End the day when its last trouble has been told to its end."""
    last: datetime = max(one.until for one in plan.planted())
    hours = (last - BEGIN) / timedelta(hours=1) + 0.5  # its end has been told
    return replace(plan, hours=(plan.hours[0], hours))


def make_worker() -> None:
    """Get a process ready: the fork server first, before there is any thread."""
    global _worker
    server = ForkServer("trials.day")
    sandbox = Sandbox("empty", aws=MemoryAwsApp).start()
    _worker = sandbox, server


def play_here(plan: DayPlan) -> DayResult:
    """Play a day in a process that `make_worker` has made ready."""
    return play(plan, *_worker)


_worker: tuple[Sandbox, ForkServer]
