"""One case of the campaign: runs with faults, restarts until all is quiet, and the judgement."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sandbox.callers import SANDBOX
from sandbox.faults import Fault
from sandbox.request_log import Seen
from sandbox.server import Sandbox
from trials.campaign.fork_server import Ended, ForkServer, RunProcess
from trials.campaign.judging import Judgement, judge
from trials.campaign.recorder import Recorder
from trials.campaign.shop import STORES, Customer, cancel, customers, kind_of, open_shop

MAX_RUNS = 9
IDLE_SECONDS = 60.0  # for an overlapping run whose first run was killed meanwhile
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
    "overlap",  # a whole other run, while this one waits for its answer
)
PATIENCE = 30.0  # seconds of a run whose request waits for a whole other run
PATIENT = ("NAVER__READ_TIMEOUT", "SENS__READ_TIMEOUT", "AWS__READ_TIMEOUT", "TELEGRAM__TIMEOUT")
TUNED = {
    "NAVERPLACE_NAVER__RETRY_WAIT": "0",
    "NAVERPLACE_NAVER__ATTEMPTS": "2",
    "NAVERPLACE_NAVER__READ_TIMEOUT": "0.4",
    # One after the other, so that the n-th request of a run is the same one each time.
    "NAVERPLACE_NAVER__PARALLEL": "1",
    "NAVERPLACE_SENS__PARALLEL": "1",
    "NAVERPLACE_SENS__READ_TIMEOUT": "0.4",
    "NAVERPLACE_SENS__RETRY_WAIT": "0",
    "NAVERPLACE_SENS__ATTEMPTS": "2",
    "NAVERPLACE_AWS__READ_TIMEOUT": "0.4",
    "NAVERPLACE_AWS__ATTEMPTS": "2",
    "NAVERPLACE_TELEGRAM__TIMEOUT": "0.4",
    "NAVERPLACE_TELEGRAM__RETRY_WAIT": "0",
    "NAVERPLACE_TELEGRAM__MAX_WAIT": "0.5",
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
    """A fault at the n-th request since a run's begin, whatever the service and the run."""

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
    callers: list[str] = field(default_factory=list)  # the names of all its runs
    foreign: list[str] = field(default_factory=list)  # requests of other cases, which were refused
    held: list[str] = field(default_factory=list)  # requests that the campaign held for too long
    runs: int = 0  # without the overlapping ones

    def add(self, began: datetime, end: Ended) -> None:
        """Note a run, in the order of their beginnings."""
        at = sum(time <= began for time in self.times)
        self.times.insert(at, began)
        self.ends.insert(at, end)

    @property
    def quiet(self) -> bool:
        """Tell whether the last run had nothing to do and nothing to name."""
        report = self.ends[-1].report if self.ends else {}
        idle = not sum(report.get("messages", {"": 1}).values()) and not report.get("settled")
        return idle and report.get("status") == "success"


