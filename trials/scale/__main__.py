"""`make scale`: many stores shared between several workers, one of which is killed half way.

Everything is real: a Prefect server, worker processes, the deployed flows, HTTP to the sandbox.
Ends with one JSON object; exit code 1 when a message was lost or doubled or a limit was exceeded.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from naverplace.settings.loader import load_settings
from operate.alerts import read_entries, set_alerts
from operate.setting_up import LIMITS, set_limits
from sandbox.memory_dynamodb.app import MemoryAwsApp
from sandbox.prefect_server import PrefectServer
from sandbox.server import Sandbox
from trials.scale import throughput
from trials.scale.chain import Chain
from trials.scale.judging import Judgement, judge
from trials.working import Working, kill_group, seen

SHARED = "share-bookings/shared-20-minutes"
WITHIN = 900.0  # seconds for one tick; on two slow cores 200 stores take some minutes
SILENT = 90  # seconds without a heartbeat until a run is called crashed; 540 as shipped
TUNED = {
    "NAVERPLACE_LEDGER__LEASE_SECONDS": "10",  # what a killed run held is free again after it
    "NAVERPLACE_LEDGER__SETTLE_SECONDS": "0.2",
    "NAVERPLACE_NAVER__PAUSE_SECONDS": "0.05",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",  # the least that Prefect takes
    "PREFECT_LOGGING_LEVEL": "WARNING",
}


def main() -> int:
    """Play it; exit code 1 when anything is wrong."""
    words = _arguments()
    if words.throughput:
        return throughput.main(words.throughput, TUNED)
    started = time.monotonic()
    chain = Chain.of(words.stores)
    limits: dict[str, int] = yaml.safe_load(LIMITS.read_text("utf-8"))["limits"]
    with (
        tempfile.TemporaryDirectory(prefix="naverplace-scale-") as folder,
        Sandbox("empty", aws=MemoryAwsApp) as sandbox,
        PrefectServer() as server,
    ):
        client = {PREFECT_API_URL: f"{server.url}/api", PREFECT_HOME: server.home}
        with temporary_settings(client):
            _play(words, chain, sandbox, server, Path(folder))
        judged = judge(chain, sandbox, {"partner": limits["naver"], "sens": limits["sens"]})
    _tell(judged, limits)
    final = {
        "stores": words.stores,
        "workers": words.workers,
        "shards": words.shards,
        "messages": judged.messages,
        "duplicates": judged.duplicates,
        "lost": judged.lost,
        "limit_exceeded": judged.limit_exceeded,
        "seconds": round(time.monotonic() - started, 1),
    }
    sys.stdout.write(json.dumps(final) + "\n")
    return 0 if judged.good else 1


def _play(
    words: argparse.Namespace, chain: Chain, sandbox: Sandbox, server: PrefectServer, folder: Path
) -> None:
    """Play two ticks: in the first one a worker dies, the second one finds what it left."""
    chain.open(sandbox)
    env = {**sandbox.environment(), **chain.write(folder), **TUNED}
    os.environ.update({name: value for name, value in env.items() if name.startswith("AWS_")})
    working = Working(server, env, folder, pool="scale")
    _say("deploying ...")
    working.deploy()
    with get_client(sync_client=True) as client:
        set_limits(client)
        set_alerts(client, load_settings(env=env, env_file=None), file=_sooner(folder))
    try:
        workers = [working.worker() for _ in range(words.workers)]
        _say(f"{words.stores} stores, {words.shards} shards, {words.workers} workers")
        wanted = {"shards": words.shards, "deployment": "process-shard/shard-scale"}
        first = working.start(SHARED, **wanted)
        owed = len(chain.owed())
        _until(
            sandbox,
            owed,
            lambda: len(sandbox.messages()) >= owed / 3 or _ended(working.read(first)),
        )
        _must_run(working.read(first))
        kill_group(workers[0])
        _say(f"worker 1 is killed, with its runs, after {len(sandbox.messages())} messages")
        _until(sandbox, owed, lambda: _all_ended([first, *_shards()]))
        _say(f"{len(sandbox.messages())} of {owed} messages are out; the next tick ...")
        second = working.start(SHARED, **wanted)
        _until(sandbox, owed, lambda: _ended(working.read(second)))
        _say(f"the next tick: {working.read(second).state_name}")
        for run in _shards():
            if run.state and not run.state.is_completed():
                _say(f"  {run.name}: {run.state_name}: {str(run.state.message)[:300]}")
    finally:
        working.stop()


def _sooner(folder: Path) -> Path:
    """Write the shipped automations so that a run whose process is gone is called crashed soon."""
    entries = read_entries()
    for entry in entries:
        if entry.get("crash"):
            entry["trigger"]["within"] = SILENT
    file = folder / "automations.yaml"
    file.write_text(yaml.safe_dump({"automations": entries}), "utf-8")
    return file


def _until(sandbox: Sandbox, owed: int, look: Any) -> None:
    """Wait until something is so, a line every ten seconds; raises SystemExit when it never is."""
    said = [time.monotonic()]

    def looked() -> bool:
        if time.monotonic() - said[0] > 10:
            said[0] = time.monotonic()
            _say(f"  {len(sandbox.messages())} of {owed} messages")
        return bool(look())

    if not seen(looked, within=WITHIN):
        raise SystemExit(f"it did not end within {WITHIN:.0f} s")


def _must_run(run: FlowRun) -> None:
    if run.state and run.state.is_final():
        raise SystemExit(f"the tick ended before a worker was killed: {run.state.message}")


def _shards() -> list[FlowRun]:
    with get_client(sync_client=True) as client:
        tagged = FlowRunFilter(tags=FlowRunFilterTags(all_=["shard"]))
        return client.read_flow_runs(flow_run_filter=tagged, limit=200)


def _all_ended(runs: list[FlowRun]) -> bool:
    with get_client(sync_client=True) as client:
        return all(_ended(client.read_flow_run(run.id)) for run in runs)


def _ended(run: FlowRun) -> bool:
    return run.state is not None and run.state.is_final()


def _tell(judged: Judgement, limits: dict[str, int]) -> None:
    peaks = ", ".join(f"{name} {peak}" for name, peak in judged.peaks.items())
    _say(f"most requests at one moment: {peaks} (limits: {limits})")
    if judged.unowed:
        _say(f"{judged.unowed} messages were not owed")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="trials.scale", description=__doc__)
    parser.add_argument("--stores", type=int, default=200)
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--shards", type=int, default=6)
    parser.add_argument("--throughput", type=int, default=0, help="stores a worker; no kills")
    return parser.parse_args()


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
