"""Run the demo: a sandbox, a Prefect server, the real flow twice, and a check of every sum.

Usage: python -m sandbox.demo [--scenario first-run] [--keep] [--json]
Exits 1 when any sum does not balance. Imports nothing of the library: it looks from outside.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from sandbox.demo.checks import Check, Snapshot, check_run
from sandbox.demo.show import show_run, show_total
from sandbox.prefect_server import PrefectServer
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
RUNS = ("first run: no session stored", "second run: everything is known")


def main() -> int:
    """Run the demo and return its exit code."""
    arguments = _arguments()
    console = Console(stderr=arguments.json, highlight=False)
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, _stop)
    try:
        return _run_demo(arguments, console)
    except KeyboardInterrupt:
        console.print("stopped")
        return 130


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--scenario", default="first-run")
    parser.add_argument("--keep", action="store_true", help="leave the UI up until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="end with one JSON object")
    return parser.parse_args()


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _run_demo(arguments: argparse.Namespace, console: Console) -> int:
    console.print("[bold]naverplace demo[/bold]: the real flow against a simulated outside world")
    console.print("starting the sandbox (Naver, SENS, Telegram, Slack, AWS) ...")
    with (
        Sandbox(scenario=arguments.scenario) as outside,
        tempfile.TemporaryDirectory(prefix="naverplace-demo-") as folder,
    ):
        console.print("starting a Prefect server (about 10 s) ...")
        with PrefectServer() as server:
            results = [
                _one_run(number, outside, server, Path(folder), console)
                for number in range(1, len(RUNS) + 1)
            ]
            balanced = show_total(console, results)
            if arguments.json:
                print(json.dumps(_as_json(arguments.scenario, results)), flush=True)  # noqa: T201
            if arguments.keep:
                _wait(console, outside, server)
    return 0 if balanced else 1


def _one_run(
    number: int, outside: Sandbox, server: PrefectServer, folder: Path, console: Console
) -> dict[str, Any]:
    console.rule(f"[bold]{number}. {RUNS[number - 1]}[/bold]")
    before = Snapshot.take(outside)
    reports = folder / str(number)
    started = time.monotonic()
    code = _start_flow(outside, server, reports, console)
    seconds = time.monotonic() - started
    after = Snapshot.take(outside)
    written = sorted(reports.glob("*.json"))
    report = json.loads(written[0].read_text("utf-8")) if written else {}
    checks = check_run(
        report,
        before=before,
        after=after,
        expected=outside.expected if number == 1 else None,
        exit_code=code,
    )
    show_run(console, report, after.telegram[len(before.telegram) :], checks, seconds)
    return {"report": report, "checks": checks, "seconds": seconds}


def _start_flow(outside: Sandbox, server: PrefectServer, reports: Path, console: Console) -> int:
    """Run the flow in a process of its own through the entrypoint that prefect.yaml deploys."""
    deployment = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"][0]
    process = subprocess.Popen(
        [sys.executable, "-m", "sandbox.demo.worker", deployment["entrypoint"]],
        cwd=ROOT,
        env={
            **os.environ,
            **outside.environment(),
            **server.environment(),
            "PREFECT_LOGGING_CONFIG_PATH": str(ROOT / "deployments" / "logging.yml"),
            "NAVERPLACE_REPORT_DIR": str(reports),
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101 - piped above
    try:
        for line in process.stdout:
            console.print(f"  [dim]{_escape(line.rstrip())}[/dim]", soft_wrap=True)
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=30)


def _escape(text: str) -> str:
    return text.replace("[", "\\[")


def _as_json(scenario: str, results: list[dict[str, Any]]) -> dict[str, Any]:
    wanted = (
        "bookings_confirmed",
        "bookings_completed",
        "messages",
        "writes",
        "writes_by_action",
        "quarantined",
        "browser_opened",
    )
    runs = []
    for result in results:
        checks: list[Check] = result["checks"]
        runs.append(
            {
                **{name: result["report"].get(name) for name in wanted},
                "seconds": round(result["seconds"], 2),
                "balanced": bool(checks) and all(check.holds for check in checks),
                "checks": {check.what: check.holds for check in checks},
            }
        )
    return {"scenario": scenario, "runs": runs, "balanced": all(run["balanced"] for run in runs)}


def _wait(console: Console, outside: Sandbox, server: PrefectServer) -> None:
    console.rule("left up for you; Ctrl-C ends it")
    console.print(f"Prefect UI         {server.url}")
    console.print(f"phones of customers {outside.urls['control']}")
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
