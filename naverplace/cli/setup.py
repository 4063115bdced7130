"""`naverplace doctor`, `login`, `init-tables`, `env-example`: what comes before a run."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from naverplace.base.translation import gettext as _
from naverplace.cli.console import AsJson, err, out, plain_errors, print_json, print_lines
from naverplace.settings.loader import load_settings


def doctor(as_json: AsJson = False) -> None:
    """Check every setting and every service without sending anything."""
    from naverplace.jobs.doctor import run_checks

    with plain_errors():
        findings = run_checks(
            load_settings(), progress=lambda line: err.print(f"[dim]{line}[/dim]")
        )
    grid = Table("", _("what"), _("found"), _("what to do"))
    for finding in findings:
        mark = f"[red]{_('wrong')}[/red]"
        if finding.ok:
            warns = f"[yellow]{_('warning')}[/yellow]"
            mark = warns if finding.advice else f"[green]{_('ok')}[/green]"
        grid.add_row(mark, finding.what, finding.found, finding.advice)
    healthy = all(finding.ok for finding in findings)
    if as_json:
        print_json({"healthy": healthy, "findings": [vars(f) for f in findings]})
    else:
        out.print(grid)
    raise typer.Exit(0 if healthy else 1)


def login(
    headed: Annotated[bool, typer.Option(help="Open a window and log in by hand.")] = False,
    as_json: AsJson = False,
) -> None:
    """Log in to Naver now, and store the session for the next runs."""
    from naverplace.jobs.resume_runs import resume_waiting
    from naverplace.naver.session import log_in_now

    with plain_errors():
        settings = load_settings()
        count = log_in_now(settings, headed=headed)
    resumed = resume_waiting()
    if as_json:
        print_json({"cookies": count, "resumed": list(resumed)})
        return
    words = _("logged in; {count} cookies are stored in table {table!r}")
    print_lines(words.format(count=count, table=settings.aws.session_table))
    print_lines(*resumed)


def init_tables(as_json: AsJson = False) -> None:
    """Create missing tables, and set what protects them: recovery, no deletion by a slip."""
    from naverplace.ledger.schema import create_tables

    with plain_errors():
        made = create_tables(load_settings().aws)
    if as_json:
        print_json({"created": made})
        return
    words = _("created or set: {made}").format(made=", ".join(made))
    out.print(words if made else _("all tables exist"), markup=False)


def print_env_example() -> None:
    """Print `.env.example`, made from the settings classes."""
    from naverplace.settings.env_names import env_example

    out.print(env_example(), markup=False, end="")
