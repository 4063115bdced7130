"""Which cases the campaign plays: every point with everything that may happen, and random pairs."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import datetime

from trials.campaign.cases import KINDS, Blow, Case

Points = Mapping[datetime, Sequence[str]]  # of a clean run at each moment, in order


def singles(points: Points) -> list[Case]:
    """List every point x everything that may happen there."""
    return [
        Case(now, (Blow(0, point, kind),))
        for now, seen in points.items()
        for point in range(len(seen))
        for kind in KINDS
    ]


def short(points: Points, *, seed: int = 0) -> list[Case]:
    """List the first and last request of each sort with a kind by turns, and one send with all."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    cases = []
    chosen = chance.choice(list(points))
    for now, seen in points.items():
        near = {_one_send(seen, chance)} if now == chosen else set()
        ends = {seen.index(request) for request in seen}
        ends |= {len(seen) - 1 - seen[::-1].index(request) for request in seen}
        for point in sorted(ends.union(near)):
            kinds = KINDS if point in near else (KINDS[(point + now.hour) % len(KINDS)],)
            cases += [Case(now, (Blow(0, point, kind),)) for kind in kinds]
    return cases


def _one_send(seen: Sequence[str], chance: random.Random) -> int:
    """Choose one send to SENS."""
    return chance.choice([at for at, point in enumerate(seen) if point.startswith("sens POST")])


def near_sends(points: Points) -> list[Case]:
    """List everything that may happen around the first and the last send of the first moment.

    What planted bugs do wrong shows there, most of it after these three.
    """
    now, seen = next(iter(points.items()))
    sends = [at for at, point in enumerate(seen) if point.startswith("sens POST")]
    near = [at + step for at in (sends[0], sends[-1]) for step in (0, 1, -1)]
    first = ("kill_before", "timeout_after", "overlap")
    kinds = (*first, *(kind for kind in KINDS if kind not in first))
    return [Case(now, (Blow(0, point, kind),)) for kind in kinds for point in near]


def pairs(points: Points, count: int, *, seed: int) -> list[Case]:
    """Draw pairs of blows: both in one run, or in two runs after another, sometimes with a change.

    The second run of a pair may be longer than a clean one; what lies beyond hits nothing.
    """
    chance = random.Random(seed)  # noqa: S311 - no secret
    cases = []
    for _ in range(count):
        now = chance.choice(list(points))
        size = len(points[now])
        first = Blow(0, chance.randrange(size), chance.choice(KINDS))
        second = Blow(chance.choice((0, 1)), chance.randrange(size), chance.choice(KINDS))
        between = "cancel" if chance.random() < 0.2 else ""
        cases.append(Case(now, tuple(sorted({first, second}, key=_order)), between=between))
    return cases


def _order(blow: Blow) -> tuple[int, int, str]:
    return blow.run, blow.point, blow.kind


def read_case(name: str, moments: Sequence[datetime]) -> Case:
    """Read a case's name, as `14+0/23/kill_after`; raises ValueError."""
    hour, *parts = name.split("+")
    now = next((m for m in moments if f"{m:%H}" == hour), None)
    if now is None:
        raise ValueError(f"{name!r}: must begin with {' or '.join(f'{m:%H}' for m in moments)}")
    between = parts.pop() if parts and "/" not in parts[-1] else ""
    blows = []
    for part in parts:
        run, point, kind = part.split("/", 2)
        blows.append(Blow(int(run), int(point), kind))
    return Case(now, tuple(blows), between=between)
