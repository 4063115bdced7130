"""`naverplace parity`: read the report of a comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from naverplace.cli.console import AsJson, out, plain_errors, print_json

Report = Annotated[Path, typer.Argument(help="The report, parity.json.", metavar="FILE")]

parity_app = typer.Typer(help="Read comparisons with the legacy.", no_args_is_help=True)


@parity_app.command("show")
def show_comparison(report: Report, as_json: AsJson = False) -> None:
    """Show what a comparison came to; exit 1 unless it is a GO."""
    from naverplace.cli.document import read_text
    from naverplace.migration.parity.report import as_text, read_parity
    from naverplace.migration.parity.values import GO

    with plain_errors():
        text = read_text(report)
        parity = read_parity(text, where=str(report))
    if as_json:
        print_json(json.loads(text))
    else:
        out.print(as_text(parity), markup=False, end="")
    if parity.verdict != GO:
        raise typer.Exit(1)
