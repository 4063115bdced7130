"""`naverplace retention`: what personal data is older than it may be, and removing it."""

from __future__ import annotations

from typing import Annotated

import typer

from naverplace.cli.console import AsJson, err, plain_errors, print_json, print_lines, print_table
from naverplace.settings.loader import load_settings

Remove = Annotated[bool, typer.Option("--remove", help="Remove it; without, it is only counted.")]


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
