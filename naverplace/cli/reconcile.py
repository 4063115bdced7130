"""`naverplace reconcile`: the ledger against SENS's own log, by hand."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

import typer

from naverplace.base.clock import SEOUL
from naverplace.cli.console import AsJson, err, plain_errors, print_json, print_lines, print_table
from naverplace.settings.loader import load_settings

Since = Annotated[
    str,
    typer.Option(help="Look once more from here, as 2025-10-21 or 2025-10-21T09:00; tells nobody."),
]


def reconcile(since: Since = "", as_json: AsJson = False) -> None:
    """Match every message that the ledger counts with SENS's own log; sends no text message."""
    from naverplace.jobs.reconciliation.job import run_reconciliation as carry_out
    from naverplace.jobs.reconciliation.summary import reconciliation_page, rows_of

    with plain_errors():
        done = carry_out(
            load_settings(), run_id=f"cli-{uuid.uuid4()}", door="cli", since=read_since(since)
        )
    if as_json:
        print_json(done.as_json())
    else:
        print_lines(reconciliation_page(done))
        print_table(rows_of(done))
    if done.found:
        err.print("something was found: docs/runbook.md says what to do", markup=False)
    raise typer.Exit(1 if done.found else 0)


def read_since(text: str) -> datetime | None:
    """Read a date or time, Korean when it names no zone; None for an empty text.

    Raises typer.BadParameter.
    """
    if not text:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter("must be a date or time like 2025-10-21T09:00") from None
    return read if read.tzinfo else read.replace(tzinfo=SEOUL)
