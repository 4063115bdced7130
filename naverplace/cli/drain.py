"""`naverplace drain`: nothing is left in doubt, before the legacy or somebody else takes over."""

from __future__ import annotations

import json
import uuid
from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]
Wait = Annotated[
    float, typer.Option(min=0, help="Seconds to wait at most for what is not certain yet.")
]


def add_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("drain")(drain)


def drain(wait: Wait = 900.0, as_json: AsJson = False) -> None:
    """Settle every message in doubt by SENS's own log; sends nothing. Exit 1: some are left."""
    from naverplace.cli.app import err, out, plain_errors
    from naverplace.jobs.drain import drain as carry_out
    from naverplace.pipeline.context import open_run
    from naverplace.reporting.markdown import table
    from naverplace.settings.loader import load_settings

    with plain_errors():
        run = open_run(load_settings(), run_id=f"drain-{uuid.uuid4()}", door="cli")
        drained = carry_out(
            run, wait_seconds=wait, progress=lambda line: err.print(line, markup=False)
        )
    if as_json:
        out.print(json.dumps(drained.as_json(), ensure_ascii=False), markup=False)
    else:
        rows = [list(doubt.row().values()) for doubt in drained.doubts]
        head = ["booking", "kind", "settled", "since", "by run", "request", "what is known"]
        out.print(table(head, rows) if rows else "nothing was in doubt", markup=False)
        for failure in drained.failures:
            out.print(failure, markup=False)
        words = "nothing is in doubt" if drained.clean else f"{len(drained.left)} are left in doubt"
        out.print(words, markup=False)
    raise typer.Exit(0 if drained.clean else 1)
