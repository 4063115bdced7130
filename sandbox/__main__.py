"""Run the simulated outside world until Ctrl-C.

Usage: python -m sandbox [--scenario first-run] [--port 8500] [--port-file urls.json] [--env]
"""

from __future__ import annotations

import argparse
import json
import shlex
import signal
import sys
import threading
from pathlib import Path

from rich.console import Console
from rich.table import Table

from sandbox.scenarios.build import scenario_names
from sandbox.server import Sandbox

WHAT = {
    "control": "받은 문자 (phones) and the control API",
    "nid": "Naver's login site",
    "partner": "Naver's booking API",
    "sens": "Naver Cloud SENS: text messages",
    "telegram": "Telegram's Bot API",
    "slack": "a Slack webhook",
    "aws": "DynamoDB and Secrets Manager (moto)",
}


def main() -> int:
    """Serve until Ctrl-C or SIGTERM and return the exit code."""
    arguments = _arguments()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    try:
        with Sandbox(arguments.scenario, ports={"control": arguments.port}) as sandbox:
            _announce(sandbox, arguments)
            ended.wait()
    except (ValueError, OSError) as error:
        Console(stderr=True).print(f"the sandbox cannot start: {error}", markup=False)
        return 2
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    known = ", ".join(scenario_names())
    parser.add_argument("--scenario", default="first-run", help=f"{known}, or a path to a YAML")
    parser.add_argument("--port", type=int, default=0, help="of the control API; 0: a free one")
    parser.add_argument("--port-file", type=Path, help="write all URLs there, as JSON")
    parser.add_argument("--env", action="store_true", help="print the variables to export")
    return parser.parse_args()


def _announce(sandbox: Sandbox, arguments: argparse.Namespace) -> None:
    if arguments.port_file:
        # Written aside and renamed: whoever waits for the file never reads half of it.
        aside = arguments.port_file.with_suffix(".part")
        aside.write_text(json.dumps(sandbox.urls), encoding="utf-8")
        aside.rename(arguments.port_file)
    if arguments.env:
        for name, value in sandbox.environment().items():
            sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
        sys.stdout.flush()
        return
    console = Console(highlight=False)
    now = sandbox.world.now()
    console.print(f"sandbox: scenario [bold]{arguments.scenario}[/bold], {now:%Y-%m-%d %H:%M} KST")
    table = Table("service", "URL", "what it is")
    for name, what in WHAT.items():
        table.add_row(name, sandbox.urls[name], what)
    console.print(table)
    console.print("variables for the library: --env, or GET /environment of control; Ctrl-C ends")


if __name__ == "__main__":
    sys.exit(main())
