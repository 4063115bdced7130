"""The troubles of a year, drawn once from the seed: both halves of the world share them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from random import Random

from trials.year.fate import Fate

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
SENS_KINDS = (
    "unreachable",
    "dropped before",
    "dropped after",
    "timed out before",
    "timed out after",
    "accepted late",
    "status 503",
    "503 after",
    "status 429",
    "status 401",
    "half an answer",
    "log away",
    "log slow",
)
DYNAMODB_KINDS = ("throttled", "internal", "away", "answer lost")
OF_RUNS = ("overlap", "kill", "freeze", "late")  # drawn with the plan of runs
STRAY = "stray"  # single calls outside any outage
# How many of each in a year, and how long they last: from, to, in seconds.
A_YEAR_OF = {
    "one store of Naver": (60, 20 * MINUTE, 6 * HOUR),
    "all of Naver": (14, 20 * MINUTE, 14 * HOUR),
    "SENS": (60, 5 * MINUTE, 4 * HOUR),
    "SENS for a moment": (300, 2 * MINUTE, 10 * MINUTE),
    "DynamoDB": (25, 5 * MINUTE, 3 * HOUR),
    "DynamoDB for a moment": (150, 1 * MINUTE, 8 * MINUTE),
    "no runs": (14, 1 * HOUR, 9 * HOUR),
    "two doors": (12, 20 * HOUR, 30 * HOUR),
}


KINDS = (*A_YEAR_OF, *SENS_KINDS, *DYNAMODB_KINDS, *OF_RUNS, STRAY)  # that may be left out


@dataclass(frozen=True)
class Trouble:
    """One trouble: from when to when, and how many of the calls it hits."""

    service: str  # naver | sens | dynamodb | scheduler | doors
    kind: str
    start: float
    end: float
    share: float = 1.0
    store_id: str = ""  # empty: all of them


@dataclass
class Troubles:
    """All troubles, found by the day and the service."""

    found: Sequence[Trouble]
    stray: float = 0.0  # share of single calls that fail without any outage
    without: frozenset[str] = frozenset()  # kinds that are left out
    _days: dict[tuple[str, int], list[Trouble]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for trouble in self.found:
            if trouble.service in ("sens", "dynamodb") and trouble.kind in self.without:
                continue
            for day in range(int(trouble.start // DAY), int(trouble.end // DAY) + 1):
                self._days.setdefault((trouble.service, day), []).append(trouble)

    def at(self, service: str, now: float, store_id: str = "") -> Trouble | None:
        """Find a trouble of this service at this moment."""
        for trouble in self._days.get((service, int(now // DAY)), ()):
            mine = trouble.store_id in ("", store_id)
            if mine and trouble.start <= now < trouble.end:
                return trouble
        return None

    def strikes(self, service: str, fate: Fate) -> str:
        """Tell which kind of trouble hits this one call; empty for none. The run remembers it."""
        trouble = self.at(service, fate.kernel.now)
        if trouble:
            fate.note(f"{service}: {trouble.kind}")
            return trouble.kind if fate.luck.random() < trouble.share else ""
        if self.stray and fate.luck.random() < self.stray:
            kinds = SENS_KINDS[:-2] if service == "sens" else DYNAMODB_KINDS
            kind = fate.luck.choice(kinds)
            if self.without & {kind, STRAY}:
                return ""
            fate.note(f"{service}: {kind}")
            # A single DynamoDB call that fails is repeated by botocore, whatever the run does.
            return kind
        return ""


def draw_troubles(
    seed: int,
    *,
    start: float,
    days: int,
    store_ids: Sequence[str],
    factor: float,
    without: Collection[str] = (),
) -> list[Trouble]:
    """Draw the troubles of this many days; `factor` makes short trials as hard as long ones.

    What is left out is drawn all the same, so that the others stay as they are.
    """
    luck = Random(f"{seed} troubles")  # noqa: S311 - a trial must be repeatable
    drawn: list[Trouble] = []
    for name, (count, shortest, longest) in A_YEAR_OF.items():
        expected = count * factor * days / 365
        many = int(expected) + (luck.random() < expected % 1)
        for _ in range(many):
            lasts = math.exp(luck.uniform(math.log(shortest), math.log(longest)))
            at = start + luck.uniform(0.1 * DAY, days * DAY)
            trouble = _trouble(name, at, at + lasts, luck, store_ids)
            if name not in without:
                drawn.append(trouble)
    return sorted(drawn, key=lambda trouble: trouble.start)


def _trouble(
    name: str, start: float, end: float, luck: Random, store_ids: Sequence[str]
) -> Trouble:
    share = luck.choice((1.0, 1.0, 0.5, 0.15))
    if name == "one store of Naver":
        return Trouble("naver", "away", start, end, store_id=luck.choice(store_ids))
    if name == "all of Naver":
        return Trouble("naver", "away", start, end)
    if name.startswith("SENS"):
        return Trouble("sens", luck.choice(SENS_KINDS), start, end, share)
    if name.startswith("DynamoDB"):
        return Trouble("dynamodb", luck.choice(DYNAMODB_KINDS), start, end, share)
    return Trouble("scheduler" if name == "no runs" else "doors", name, start, end)
