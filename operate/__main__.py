"""Bring an installation on this machine up or down, tell how it stands, or deploy to a server.

Usage: python -m operate up|down|status [--folder .naverplace/up] [--port 4200] [--real] [--json]
       python -m operate deploy --server https://HOST:4200 [--kind process|ecs] [--project /app]
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from time import sleep
from urllib.parse import urlsplit

from rich.console import Console

from naverplace.base.setting_types import LOOPBACK
from operate import processes
from operate.places import ROOT, CannotStart, Place, State

FOLDER = ROOT / ".naverplace" / "up"


def main() -> int:
    """Do what was asked and return the exit code."""
    arguments = _arguments()
    console = Console(highlight=False, stderr=arguments.json)
    known = State.read(arguments.folder / "up.json")
    place = Place(arguments.folder, arguments.port or (known.port if known else 4200))
    try:
        return COMMANDS[arguments.command](place, console, arguments)
    except CannotStart as error:
        console.print(f"make {arguments.command}: {error}", style="bold red", markup=False)
        return 2


def _up(place: Place, console: Console, arguments: argparse.Namespace) -> int:
    from operate.coming_up import come_up  # takes a second: `down` need not wait for it

    database = os.environ.get("NAVERPLACE_DATABASE_URL", "")
    good = come_up(
        place, console, real=arguments.real, scenario=arguments.scenario, database=database
    )
    if arguments.stay:
        return _stay(place, console, arguments)
    return 0 if good else 1


def _stay(place: Place, console: Console, arguments: argparse.Namespace) -> int:
    """Watch what was started; when one of it ends, end the rest, so that a service begins anew."""
    console.print("staying until one of them ends (Ctrl-C ends all)")
    state = State.read(place.state_file)
    entries = state.processes if state else {}
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, _stop)
    try:
        while all(processes.find(entry) for entry in entries.values()):
            sleep(1.0)
        dead = next(name for name, entry in entries.items() if not processes.find(entry))
        console.print(f"the {dead} has ended, see {place.log(dead)}", markup=False)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        _down(place, console, arguments)


def _stop(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _down(place: Place, console: Console, arguments: argparse.Namespace) -> int:
    state = State.read(place.state_file)
    ended = []
    # The worker first: it hands its runs back while the server still listens.
    for name in ("worker", "server", "sandbox"):
        if state and name in state.processes and processes.end(state.processes[name]):
            ended.append(name)
            console.print(f"ended the {name}")
    place.state_file.unlink(missing_ok=True)
    if not ended:
        console.print("nothing was up")
    if arguments.forget:
        shutil.rmtree(place.folder, ignore_errors=True)
        console.print("the history of runs is removed")
    return 0


def _status(place: Place, console: Console, arguments: argparse.Namespace) -> int:
    state = State.read(place.state_file)
    up = {
        name: processes.find(entry) is not None
        for name, entry in (state.processes if state else {}).items()
    }
    if arguments.json:
        shown = {"url": place.url, "real": bool(state and state.real), "up": up}
        sys.stdout.write(json.dumps(shown) + "\n")
    else:
        for name, alive in up.items():
            console.print(f"{name:8} {'up' if alive else 'has ended: see its log'}")
        console.print(f"Prefect UI {place.url}" if up else "nothing is up")
    return 0 if up and all(up.values()) else 1


def _deploy(place: Place, console: Console, arguments: argparse.Namespace) -> int:
    """Give a server elsewhere the pool, the deployments, the alerts and the limits."""
    if not arguments.server:
        raise CannotStart("which server? --server https://HOST:4200, as workers reach it")
    from httpx import HTTPError  # what Prefect's client raises

    from naverplace.base.errors import NaverPlaceError
    from naverplace.redaction.redactor import describe
    from naverplace.settings.loader import load_settings
    from operate import setting_up

    address = arguments.server.rstrip("/").removesuffix("/api")
    _check_address(address)
    remote = Place(place.folder, place.port, address)
    place.prepare()
    console.print(f"deploying to {remote.url} ...", markup=False)
    try:
        settings = load_settings()
        setting_up.set_up(remote, settings, kind=arguments.kind, project=arguments.project)
    except (NaverPlaceError, HTTPError) as error:
        raise CannotStart(describe(error)) from None
    console.print(f"a pool of type {arguments.kind}, everything of prefect.yaml, alerts, limits")
    return 0


def _check_address(address: str) -> None:
    """Refuse to send the login and the bot's token over the network as they are."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise CannotStart(f"--server {address!r} is no address; write https://HOST:4200")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise CannotStart(
            f"--server {address}: over http everybody on the way reads the bot's token and the "
            "server's login; write https://, or tunnel it: ssh -L 4200:127.0.0.1:4200 HOST"
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m operate", description=__doc__)
    parser.add_argument("command", choices=list(COMMANDS))
    parser.add_argument("--folder", type=lambda text: Path(text).resolve(), default=FOLDER)
    parser.add_argument("--port", type=int, help="of the server and its UI; 4200")
    parser.add_argument("--real", action="store_true", help="no sandbox; `doctor` must pass first")
    parser.add_argument("--scenario", default="first-run", help="of the sandbox")
    parser.add_argument("--stay", action="store_true", help="up: watch them; for systemd")
    parser.add_argument("--forget", action="store_true", help="down: remove the history as well")
    parser.add_argument("--server", default="", help="deploy: the address of a Prefect server")
    parser.add_argument("--kind", default="process", choices=["process", "ecs"], help="of the pool")
    parser.add_argument("--project", type=Path, default=ROOT, help="where workers have the project")
    parser.add_argument("--json", action="store_true", help="status: one JSON object")
    return parser.parse_args()


COMMANDS = {"up": _up, "down": _down, "status": _status, "deploy": _deploy}


if __name__ == "__main__":
    sys.exit(main())
