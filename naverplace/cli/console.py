"""What every command prints with: the two streams, the option --json, errors in plain words."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from typing import Annotated, Any

import typer
from rich.console import Console

from naverplace.base.errors import NaverPlaceError
from naverplace.redaction.redactor import REDACTOR, describe

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


class LossyStream:
    """A stream that drops what nobody can take: no reader, no space, signs that it does not know.

    A command that has sent messages does not fail because of what it says afterwards.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        with self._dropping():
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Hand on what was written, or drop it."""
        with self._dropping():
            self._stream.flush()

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            # What is still in the buffer goes there as well, when the process ends.
            with open(os.devnull, "wb") as nowhere:
                os.dup2(nowhere.fileno(), self._stream.fileno())


def outlive_readers() -> None:
    """Let no fault of stdout or stderr end a command."""
    for name in ("stdout", "stderr"):
        if not isinstance(stream := getattr(sys, name), LossyStream):
            setattr(sys, name, LossyStream(stream))


def print_lines(*lines: str) -> None:
    """Print lines; no secret, no phone and no sign that steers a terminal gets out."""
    for line in lines:
        out.print(REDACTOR.scrub(line), markup=False)


def print_json(data: Any, *, default: Callable[[Any], Any] = str, in_full: bool = False) -> None:
    """Print one JSON object on one line; `default` turns what JSON does not know.

    Its texts are scrubbed, unless they are to be shown `in_full`.
    """
    readable = (sys.stdout.encoding or "").lower().startswith("utf")
    plain = json.loads(json.dumps(data, default=default))
    # Text by text: a number that is a count must stay one.
    shown = plain if in_full else REDACTOR.scrub_values(plain)
    out.print(json.dumps(shown, ensure_ascii=not readable), markup=False)


def print_in_full(*lines: str) -> None:
    """Print lines unmasked, for the one command whose purpose is to show a phone."""
    for line in lines:
        out.print(line, markup=False)


def print_table(rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows under the names of the first one; nothing when there are none."""
    from naverplace.reporting.markdown import table

    if rows:
        lines = [[str(REDACTOR.scrub_values(v)) for v in row.values()] for row in rows]
        out.print(table(list(rows[0]), lines), markup=False)


def print_progress(line: str) -> None:
    """Print on stderr what a long command is doing."""
    err.print(REDACTOR.scrub(line), markup=False)
