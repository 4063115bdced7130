"""`naverplace watchdog`: what is late, by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from naverplace.cli.console import AsJson, plain_errors, print_json, print_lines, print_table
from naverplace.settings.loader import load_settings

Tell = Annotated[
    bool, typer.Option("--tell", help="Tell the alert channels, and ping, as the flow.")
]


def watchdog(tell: Tell = False, as_json: AsJson = False) -> None:
    """Ask the ledger whether any message is late, and whether every store is still looked at."""
    from naverplace.jobs.watchdog.job import Watchdog, WatchdogResult

    with plain_errors():
        dog = Watchdog(load_settings())
        seen = dog.look()
        result = dog.alert_or_ping(seen) if tell else WatchdogResult(seen)
    if as_json:
        print_json(result.as_json())
        raise typer.Exit(0 if seen.fine else 1)
    print_table([late.row() for late in seen.overdue])
    for store_id, at in seen.silent.items():
        since = f"since {at:%Y-%m-%d %H:%M}" if at else "ever"
        print_lines(f"store {store_id}: no run has read its bookings {since}")
    print_lines(f"{seen.records} records: {len(seen.overdue)} messages are late")
    print_lines(*result.problems)
    raise typer.Exit(0 if seen.fine else 1)
