"""The run summary document: what one run saw, did and cost, in Markdown; pure."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from naverplace.domain.effects import CHANNELS
from naverplace.reporting.document_view import DocumentView, describe_outcome, format_moment, mark
from naverplace.reporting.report import RunReport

PARITY_FIGURES = ("decisions", "unexplained", "aa_differences", "mutants", "caught", "bound_95")


def render(report: RunReport, *, parity: Mapping[str, Any] | None = None) -> str:
    """Write the run's document; FAILED when the run is, or when two of its figures differ."""
    return _template().render(
        report=report,
        view=DocumentView(report, parity is not None),
        parity=parity,
        channels=CHANNELS,
        parity_figures=PARITY_FIGURES,
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("naverplace.reporting", ""),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown, not HTML
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"mark": mark, "moment": format_moment, "outcome": describe_outcome}
    return environment.get_template("document.md.j2")
