"""Markdown pages: from the templates beside this file, with tables that data cannot break."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from naverplace.base.page_templates import page_templates
from naverplace.domain.message_kinds import kind_label

MAX_LINES = 15  # more problems or rows than this are counted, not listed, on the phone


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a Markdown table; a bar or a line break in a cell cannot break it."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(map(cell, cells)) + " |"

    return "\n".join([line(head), line(["---"] * len(head)), *(line(row) for row in rows)])


def render_page(template: str, **values: object) -> str:
    """Write the page of a template in this folder. Raises jinja2's errors for what it lacks."""
    return _TEMPLATES.get_template(template).render(values)


def mark(holds: object) -> str:
    """Show how a check ended; nothing is ticked that was not checked."""
    return "(not measured)" if holds is None else "✅" if holds else "❌"


def cell(value: object) -> str:
    """Write a value so that it cannot break a table."""
    return str(value).replace("|", "\\|").replace("\n", " ")


_TEMPLATES = page_templates("naverplace.reporting")
_TEMPLATES.filters |= {
    "mark": mark,
    "moment": lambda when: when.isoformat(timespec="milliseconds"),
    "cell": cell,
}
_TEMPLATES.globals |= {"kind_label": kind_label, "most": MAX_LINES}
