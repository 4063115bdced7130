"""`naverplace drain`: nothing is left in doubt, before the legacy or somebody else takes over."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from naverplace.cli.console import AsJson, plain_errors, print_json, print_lines, print_progress
from naverplace.settings.loader import load_settings

Wait = Annotated[
    float, typer.Option(min=0, help="Seconds to wait at most for what is not certain yet.")
]


def drain(wait: Wait = 900.0, as_json: AsJson = False) -> None:
    """Settle every message in doubt by SENS's own log; sends nothing. Exit 1: some are left."""
    from naverplace.jobs.drain import drain_stores as carry_out
    from naverplace.pipeline.context import open_run
    from naverplace.reporting.markdown import table

    with plain_errors():
        run = open_run(load_settings(), run_id=f"drain-{uuid.uuid4()}", door="cli")
        drained = carry_out(run, wait_seconds=wait, progress=print_progress)
    if as_json:
        print_json(drained.as_json())
    else:
        rows = [list(doubt.row().values()) for doubt in drained.doubts]
        head = ["booking", "kind", "settled", "since", "by run", "request", "what is known"]
        print_lines(table(head, rows) if rows else "nothing was in doubt")
        for failure in drained.failures:
            print_lines(failure)
        words = "nothing is in doubt" if drained.clean else f"{len(drained.left)} are left in doubt"
        print_lines(words)
    raise typer.Exit(0 if drained.clean else 1)
