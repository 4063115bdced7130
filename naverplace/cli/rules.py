"""`naverplace rules`: look at the rules before they run; needs no secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from naverplace.base.errors import RulesError
from naverplace.base.translation import gettext as _
from naverplace.base.translation import ngettext
from naverplace.cli.console import AsJson, err, out, plain_errors, print_json, print_table
from naverplace.cli.impact import rules_impact

if TYPE_CHECKING:
    from naverplace.rules.mutants import Mutant
    from naverplace.rules.rule_parser import Rule
    from naverplace.rules.rulebook import Rulebook

rules_app = typer.Typer(help="Look at the rules before they run.", no_args_is_help=True)
rules_app.command("impact")(rules_impact)
RulesDir = Annotated[
    Path, typer.Option(envvar="NAVERPLACE_RULES_DIR", help="The folder of the YAML files.")
]
StoresFile = Annotated[
    Path, typer.Option(envvar="NAVERPLACE_STORES_FILE", help="The file of the stores.")
]


@rules_app.command("check")
def check_rules(
    as_json: AsJson = False,
    rules_dir: RulesDir = Path("rules"),
    stores_file: StoresFile = Path("deployments/stores.yaml"),
) -> None:
    """Read every YAML file, and name every mistake with its line; needs no secret."""
    from naverplace.redaction.redactor import REDACTOR

    book: Rulebook | None = None
    mistakes: list[str] = []
    warnings: list[str] = []
    try:
        book = _rulebook(rules_dir, stores_file)
        warnings = [REDACTOR.scrub(what) for what in _warnings(book, rules_dir)]
    except RulesError as error:
        mistakes = [REDACTOR.scrub(problem) for problem in error.problems]
    if as_json:
        enabled = list(book.enabled_names) if book else []
        said = {"mistakes": [*map(_parted, mistakes)], "warnings": [*map(_parted, warnings)]}
        print_json({"right": book is not None, "enabled": enabled, **said})
    for mistake in () if as_json else mistakes:
        err.print(mistake, markup=False)
    for what in () if as_json else warnings:
        err.print(_("warning: {what}").format(what=what), markup=False)
    if book is None:
        words = ngettext("{count} mistake", "{count} mistakes", len(mistakes))
        err.print(words.format(count=len(mistakes)), markup=False)
        raise typer.Exit(2)
    if not as_json:
        words = _("{count} rules are enabled, and all files are right")
        out.print(words.format(count=len(book.enabled_names)), markup=False)


def _warnings(book: Rulebook, rules_dir: Path) -> Iterator[str]:
    """List what is right and hardly meant, by place where it has one."""
    from naverplace.rules.json_schema import FOLDER, outdated
    from naverplace.rules.rule_warnings import find_warnings
    from naverplace.settings.loader import access_here, weak_codes

    access = access_here()
    yield from (*weak_codes(access), *find_warnings(book, rules_dir, access=access))
    for path in outdated(book, rules_dir) if (rules_dir / FOLDER).is_dir() else ():
        words = _("{path} is older than the files: naverplace rules schema --write")
        yield words.format(path=path.as_posix())


def _parted(problem: str) -> dict[str, str | int]:
    """Part a problem into its place and its words, for machines."""
    found = re.fullmatch(r"(?s)(.+?):(\d+):(\d+): (.*)", problem)
    if found is None:
        return {"text": problem}
    file, line, column, text = found.groups()
    return {"file": file, "line": int(line), "column": int(column), "text": text}


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


@rules_app.command("schema")
def print_schemas(
    write: Annotated[
        bool, typer.Option("--write", help="Store them in the folder schema beside the rules.")
    ] = False,
    rules_dir: RulesDir = Path("rules"),
    stores_file: StoresFile = Path("deployments/stores.yaml"),
) -> None:
    """Print the JSON Schemas of the YAML files, by which editors complete and explain them."""
    from naverplace.rules.json_schema import make_schemas, write_schemas

    with plain_errors():
        book = _rulebook(rules_dir, stores_file)
    if not write:
        print_json(make_schemas(book))
        return
    written = write_schemas(book, rules_dir)
    for path in written:
        out.print(_("written: {path}").format(path=path.as_posix()), markup=False)
    if not written:
        out.print(_("the schemas are current"), markup=False)


@rules_app.command("test")
def run_rule_tests(
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Count the small changes of rules that tests notice.")
    ] = False,
    rules_dir: RulesDir = Path("rules"),
    stores_file: StoresFile = Path("deployments/stores.yaml"),
) -> None:
    """Run the tests that stand beside the rules, and name the conditions that they never saw."""
    from naverplace.rules.mutants import unnoticed
    from naverplace.rules.rule_tests import RuleTester

    with plain_errors():
        book = _rulebook(rules_dir, stores_file)
    tester = RuleTester(book)
    failures = [failure for rule in book.rules for failure in tester.failures(rule)]
    for failure in failures:
        words = _("{place}: rule {rule!r} should be {expected!r}, and is {found!r}")
        about = {"place": failure.test.place, "rule": failure.rule}
        about |= {"expected": failure.test.expect.text, "found": failure.outcome.text}
        err.print(words.format(**about), markup=False)
    for rule in book.rules:
        for call, answer in tester.coverage(rule).gaps():
            words = (
                _("{place}: {condition} has not been seen true in a test of {rule!r}")
                if answer
                else _("{place}: {condition} has not been seen false in a test of {rule!r}")
            )
            about = {"place": call.place, "condition": call.text, "rule": rule.name}
            out.print(words.format(**about), markup=False)
    if mutate and not failures:  # a test that fails anyway notices nothing
        _print_mutants([(rule, *unnoticed(book, rule)) for rule in book.rules])
    words = _("{count} tests of {rules} rules, {failed} failed")
    count, rules = sum(len(tester.runnable(rule)) for rule in book.rules), len(book.rules)
    out.print(words.format(count=count, rules=rules, failed=len(failures)), markup=False)
    if failures:
        raise typer.Exit(1)


def _print_mutants(tried: list[tuple[Rule, list[Mutant], int]]) -> None:
    for rule, alive, _count in tried:
        for mutant in alive:
            words = _("{place}: no test of {rule!r} notices {change}")
            about = {"place": rule.place, "rule": rule.name, "change": mutant.change}
            out.print(words.format(**about), markup=False)
    made = sum(count for _rule, _alive, count in tried)
    noticed = made - sum(len(alive) for _rule, alive, _count in tried)
    words = _("{noticed} of {made} small changes of the rules are noticed ({percent} %)")
    percent = 100 * noticed // made if made else 100
    out.print(words.format(noticed=noticed, made=made, percent=percent), markup=False)


def _rulebook(rules_dir: Path, stores_file: Path) -> Rulebook:
    """Read the rules without settings: who edits YAML need not hold the shop's secrets."""
    from naverplace.rules.rulebook import load_rulebook

    return load_rulebook(rules_dir, stores_file)
