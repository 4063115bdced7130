"""`naverplace retention`: what personal data is older than it may be, and removing it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Remove = Annotated[bool, typer.Option("--remove", help="Remove it; without, it is only counted.")]


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("retention")(retention)


def retention(remove: Remove = False, as_json: AsJson = False) -> None:
    """Count personal data that is older than it may be, in every place; exit code 1 if any is."""
    from naverplace.cli.app import err, out, plain_errors
    from naverplace.jobs.retention.job import retain
    from naverplace.reporting.markdown import table
    from naverplace.settings.loader import load_settings

    with plain_errors():
        done = retain(load_settings(), dry_run=not remove)
    if as_json:
        out.print(json.dumps(done.as_json(), ensure_ascii=False), markup=False)
        raise typer.Exit(0 if done.clean else 1)
    rows = done.rows()
    out.print(table(list(rows[0]), [[str(v) for v in row.values()] for row in rows]), markup=False)
    for problem in done.problems:
        err.print(problem, markup=False)
    if done.left and not remove:
        out.print("remove it: naverplace retention --remove (the flow does so daily)", markup=False)
    raise typer.Exit(0 if done.clean else 1)
