"""What every command prints with: the two streams, the option --json, errors in plain words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console

from naverplace.base.errors import NaverPlaceError
from naverplace.redaction.redactor import describe

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


def print_lines(*lines: str) -> None:
    """Print lines as they are."""
    for line in lines:
        out.print(line, markup=False)


def print_json(data: Any, *, default: Callable[[Any], Any] = str) -> None:
    """Print one JSON object on one line; `default` turns what JSON does not know."""
    print_lines(json.dumps(data, ensure_ascii=False, default=default))


def print_table(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows under the names of the first one; nothing when there are none."""
    from naverplace.reporting.markdown import table

    if rows:
        print_lines(table(list(rows[0]), [[str(v) for v in row.values()] for row in rows]))


def print_progress(line: str) -> None:
    """Print on stderr what a long command is doing."""
    err.print(line, markup=False)
