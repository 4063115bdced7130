"""`naverplace rules`: look at the rules before they run; needs no secret."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from naverplace.cli.console import AsJson, out, plain_errors, print_json, print_table

if TYPE_CHECKING:
    from naverplace.rules.rulebook import Rulebook

rules_app = typer.Typer(help="Look at the rules before they run.", no_args_is_help=True)
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
    if as_json:
        print_json(rows)
    else:
        print_table([{**row, "enabled": "yes" if row["enabled"] else "no"} for row in rows])


@rules_app.command("catalogue")
def print_catalogue() -> None:
    """Print every condition and action that a rule may use, as rules/README.md."""
    from naverplace.rules.catalogue import catalogue

    out.print(catalogue(), markup=False, end="")


def _rulebook(rules_dir: Path, stores_file: Path) -> Rulebook:
    """Read the rules without settings: who edits YAML need not hold the shop's secrets."""
    from naverplace.rules.rulebook import load_rulebook

    return load_rulebook(rules_dir, stores_file)
