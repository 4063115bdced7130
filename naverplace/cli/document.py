"""`naverplace document`: the summary document of an earlier run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from naverplace.cli.console import out, plain_errors

if TYPE_CHECKING:
    from naverplace.reporting.report import RunReport

T = TypeVar("T")
Report = Annotated[Path, typer.Argument(help="A run's report, as JSON.", metavar="REPORT")]
Out = Annotated[Path | None, typer.Option("--out", help="Write it there, not to the screen.")]
Parity = Annotated[
    Path | None, typer.Option(help="The result of a comparison with the legacy, as JSON.")
]


def document(report: Report, file: Out = None, parity: Parity = None) -> None:
    """Write the summary document of an earlier run from its report; asks nothing outside."""
    from naverplace.base.files import write_whole
    from naverplace.redaction.redactor import REDACTOR
    from naverplace.reporting.document import render

    with plain_errors():
        compared = _read_json(parity, dict[str, Any], "JSON object") if parity else None
        told = REDACTOR.scrub_values((read_report(report), compared))
        text = render(told[0], parity=told[1])
        if file:
            write_whole(file, text)
        else:
            out.print(text, markup=False, end="")


def read_report(path: Path) -> RunReport:
    """Read a report that a run has written. Raises Permanent."""
    from naverplace.base.clock import parse_time
    from naverplace.base.errors import Permanent
    from naverplace.reporting.report import RunReport

    report = _read_json(path, RunReport, "report of a run")
    for name in ("now", "started"):
        moment = getattr(report, name)
        if not (parse_time(moment) or (name == "started" and not moment)):
            raise Permanent(f"{path}: is no report of a run; {name} is no time: {moment!r}")
    return report


def _read_json(path: Path, kind: type[T], what: str) -> T:
    from pydantic import TypeAdapter, ValidationError

    from naverplace.base.errors import Permanent

    try:
        return TypeAdapter(kind).validate_json(read_text(path))
    except ValidationError as error:
        rows = error.errors(include_input=False)
        places = [".".join(map(str, row["loc"])) or row["msg"] for row in rows[:10]]
        raise Permanent(f"{path}: is no {what}; wrong or missing: {', '.join(places)}") from None


def read_text(path: Path) -> str:
    """Read a file. Raises Permanent."""
    from naverplace.base.errors import Permanent

    try:
        return path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Permanent(f"{path}: cannot be read ({type(error).__name__})") from None
