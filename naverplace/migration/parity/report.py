"""The report of a comparison: JSON for machines, Markdown for a pull request, a page with charts.

`naverplace cutover`, `naverplace document` and `naverplace parity show` read the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from naverplace.base.errors import Permanent
from naverplace.base.files import write_whole
from naverplace.base.page_templates import page_templates
from naverplace.domain.message_kinds import kind_label
from naverplace.migration.parity.accepted_differences import NOT_VISIBLE, Accepted
from naverplace.migration.parity.values import Parity
from naverplace.reporting.markdown import cell

_JSON = TypeAdapter(Parity)
_TEMPLATES = page_templates("naverplace.migration.parity")
_TEMPLATES.filters |= {"cell": cell, "kind_label": kind_label}


def parity_json(parity: Parity) -> str:
    """Write a result as one JSON object; times carry their zone."""
    return _JSON.dump_json(parity, indent=1).decode() + "\n"


def read_parity(text: str, *, where: str = "the report") -> Parity:
    """Read a result that `parity_json` has written. Raises Permanent."""
    try:
        return _JSON.validate_json(text)
    except ValidationError as error:
        raise Permanent(
            f"{where}: is no parity report in JSON ({error.errors()[0]['msg']}); `make parity` and "
            "the parity flows write one, parity.json"
        ) from None


def as_text(parity: Parity) -> str:
    """Write the verdict in a few lines, for the screen."""
    return _rendered("parity.txt.j2", parity, {})


def as_markdown(parity: Parity, accepted: Mapping[str, Accepted]) -> str:
    """Write the report for a pull request and for the Prefect UI."""
    return _rendered("parity.md.j2", parity, accepted)


def as_page(parity: Parity, accepted: Mapping[str, Accepted]) -> str:
    """Write one HTML page with charts; it needs no network, and every text is escaped."""
    return _rendered("parity.html.j2", parity, accepted)


def write_parity_report(
    parity: Parity, folder: Path, accepted: Mapping[str, Accepted]
) -> list[Path]:
    """Write parity.json, parity.md and parity.html, and return their paths. Raises Permanent."""
    forms = {
        "parity.json": parity_json(parity),
        "parity.md": as_markdown(parity, accepted),
        "parity.html": as_page(parity, accepted),
    }
    for name, text in forms.items():
        write_whole(folder / name, text)
    return [folder / name for name in forms]


def _rendered(template: str, parity: Parity, accepted: Mapping[str, Accepted]) -> str:
    return _TEMPLATES.get_template(template).render(
        parity=parity, accepted=accepted, not_visible=NOT_VISIBLE
    )
