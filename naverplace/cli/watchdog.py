"""`naverplace watchdog`: what is late, by hand."""

from __future__ import annotations

import json
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Tell = Annotated[
    bool, typer.Option("--tell", help="Tell the alert channels, and ping, as the flow.")
]


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("watchdog")(watchdog)


def watchdog(tell: Tell = False, as_json: AsJson = False) -> None:
    """Ask the ledger whether any message is late, and whether every store is still looked at."""
    from naverplace.cli.app import out, plain_errors
    from naverplace.jobs.watchdog.job import Barked, Watchdog
    from naverplace.reporting.markdown import table
    from naverplace.settings.loader import load_settings

    with plain_errors():
        dog = Watchdog(load_settings())
        seen = dog.look()
        barked = dog.bark(seen) if tell else Barked(seen)
    if as_json:
        out.print(json.dumps(barked.as_json(), ensure_ascii=False), markup=False)
        raise typer.Exit(0 if seen.fine else 1)
    if rows := [late.row() for late in seen.overdue]:
        out.print(
            table(list(rows[0]), [[str(v) for v in row.values()] for row in rows]), markup=False
        )
    for store_id, at in seen.silent.items():
        since = f"since {at:%Y-%m-%d %H:%M}" if at else "ever"
        out.print(f"store {store_id}: no run has read its bookings {since}", markup=False)
    out.print(f"{seen.records} records: {len(seen.overdue)} messages are late", markup=False)
    for problem in barked.problems:
        out.print(problem, markup=False)
    raise typer.Exit(0 if seen.fine else 1)
