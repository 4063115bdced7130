"""`naverplace doctor`, `login`, `init-tables`, `env-example`: what comes before a run."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from naverplace.cli.console import AsJson, err, out, plain_errors, print_lines
from naverplace.settings.loader import load_settings


def doctor(as_json: AsJson = False) -> None:
    """Check every setting and every service without sending anything."""
    from naverplace.jobs.doctor import run_checks

    with plain_errors():
        findings = run_checks(
            load_settings(), progress=lambda line: err.print(f"[dim]{line}[/dim]")
        )
    grid = Table("", "what", "found", "what to do")
    for finding in findings:
        mark = "[green]ok[/green]" if finding.ok else "[red]no[/red]"
        grid.add_row(mark, finding.what, finding.found, finding.advice)
    healthy = all(finding.ok for finding in findings)
    if as_json:
        out.print_json(data={"healthy": healthy, "findings": [vars(f) for f in findings]})
    else:
        out.print(grid)
    raise typer.Exit(0 if healthy else 1)


def login(
    headed: Annotated[bool, typer.Option(help="Open a window and log in by hand.")] = False,
) -> None:
    """Log in to Naver now, and store the session for the next runs."""
    from naverplace.jobs.resume_runs import resume_waiting
    from naverplace.naver.session import log_in_now

    with plain_errors():
        settings = load_settings()
        count = log_in_now(settings, headed=headed)
    out.print(f"logged in; {count} cookies are stored in table {settings.aws.session_table!r}")
    print_lines(*resume_waiting())


def init_tables() -> None:
    """Create the tables that are missing: on demand billing, recovery and encryption on."""
    from naverplace.ledger.schema import create_tables

    with plain_errors():
        made = create_tables(load_settings().aws)
    out.print(f"created: {', '.join(made)}" if made else "all tables exist")


def print_env_example() -> None:
    """Print `.env.example`, made from the settings classes."""
    from naverplace.settings.env_names import env_example

    out.print(env_example(), markup=False, end="")
