"""The command line: everything that an engineer on duty or an owner asks for by hand."""

from __future__ import annotations

import json
import logging
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.table import Table

from naverplace.base.errors import NaverPlaceError
from naverplace.cli import bundles, cutover, document, drain, parity, reconcile, retention, watchdog
from naverplace.cli import stores as duty
from naverplace.redaction import redactor
from naverplace.redaction.redactor import describe
from naverplace.settings.loader import load_settings

if TYPE_CHECKING:
    from naverplace.rules.rulebook import Rulebook

app = typer.Typer(
    help="Sends the right message once to every customer of a Naver Place store.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
rules_app = typer.Typer(help="Look at the rules before they run.", no_args_is_help=True)
app.add_typer(rules_app, name="rules")

# Tables go into files and pipes too; 80 columns would cut them there.
out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 200)
err = Console(stderr=True, highlight=False, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for machines.")]


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn an error on purpose into words and exit code 2; a traceback helps nobody on duty."""
    try:
        yield
    except NaverPlaceError as error:
        err.print(f"[bold red]{type(error).__name__}[/bold red]")
        err.print(describe(error), markup=False)
        raise typer.Exit(2) from None


def _print_version(asked: bool) -> None:
    if asked:
        out.print(f"naverplace {version('naverplace')}")
        raise typer.Exit


@app.callback()
def _prepare(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Show the log.")] = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    level = logging.INFO if verbose else logging.CRITICAL
    logging.basicConfig(level=level, format="%(message)s", handlers=[RichHandler(console=err)])
    redactor.attach()


@app.command()
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
            progress=lambda line: err.print(line, markup=False),
        )
    _print(report.as_json(), as_json=as_json, words=for_engineer(report))
    raise typer.Exit(0 if report.status == "success" else 1)


@app.command()
def explain(
    booking: Annotated[str, typer.Argument(help="A booking, as 1051707_1000000001.")],
    as_json: AsJson = False,
) -> None:
    """Say for one booking what every rule thinks of it now; sends nothing."""
    from naverplace.pipeline.explain import explain_booking

    with plain_errors():
        explanation = explain_booking(load_settings(), booking)
    _print(
        {"booking": booking, "lines": explanation}, as_json=as_json, words="\n".join(explanation)
    )


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check every setting and every service without sending anything."""
    from naverplace.jobs.doctor import examine

    with plain_errors():
        findings = examine(load_settings(), progress=lambda line: err.print(f"[dim]{line}[/dim]"))
    grid = Table("", "what", "found", "what to do")
    for finding in findings:
        mark = "[green]ok[/green]" if finding.ok else "[red]no[/red]"
        grid.add_row(mark, finding.what, finding.found, finding.advice)
    healthy = all(finding.ok for finding in findings)
    if as_json:
        out.print_json(data={"healthy": healthy, "findings": [f.as_json() for f in findings]})
    else:
        out.print(grid)
    raise typer.Exit(0 if healthy else 1)


@app.command()
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
    for line in resume_waiting():
        out.print(line, markup=False)


@app.command("init-tables")
def init_tables() -> None:
    """Create the tables that are missing: on demand billing, recovery and encryption on."""
    from naverplace.ledger.schema import create_tables

    with plain_errors():
        made = create_tables(load_settings().aws)
    out.print(f"created: {', '.join(made)}" if made else "all tables exist")


duty.add_commands(app)
reconcile.add_commands(app)
drain.add_commands(app)
document.add_commands(app)
watchdog.add_commands(app)
cutover.add_commands(app)
bundles.add_commands(app)
retention.add_commands(app)
parity.add_commands(app)

RulesDir = Annotated[
    Path, typer.Option(envvar="NAVERPLACE_RULES_DIR", help="The folder of the YAML files.")
]
StoresFile = Annotated[
    Path, typer.Option(envvar="NAVERPLACE_STORES_FILE", help="The file of the stores.")
]


@rules_app.command("check")
def check_rules(
    rules_dir: RulesDir = Path("rules"), stores_file: StoresFile = Path("deployments/stores.yaml")
) -> None:
    """Read every YAML file, and name every mistake with its line; needs no secret."""
    with plain_errors():
        book = _rulebook(rules_dir, stores_file)
    out.print(f"{len(book.enabled_names)} rules are enabled, and all files are right")


@rules_app.command("list")
def list_rules(
    as_json: AsJson = False,
    rules_dir: RulesDir = Path("rules"),
    stores_file: StoresFile = Path("deployments/stores.yaml"),
) -> None:
    """List the rules, and which are enabled."""
    with plain_errors():
        book = _rulebook(rules_dir, stores_file)
    rows = [
        {"rule": rule.name, "enabled": rule.enabled, "description": rule.description}
        for rule in book.rules
    ]
    grid = Table("rule", "enabled", "description")
    for row in rows:
        grid.add_row(str(row["rule"]), "yes" if row["enabled"] else "no", str(row["description"]))
    if as_json:
        out.print_json(data=rows)
    else:
        out.print(grid)


@rules_app.command("catalogue")
def print_catalogue() -> None:
    """Print every condition and action that a rule may use, as rules/README.md."""
    from naverplace.rules.catalogue import catalogue

    out.print(catalogue(), markup=False, end="")


@app.command("env-example")
def print_env_example() -> None:
    """Print `.env.example`, made from the settings classes."""
    from naverplace.settings.env_names import env_example

    out.print(env_example(), markup=False, end="")


def _rulebook(rules_dir: Path, stores_file: Path) -> Rulebook:
    """Read the rules without settings: who edits YAML need not hold the shop's secrets."""
    from naverplace.rules.rulebook import load_rulebook

    return load_rulebook(rules_dir, stores_file)


def _print(data: dict[str, Any], *, as_json: bool, words: str) -> None:
    if as_json:
        out.print(json.dumps(data, ensure_ascii=False, default=str), markup=False)
    else:
        out.print(words, markup=False)
