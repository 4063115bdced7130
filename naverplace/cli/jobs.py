"""Jobs by hand: `naverplace drain`, `reconcile`, `retention` and `watchdog`."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

import typer

from naverplace.base.clock import SEOUL, parse_time
from naverplace.base.translation import gettext as _
from naverplace.cli.console import (
    AsJson,
    err,
    plain_errors,
    print_json,
    print_lines,
    print_progress,
    print_table,
)
from naverplace.settings.loader import load_settings

Wait = Annotated[
    float, typer.Option(min=0, help="Seconds to wait at most for what is not certain yet.")
]
Since = Annotated[
    str,
    typer.Option(help="Look once more from here, as 2025-10-21 or 2025-10-21T09:00; tells nobody."),
]
Remove = Annotated[bool, typer.Option("--remove", help="Remove it; without, it is only counted.")]
Tell = Annotated[
    bool, typer.Option("--tell", help="Tell the alert channels, and ping, as the flow.")
]


def drain(wait: Wait = 900.0, as_json: AsJson = False) -> None:
    """Settle every message in doubt by SENS's own log; sends nothing. Exit 1: some are left."""
    from naverplace.jobs.drain import drain_stores
    from naverplace.pipeline.context import open_run

    with plain_errors():
        run = open_run(load_settings(), run_id=f"drain-{uuid.uuid4()}", door="cli")
        drained = drain_stores(run, wait_seconds=wait, progress=print_progress)
    if as_json:
        print_json(drained.as_json())
    else:
        print_table([doubt.row() for doubt in drained.doubts])
        if not drained.doubts:
            print_lines("nothing was in doubt")
        for failure in drained.failures:
            print_lines(failure)
        words = "nothing is in doubt" if drained.clean else f"{len(drained.left)} are left in doubt"
        print_lines(words)
    raise typer.Exit(0 if drained.clean else 1)


def reconcile(since: Since = "", as_json: AsJson = False) -> None:
    """Match every message that the ledger counts with SENS's own log; sends no text message."""
    from naverplace.jobs.reconciliation.job import run_reconciliation
    from naverplace.jobs.reconciliation.summary import reconciliation_lines, table_of

    with plain_errors():
        done = run_reconciliation(
            load_settings(), run_id=f"cli-{uuid.uuid4()}", door="cli", since=read_since(since)
        )
    if as_json:
        print_json(done.as_json())
    else:
        print_lines(*reconciliation_lines(done))
        print_table(table_of(done))
    if done.found:
        err.print(_("something was found: docs/runbook.md says what to do"), markup=False)
    raise typer.Exit(1 if done.found else 0)


def read_since(text: str) -> datetime | None:
    """Read a date or time, Korean when it names no zone; None for an empty text.

    Raises typer.BadParameter.
    """
    if not text:
        return None
    if (read := parse_time(text, SEOUL)) is None:
        raise typer.BadParameter("must be a date or time like 2025-10-21T09:00")
    return read


def retention(remove: Remove = False, as_json: AsJson = False) -> None:
    """Count personal data that is older than it may be, in every place; exit code 1 if any is."""
    from naverplace.jobs.retention.job import retain

    with plain_errors():
        done = retain(load_settings(), dry_run=not remove)
    if as_json:
        print_json(done.as_json())
        raise typer.Exit(0 if done.clean else 1)
    print_table(done.rows())
    for problem in done.problems:
        err.print(problem, markup=False)
    if done.left and not remove:
        print_lines("remove it: naverplace retention --remove (the flow does so daily)")
    raise typer.Exit(0 if done.clean else 1)


def watchdog(tell: Tell = False, as_json: AsJson = False) -> None:
    """Look whether any message is late, and whether runs still read every store."""
    from naverplace.jobs.watchdog.job import Watchdog

    with plain_errors():
        dog = Watchdog(load_settings())
        result = dog.watch() if tell else dog.look()
    if as_json:
        print_json(result.as_json())
        raise typer.Exit(0 if result.fine else 1)
    print_table([late.row() for late in result.overdue])
    for store_id, at in result.silent.items():
        since = f"since {at:%Y-%m-%d %H:%M}" if at else "ever"
        print_lines(f"store {store_id}: no run has read its bookings {since}")
    for store_id, count in result.missed_by_legacy.items():
        print_lines(f"store {store_id}: the legacy has not sent {count} guides: is it dead?")
    print_lines(f"{len(result.overdue)} messages are late, of {result.records} looked up")
    print_lines(*result.problems)
    raise typer.Exit(0 if result.fine else 1)
