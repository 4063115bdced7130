"""`naverplace document`: the summary document of an earlier run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from naverplace.cli.console import out, plain_errors

if TYPE_CHECKING:
    from naverplace.reporting.report import RunReport

Report = Annotated[Path, typer.Argument(help="A run's report, as JSON.", metavar="REPORT")]
Out = Annotated[Path | None, typer.Option("--out", help="Write it there, not to the screen.")]
Parity = Annotated[
    Path | None, typer.Option(help="The result of a comparison with the legacy, as JSON.")
]


def document(report: Report, file: Out = None, parity: Parity = None) -> None:
    """Write the summary document of an earlier run from its report; asks nothing outside."""
    from naverplace.redaction.redactor import REDACTOR
    from naverplace.reporting.document import render

    with plain_errors():
        compared = read_object(parity) if parity else None
        text = REDACTOR.scrub(render(read_report(report), parity=compared))
        if file:
            file.write_text(text, "utf-8")
        else:
            out.print(text, markup=False, end="")


def read_report(path: Path) -> RunReport:
    """Read a report that a run has written. Raises Permanent."""
    from pydantic import TypeAdapter, ValidationError

    from naverplace.base.errors import Permanent
    from naverplace.reporting.report import RunReport

    try:
        return TypeAdapter(RunReport).validate_python(read_object(path))
    except ValidationError as error:
        places = [".".join(map(str, row["loc"])) for row in error.errors(include_input=False)]
        raise Permanent(
            f"{path}: is no report of a run; wrong or missing: {', '.join(places[:10])}"
        ) from None


def read_object(path: Path) -> dict[str, Any]:
    """Read a file that holds one JSON object. Raises Permanent."""
    from naverplace.base.errors import Permanent

    try:
        read = json.loads(read_text(path))
    except ValueError as error:
        raise Permanent(f"{path}: is no JSON ({error})") from None
    if not isinstance(read, dict):
        raise Permanent(f"{path}: holds no JSON object")
    return read


def read_text(path: Path) -> str:
    """Read a file. Raises Permanent."""
    from naverplace.base.errors import Permanent

    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Permanent(f"{path}: cannot be read ({type(error).__name__})") from None
