"""`naverplace run` and `explain`: one run by hand, and why a booking is owed what it is."""

from __future__ import annotations

import uuid
from typing import Annotated

import typer

from naverplace.cli.console import AsJson, plain_errors, print_json, print_lines, print_progress
from naverplace.settings.loader import load_settings


def run(
    dry_run: Annotated[bool, typer.Option(help="Decide and report, but send nothing.")] = False,
    store: Annotated[list[str] | None, typer.Option(help="Only this store id.")] = None,
    as_json: AsJson = False,
) -> None:
    """Do one run now, without a Prefect server."""
    from naverplace.pipeline.local_runner import run_once
    from naverplace.reporting.summary import for_engineer

    with plain_errors():
        report = run_once(
            load_settings(),
            run_id=f"cli-{uuid.uuid4()}",
            door="cli",
            dry_run=dry_run,
            only=store or [],
            progress=print_progress,
        )
    if as_json:
        print_json(report.as_json())
    else:
        print_lines(for_engineer(report))
    raise typer.Exit(0 if report.status == "success" else 1)


def explain(
    booking: Annotated[str, typer.Argument(help="A booking, as 1051707_1000000001.")],
    as_json: AsJson = False,
) -> None:
    """Say for one booking what every rule thinks of it now; sends nothing."""
    from naverplace.pipeline.local_runner import explain_booking

    with plain_errors():
        explanation = explain_booking(load_settings(), booking)
    if as_json:
        print_json({"booking": booking, "lines": explanation})
    else:
        print_lines(*explanation)
