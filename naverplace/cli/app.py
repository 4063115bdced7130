"""The command line: everything that an engineer on duty or an owner asks for by hand."""

from __future__ import annotations

import logging
from importlib.metadata import version
from typing import Annotated

import typer

from naverplace.cli import (
    bundles,
    cost,
    cutover,
    document,
    forecast,
    init,
    jobs,
    opt_outs,
    parity,
    pauses,
    preview,
    rules,
    run,
    setup,
    stores,
)
from naverplace.cli.console import err, out, outlive_readers
from naverplace.cli.translated_help import TranslatedGroup
from naverplace.redaction import redactor

app = typer.Typer(
    help="Sends the right message once to every customer of a Naver Place store.",
    cls=TranslatedGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


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
    outlive_readers()
    if verbose:
        from rich.logging import RichHandler  # a tenth of a command's imports

        logging.basicConfig(
            level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=err)]
        )
    else:
        logging.basicConfig(level=logging.CRITICAL, handlers=[logging.NullHandler()])
    redactor.attach()


app.add_typer(rules.rules_app, name="rules")
app.command()(init.init)
app.command()(run.run)
app.command()(run.explain)
app.command()(run.contact)
app.command()(cost.cost)
app.command()(forecast.forecast)
app.command()(preview.preview)
app.command()(opt_outs.optouts)
app.command()(setup.doctor)
app.command()(setup.login)
app.command("init-tables")(setup.init_tables)
app.command()(stores.stores)
app.command("release")(stores.release_held)
app.command()(pauses.pause)
app.command()(pauses.resume)
app.command()(jobs.reconcile)
app.command()(jobs.drain)
app.command()(document.document)
app.command()(jobs.watchdog)
app.command()(cutover.cutover)
app.command()(cutover.rollback)
app.command()(cutover.owners)
app.add_typer(bundles.bundles_app, name="bundles")
app.command()(jobs.retention)
app.add_typer(parity.parity_app, name="parity")
app.command("env-example")(setup.print_env_example)
