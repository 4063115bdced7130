"""`make scale THROUGHPUT=12`: what more workers bring while answers are what takes the time.

Each worker carries out a shard of its own; throughput is the stores that are served in a second.
The seconds are those from the first question to the last answer, as Naver and SENS see them.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from naverplace.pipeline.sharding import split
from sandbox.memory_dynamodb.app import MemoryAwsApp
from sandbox.prefect_server import PrefectServer
from sandbox.server import Sandbox
from tasks.concurrency_limits import NAVER, SENS, THREADS
from trials.scale.chain import Chain
from trials.scale.judging import judge
from trials.working import Working, seen

LEAST = {1: 1.0, 2: 1.8, 4: 3.5}  # by workers: times what one does
LIMIT = max(LEAST) * THREADS  # nobody waits for another's slots
ANSWER = 4.0  # seconds: long beside what a store costs this machine
WITHIN = 900.0


def main(stores: int, settings: dict[str, str]) -> int:
    """Let 1, 2 and 4 workers serve so many stores each; exit code 1 when more bring too little."""
    seconds: dict[int, float] = {}
    wrong: dict[int, int] = {}
    with PrefectServer() as server:
        client = {PREFECT_API_URL: f"{server.url}/api", PREFECT_HOME: server.home}
        with temporary_settings(client):
            _set_limits()
            for workers in LEAST:
                seconds[workers], wrong[workers] = _tick(server, stores, workers, settings)
    times = {workers: round(workers * seconds[1] / taken, 2) for workers, taken in seconds.items()}
    figures = {
        "stores_a_worker": stores,
        "answer_s": ANSWER,
        "seconds": {workers: round(taken, 1) for workers, taken in seconds.items()},
        "throughput": times,
        "wrong": sum(wrong.values()),
    }
    sys.stdout.write(json.dumps(figures) + "\n")
    enough = all(times[workers] >= least for workers, least in LEAST.items())
    return 0 if enough and not any(wrong.values()) else 1


def _tick(
    server: PrefectServer, stores: int, workers: int, settings: dict[str, str]
) -> tuple[float, int]:
    """Give the seconds of a tick, and how much went wrong: lost, doubled, not owed, too many."""
    chain = Chain.of(stores * workers)
    with (
        tempfile.TemporaryDirectory(prefix="naverplace-throughput-") as folder,
        Sandbox("empty", aws=MemoryAwsApp) as sandbox,
    ):
        chain.open(sandbox)
        sandbox.world.latency.update(dict.fromkeys(("partner", "sens"), ANSWER))
        env = {**sandbox.environment(), **chain.write(Path(folder)), **settings}
        os.environ.update({name: text for name, text in env.items() if name.startswith("AWS_")})
        working = Working(server, env, Path(folder), pool=f"throughput-{workers}")
        working.deploy()
        shards = [
            working.start("process-shard/shard", stores=list(part))
            for part in split(chain.stores, workers)
        ]
        try:
            for _ in shards:
                working.worker(runs=1)
            if not seen(lambda: all(_ended(working.read(run)) for run in shards), within=WITHIN):
                raise SystemExit(f"it did not end within {WITHIN:.0f} s")
        finally:
            working.stop()
        judged = judge(chain, sandbox, {"partner": LIMIT, "sens": LIMIT})
        seconds = _seconds(sandbox)
    bad = judged.lost + judged.duplicates + judged.unowed + judged.limit_exceeded
    _say(f"{workers} workers: {seconds:.1f} s, {judged.messages} messages, {judged.peaks} at once")
    return seconds, bad


def _set_limits() -> None:
    with get_client(sync_client=True) as client:
        for name in (NAVER, SENS):
            client.create_global_concurrency_limit(
                GlobalConcurrencyLimitCreate(name=name, limit=LIMIT)
            )


def _seconds(sandbox: Sandbox) -> float:
    """Tell how long Naver and SENS were asked, from the first question to the last answer."""
    spans: list[tuple[datetime, datetime]] = [
        (one.at, one.at + timedelta(seconds=one.seconds))
        for one in sandbox.world.requests
        if one.service in ("partner", "sens")
    ]
    if not spans:
        raise SystemExit("nobody asked Naver or SENS for anything")
    return (max(end for _, end in spans) - min(begin for begin, _ in spans)).total_seconds()


def _ended(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
