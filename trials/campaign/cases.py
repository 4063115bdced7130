"""One case of the campaign: runs with faults, restarts until all is quiet, and the judgement."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.faults import Fault
from sandbox.server import Sandbox
from trials.campaign.judging import Judgement, judge
from trials.campaign.shop import STORES, Customer, customers, kind_of, open_shop
from trials.campaign.zygote import DIED, Ended, Zygote

MAX_RUNS = 9
BETWEEN_RUNS = timedelta(minutes=20)
KINDS = (
    "kill_before",
    "kill_after",
    "timeout_before",
    "timeout_after",
    "drop_after",
    "status:503",
    "status_after:503",
    "throttled",
)
TUNED = {
    "NAVERPLACE_NAVER__PAUSE_SECONDS": "0",
    "NAVERPLACE_NAVER__RETRY_WAIT": "0",
    "NAVERPLACE_NAVER__ATTEMPTS": "2",
    "NAVERPLACE_NAVER__READ_TIMEOUT": "0.4",
    "NAVERPLACE_NAVER__PARALLEL_STORES": "1",
    "NAVERPLACE_SENS__READ_TIMEOUT": "0.4",
    "NAVERPLACE_SENS__RETRY_WAIT": "0",
    "NAVERPLACE_SENS__ATTEMPTS": "2",
    "NAVERPLACE_AWS__READ_TIMEOUT": "0.4",
    "NAVERPLACE_AWS__ATTEMPTS": "2",
    "NAVERPLACE_TELEGRAM__TIMEOUT": "0.4",
    "NAVERPLACE_TELEGRAM__RETRY_WAIT": "0",
    "NAVERPLACE_TELEGRAM__MAX_WAIT": "0.5",
    "NAVERPLACE_QUALITY__WRITE_DOCS": "false",  # half of a run's time, and no outside
    "NAVERPLACE_LEDGER__SETTLE_SECONDS": "0.2",
    "NAVERPLACE_LEDGER__LEASE_SECONDS": "2",
}


@dataclass(frozen=True)
class Blow:
    """What happens at one point of one run: the n-th request of that run, counted from 0."""

    run: int
    point: int
    kind: str


@dataclass(frozen=True)
class Case:
    """One case: the moment of the first run, and the blows."""

    now: datetime
    blows: tuple[Blow, ...]
    bug: str = ""
    between: str = ""  # what customers do between the first two runs: move | cancel

    @property
    def name(self) -> str:
        """Name it so that it can be played again."""
        parts = [f"{b.run}/{b.point}/{b.kind}" for b in self.blows]
        return "+".join([f"{self.now:%H}", *parts, *([self.between] if self.between else [])])


@dataclass
class Strike(Fault):
    """A fault at the n-th request of a run, whatever the service."""

    hit: str = ""

    def strikes(self, service: str, line: str) -> bool:
        """Count every request; tell whether this one is hit."""
        self.seen += 1
        if self.seen - 1 != self.after:
            return False
        self.hit = f"{service} {line}"
        if self.kind == "throttled":
            self.kind = "status:400" if service == "aws" else "status:429"
            self.value = "ProvisionedThroughputExceededException" if service == "aws" else 0
        return True

    def __post_init__(self) -> None:
        if self.kind != "throttled":
            super().__post_init__()


@dataclass
class Played:
    """What happened in a case."""

    times: list[datetime] = field(default_factory=list)
    ends: list[Ended] = field(default_factory=list)
    hits: list[str] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)  # of each run

    @property
    def quiet(self) -> bool:
        """Tell whether the last run had nothing to do and nothing to name."""
        report = self.ends[-1].report if self.ends else {}
        idle = not sum(report.get("messages", {"": 1}).values()) and not report.get("settled")
        return idle and report.get("status") == "success"


class Player:
    """Plays cases against one sandbox, with one process a run."""

    def __init__(self, sandbox: Sandbox, zygote: Zygote) -> None:
        self.sandbox, self.zygote = sandbox, zygote

    def play(self, case: Case) -> tuple[Played, Judgement]:
        """Play one case to its end, and judge it."""
        people = customers(case.now)
        open_shop(self.sandbox, people, case.now)
        played = Played()
        everybody: list[tuple[Customer, ...]] = []
        while len(played.ends) < MAX_RUNS:
            everybody.append(people)
            self._run(case, played)
            people = self._between(case, people, played)
            if played.quiet and len(played.ends) > max((b.run for b in case.blows), default=0):
                if not self._until_tomorrow(people, played):
                    break
            else:
                self.sandbox.world.advance(BETWEEN_RUNS.total_seconds())
        return played, judge(self.sandbox, everybody, played.times, played.ends)

    def _run(self, case: Case, played: Played) -> None:
        world, index = self.sandbox.world, len(played.ends)
        before = len(world.requests)
        played.times.append(world.now())
        order = {
            "env": {
                **self.sandbox.environment(),
                **TUNED,
            },
            "run_id": f"run-{index}",
            "stores": STORES,
            "bug": case.bug,
        }
        pid = self.zygote.start(order)
        strikes = [_strike(blow, pid) for blow in case.blows if blow.run == index]
        with world.lock:
            world.faults[:] = strikes
        self.zygote.go()
        played.ends.append(self.zygote.wait())
        with world.lock:
            world.faults.clear()
        played.hits += [strike.hit for strike in strikes]
        played.requests.append(len(world.requests) - before)

    def _between(
        self, case: Case, people: tuple[Customer, ...], played: Played
    ) -> tuple[Customer, ...]:
        from trials.campaign.shop import cancel

        if case.between != "cancel" or len(played.ends) != 1:
            return people
        return tuple(cancel(self.sandbox, p) if p.number in (2, 3) else p for p in people)

    def _until_tomorrow(self, people: Sequence[Customer], played: Played) -> bool:
        """Go on to the next evening when an event has missed its own; tell whether it did."""
        sent = {(m["to"], kind_of(m)) for m in self.sandbox.messages()}
        missing = any(
            kind == "event" and (person.phone, kind) not in sent
            for person in people
            for at in played.times
            for kind in person.owed(at)
        )
        now = self.sandbox.world.now()
        if not missing or now.day != played.times[0].day:
            return False
        tomorrow = (now + timedelta(days=1)).replace(hour=20, minute=3)
        self.sandbox.world.advance((tomorrow - now).total_seconds())
        return True


def _strike(blow: Blow, pid: int) -> Strike:
    kind, value = blow.kind, None
    if kind.startswith("kill"):
        kind, value = kind.replace("kill", "hook"), _killer(pid)
    return Strike(service="sens", kind=kind, after=blow.point, value=value)


def _killer(pid: int) -> Callable[[], None]:
    return lambda: os.kill(pid, signal.SIGKILL)


def died(end: Ended) -> bool:
    """Tell whether the run was killed."""
    return end.state == DIED


def tally(judgements: Sequence[Judgement]) -> Mapping[str, int]:
    """Sum up judgements."""
    sums: Counter[str] = Counter()
    for judgement in judgements:
        sums.update(judgement.counts())
    return sums
