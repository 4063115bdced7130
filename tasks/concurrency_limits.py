"""Limits that hold across all workers: how many threads ask Naver or SENS at the same time.

Only shards need them: one run alone keeps its own limits (`naver.parallel`, `sens.parallel`). The
limits are Prefect's global concurrency limits; deployments/limits.yaml says how large they are.

They are held for a whole phase of a shard: asking the server for every store cost more time than
the stores did, since whoever is refused comes back only after some seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prefect.concurrency.sync import concurrency

from naverplace.pipeline.context import RunContext
from naverplace.settings.schema import Settings

NAVER, SENS = "naver", "sens"
THREADS = 2  # of a shard; each one takes a slot
LEASE = 60.0  # seconds until the slots of a process that was killed are free again


@contextmanager
def hold_slots(run: RunContext, *names: str, slots: int = 1) -> Iterator[None]:
    """Hold slots of each of these limits, waiting for them; a run that is no shard needs none.

    A limit that does not exist is an error: without it, nothing would be kept.
    """
    if not run.shard:
        yield
        return
    with concurrency(list(names), occupy=slots, lease_duration=LEASE, strict=True):
        yield


def of_a_shard(settings: Settings) -> Settings:
    """Let a run ask Naver and SENS for no more at once than a shard holds slots for."""
    naver = settings.naver.model_copy(update={"parallel": min(THREADS, settings.naver.parallel)})
    sens = settings.sens.model_copy(update={"parallel": min(THREADS, settings.sens.parallel)})
    return settings.model_copy(update={"naver": naver, "sens": sens})