class Player:
    """Plays cases against one sandbox, with one process a run.

    A run names its case and itself in every request (`Sandbox.environment`). The sandbox refuses
    what comes from another case, and no run begins before all that went before has ended.
    """

    def __init__(
        self, sandbox: Sandbox, server: ForkServer, recorder: Recorder | None = None
    ) -> None:
        self.sandbox, self.server, self.recorder = sandbox, server, recorder
        self._callers: dict[str, str] = {}  # of all cases, with what they are
        self._cases = 0

    def play(self, case: Case) -> tuple[Played, Judgement]:
        """Play one case to its end, and judge it."""
        self._cases += 1
        people = customers(case.now)
        open_shop(self.sandbox, people, case.now)
        played = Played()
        everybody: list[tuple[Customer, ...]] = []
        while played.runs < MAX_RUNS:
            self._run(case, played)
            everybody += [people] * (len(played.ends) - len(everybody))
            people = self._between(case, people, played)
            if played.quiet and played.runs > max((b.run for b in case.blows), default=0):
                if not self._until_tomorrow(people, played):
                    break
            else:
                self.sandbox.world.advance(BETWEEN_RUNS.total_seconds())
        self.sandbox.world.callers.expect()  # nobody any more
        played.foreign = self._foreign(played)
        return played, judge(
            self.sandbox,
            everybody,
            played.times,
            played.ends,
            also=[*played.held, *self._accepted(played), *self._history()],
        )

    def _history(self) -> list[str]:
        return self.recorder.judge(self.sandbox) if self.recorder else []

    def _run(self, case: Case, played: Played) -> None:
        world = self.sandbox.world
        before = len(world.requests)
        blows = _blows(case, played)
        began = world.now()
        run = self._start(case, played, blows)
        strikes = [self._strike(blow, run, case, played) for blow in blows]
        with world.lock:
            world.faults[:] = strikes
        run.go()
        end = run.wait()
        world.callers.wait_until_idle(IDLE_SECONDS)
        with world.lock:
            world.faults.clear()
        played.add(began, end)
        played.runs += 1
        played.hits += [strike.hit for strike in strikes]
        played.requests.append(len(world.requests) - before)

    def _start(self, case: Case, played: Played, blows: Sequence[Blow]) -> RunProcess:
        """Start a run that these blows may hit."""
        caller = f"case-{self._cases}.run-{len(played.callers)}"
        played.callers.append(caller)
        self._callers[caller] = f"run {len(played.callers) - 1} of case {case.name}"
        self.sandbox.world.callers.expect(*played.callers)
        env = {**self.sandbox.environment(caller=caller), **TUNED}
        if any(blow.kind == "overlap" for blow in blows):  # an answer comes after a whole run
            env |= {f"NAVERPLACE_{name}": f"{PATIENCE:g}" for name in PATIENT}
        order = {"env": env, "run_id": caller, "stores": STORES, "bug": case.bug}
        return self.server.start(order)

    def _strike(self, blow: Blow, run: RunProcess, case: Case, played: Played) -> Strike:
        kind: str = blow.kind
        value: Callable[[], None] | None = None
        if kind.startswith("kill"):
            kind, value = kind.replace("kill", "hook"), run.kill
        if kind == "overlap":
            kind, value = "hook_then", lambda: self._overlap(blow, case, played)
        return Strike(service="sens", kind=kind, after=blow.point, value=value)

    def _overlap(self, blow: Blow, case: Case, played: Played) -> None:
        """Do a whole other run, within a request of the first: `_run` waits for its end.

        A send must still be waited for then: what the first run has given up, and settled by the
        campaign's short times, would be taken later than any real SENS takes it.
        """
        began, since = self.sandbox.world.now(), time.monotonic()
        held = self.sandbox.world.requests[-1].service
        with self.sandbox.world.lock:
            other = self._start(
                case, played, [b for b in _blows(case, played) if b.point > blow.point]
            )
        other.go()
        end = other.wait()
        with self.sandbox.world.lock:
            played.add(began, end)
            if held == "sens" and time.monotonic() - since > PATIENCE:
                played.held.append(f"no judgement: a request was held for over {PATIENCE:g} s")

    def _foreign(self, played: Played) -> list[str]:
        """Name every request that was refused because it came from another case's run."""
        refused = self.sandbox.world.callers.refused
        named = [f"{self._name(seen)}: {seen.service} {seen.line}" for seen in refused]
        refused.clear()
        return named

    def _accepted(self, played: Played) -> list[str]:
        """Name every request that was let in although it came from another case's run."""
        return [
            f"{self._name(seen)} was let in: {seen.service} {seen.line}"
            for seen in self.sandbox.world.requests
            if seen.caller not in (SANDBOX, *played.callers)
        ]

    def _name(self, seen: Seen) -> str:
        return self._callers.get(seen.caller, f"a stranger {seen.caller!r}")

    def _between(
        self, case: Case, people: tuple[Customer, ...], played: Played
    ) -> tuple[Customer, ...]:
        if case.between != "cancel" or played.runs != 1:
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


def _blows(case: Case, played: Played) -> list[Blow]:
    return [blow for blow in case.blows if blow.run == played.runs]
