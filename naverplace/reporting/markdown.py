"""Markdown pages: from the templates beside this file, with tables that data cannot break."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table; a bar or a line break in a cell cannot break it."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(map(cell, cells)) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *(line(row) for row in rows)])


def render_page(template: str, **values: object) -> str:
    """Write the page of a template in this folder. Raises jinja2's errors for what it lacks."""
    return _ENVIRONMENT.get_template(template).render(values)


def mark(holds: object) -> str:
    """Show how a check ended; nothing is ticked that was not checked."""
    return "(not measured)" if holds is None else "✅" if holds else "❌"


def cell(value: object) -> str:
    """Write a value so that it cannot break a table."""
    return str(value).replace("|", "\\|").replace("\n", " ")


_ENVIRONMENT = Environment(
    loader=PackageLoader("naverplace.reporting", ""),
    undefined=StrictUndefined,
    autoescape=False,  # noqa: S701 - Markdown, not HTML
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_ENVIRONMENT.filters |= {
    "mark": mark,
    "moment": lambda when: when.isoformat(timespec="milliseconds"),
    "cell": cell,
}
