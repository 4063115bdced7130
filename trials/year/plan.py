"""When runs begin, and what happens to each: drawn from the seed, the same for both halves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from trials.year.fate import Fate
from trials.year.kernel import Kernel
from trials.year.troubles import DAY, HOUR, MINUTE, Troubles

EVERY = 20 * MINUTE
SHARES = {"overlap": 0.03, "kill": 0.02, "freeze": 0.01, "late": 0.004}  # of all runs


@dataclass(frozen=True)
class RunPlan:
    """One run that is going to happen, and its luck."""

    at: float
    run_id: str
    door: str
    seed: str
    kill_at: int = 0
    restart_after: float = 0.0
    same_id: bool = False
    freeze_at: int = 0
    freeze_seconds: float = 0.0
    stall_seconds: float = 0.0
    beside: bool = False  # it begins while another one is under way

    def fate(self, kernel: Kernel) -> Fate:
        """Give the run its luck."""
        return Fate(
            kernel,
            Random(self.seed),  # noqa: S311 - repeatable
            kill_at=self.kill_at,
            freeze_at=self.freeze_at,
            freeze_seconds=self.freeze_seconds,
            stall_seconds=self.stall_seconds,
        )

    def restarted(self, now: float) -> RunPlan:
        """Plan the run that takes this one's place after it was killed."""
        return replace(
            self,
            at=now + self.restart_after,
            run_id=self.run_id if self.same_id else f"{self.run_id}-again",
            seed=f"{self.seed} again",
            kill_at=0,
            restart_after=0.0,
            freeze_at=0,
            stall_seconds=0.0,
        )


def plan_day(seed: int, midnight: float, troubles: Troubles, factor: float) -> Iterator[RunPlan]:
    """Plan one day: a run every twenty minutes, unless the scheduler stands still.

    What is left out is drawn all the same, so that the rest of the day stays as it is.
    """
    without = troubles.without
    for plan in _plan_day(seed, midnight, troubles, factor):
        if plan.beside and "overlap" in without:
            continue
        yield replace(
            plan,
            kill_at=0 if "kill" in without else plan.kill_at,
            freeze_at=0 if "freeze" in without else plan.freeze_at,
            stall_seconds=0.0 if "late" in without else plan.stall_seconds,
        )


def _plan_day(seed: int, midnight: float, troubles: Troubles, factor: float) -> Iterator[RunPlan]:
    luck = Random(f"{seed} plan {midnight:.0f}")  # noqa: S311 - repeatable
    for slot in range(int(DAY / EVERY)):
        at = midnight + slot * EVERY + luck.uniform(0, 40)
        if troubles.at("scheduler", at):
            continue
        first = _drawn(luck, at, door="flow", factor=factor)
        yield first
        if troubles.at("doors", at):
            beside = at + luck.choice((0.0, luck.uniform(0, 60), luck.uniform(0, 6 * MINUTE)))
            yield _drawn(luck, beside, door="lambda", factor=factor)
        if luck.random() < SHARES["overlap"] * factor:
            for _ in range(luck.choice((1, 1, 1, 2, 4))):
                beside = at + luck.choice((luck.uniform(0, 5), luck.uniform(0, 90)))
                same = replace(first, at=beside, seed=f"{seed} {beside}", stall_seconds=0.0)
                other = _drawn(luck, beside, door="cli", factor=factor)
                yield replace(luck.choice((same, other)), beside=True)


def _drawn(luck: Random, at: float, *, door: str, factor: float) -> RunPlan:
    plan = RunPlan(at, f"{door}-{at:.0f}", door, f"{door} {at}")
    if luck.random() < SHARES["kill"] * factor:
        restart = luck.choice((0.0, luck.uniform(1, 30), luck.uniform(30, 6 * MINUTE)))
        same_id, kill_at = luck.random() < 0.5, _boundary(luck)
        plan = replace(plan, kill_at=kill_at, restart_after=restart, same_id=same_id)
    if luck.random() < SHARES["freeze"] * factor:
        plan = replace(
            plan, freeze_at=_boundary(luck), freeze_seconds=_long(luck, MINUTE / 2, HOUR)
        )
    if luck.random() < SHARES["late"] * factor:
        plan = replace(plan, stall_seconds=_long(luck, 2 * MINUTE, HOUR))
    return plan


def _boundary(luck: Random) -> int:
    """Pick a boundary; the first ones are the reading of the stores."""
    return int(_long(luck, 1, 160))


def _long(luck: Random, least: float, most: float) -> float:
    return math.exp(luck.uniform(math.log(least), math.log(most)))
