"""`naverplace parity`: read the report of a comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Report = Annotated[Path, typer.Argument(help="The report, parity.json.", metavar="FILE")]

parity_app = typer.Typer(help="Read comparisons with the legacy.", no_args_is_help=True)


def add_commands(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(parity_app, name="parity")


@parity_app.command("show")
def show(report: Report, as_json: AsJson = False) -> None:
    """Show what a comparison came to; exit 1 unless it is a GO."""
    from naverplace.base.errors import Permanent
    from naverplace.cli.app import out, plain_errors
    from naverplace.migration.parity.report.json import from_json
    from naverplace.migration.parity.report.labels import (
        KOREAN,
        bound_words,
        power_words,
        span_words,
    )
    from naverplace.migration.parity.values import GO

    with plain_errors():
        try:
            text = report.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Permanent(f"{report}: cannot be read ({type(error).__name__})") from None
        parity = from_json(text, where=str(report))
    if as_json:
        out.print(json.dumps(json.loads(text), ensure_ascii=False), markup=False)
    else:
        lines = [
            f"{parity.verdict} ({KOREAN.get(parity.verdict, '')})",
            *(f"  {line}" for line in parity.why),
            f"compared   {parity.kind}, {span_words(parity)}",
            f"decisions  {parity.decisions:,}, without a class {parity.unexplained:,}, "
            f"accepted {sum(parity.accepted.values()):,}",
            f"bound      {bound_words(parity)}",
            f"power      {power_words(parity)}",
        ]
        for line in lines:
            out.print(line, markup=False)
    if parity.verdict != GO:
        raise typer.Exit(1)
