"""The golden set: runs at many moments, and in every store every situation that the rules know.

Half of it is written down situation by situation (shapes.py), the rest has lived with the modelled
legacy (lives.py). The same seed gives the same bytes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

from naverplace.domain.effects import RecordKey
from naverplace.pipeline.capture.golden_set import write_golden
from naverplace.pipeline.capture.inputs import Inputs
from sandbox.naver.bookings import SEOUL
from trials.parity.lives import lived
from trials.parity.shapes import Shaping
from trials.parity.slimming import slim

SEED = 20251022
FILE = Path(__file__).with_name("golden.jsonl.gz")
STORES = (
    *("1051707", "951291", "1120125", "1285716"),
    *("1462519", "1473826", "1466783", "867589"),
)
# In some worlds rows end the legacy's run (L27), in some the time moves while it runs (L29). The
# first ones show nearly everything, so that a wrong system is caught early.
RUNS = (  # world, time, days after the first
    *(("usual", "20:00:00", 0), ("usual", "14:02:00", 0), ("dying", "14:02:00", 0)),
    *(("moving", "19:59:50", 0), ("moving", "13:59:50", 0), ("moving", "20:59:50", 0)),
    *(("dying-of-one", "20:03:00", 0), ("usual", "21:00:00", 0), ("usual", "20:59:59", 0)),
    *(("usual", "08:00:00", 0), ("usual", "18:00:00", 0), ("usual", "00:05:10", 0)),
    *(("usual", "20:20:03", 0), ("usual", "23:40:00", 0), ("usual", "12:00:00", 0)),
    *(("usual", "19:59:59", 0), ("usual", "20:40:07", 41), ("usual", "20:00:00", 82)),
)
FIRST_ID = 10_000_000


def moments() -> list[datetime]:
    """List the runs' moments: a day of many hours, then days over half a year."""
    first = datetime(2025, 10, 22, tzinfo=SEOUL)
    return [
        datetime.combine(first + timedelta(days=days), time.fromisoformat(text), SEOUL)
        for _, text, days in RUNS
    ]


def golden(seed: int = SEED) -> Iterator[Inputs]:
    """Make every run's inputs, the richest first."""
    for place, now in enumerate(moments()):
        yield one_run(place, now, seed=seed)


def one_run(place: int, now: datetime, *, seed: int = SEED) -> Inputs:
    """Make one run's inputs."""
    confirmed: list[dict[str, Any]] = []
    completed: list[dict[str, Any]] = []
    items: dict[RecordKey, dict[str, Any]] = {}
    world = RUNS[place][0]
    for nth, store in enumerate(STORES):
        rng = random.Random(f"{seed}/{place}/{store}")  # noqa: S311 - nothing secret
        shaping = Shaping(store, now, FIRST_ID + (place * len(STORES) + nth) * 1000)
        shaping.shape()
        if world == "dying":
            shaping.die()
        elif world == "dying-of-one" and store == STORES[-1]:
            shaping.die_of_one()
        found = {**lived(shaping.lives, now, rng), **shaping.items}
        items.update({RecordKey(*key): item for key, item in found.items()})
        # Naver's own order means nothing to us.
        for status, listed in (("RC03", confirmed), ("RC08", completed)):
            mine = shaping.listed(status)
            rng.shuffle(mine)
            listed += [raw if place == i == 0 else slim(raw) for i, raw in enumerate(mine)]
    return Inputs(
        run_id=f"golden-{place:02}-{world}-{now:%Y%m%dT%H%M%S}",
        now=now,
        store_ids=STORES,
        confirmed=confirmed,
        completed=completed,
        items=dict(sorted(items.items())),
    )


if __name__ == "__main__":
    print(write_golden(FILE, golden()))  # noqa: T201 - the way to make it anew
