"""The report of a comparison: JSON for machines, Markdown for a pull request, a page with charts.

`naverplace cutover`, `naverplace document` and `naverplace parity show` read the JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from pydantic import TypeAdapter, ValidationError

from naverplace.base.errors import Permanent
from naverplace.domain.message_kinds import kind_label
from naverplace.migration.parity.accepted_differences import NOT_VISIBLE, Accepted
from naverplace.migration.parity.values import GO, NO_GO, NOT_ENOUGH, Parity
from naverplace.reporting.markdown import cell

_KOREAN = {GO: "전환 가능", NO_GO: "전환 불가", NOT_ENOUGH: "증거 부족"}
_MEANING = {
    GO: "No difference without a class, and enough decisions of every store and kind.",
    NO_GO: "Something differs that nobody has accepted, or the comparison cannot be trusted.",
    NOT_ENOUGH: "Nothing wrong was seen, but too little was compared to say so of every store.",
}
_JSON = TypeAdapter(Parity)
_TEMPLATES = Environment(
    loader=PackageLoader("naverplace.migration.parity", ""),
    undefined=StrictUndefined,
    autoescape=select_autoescape(["html.j2"], default=False),
    trim_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters |= {"cell": cell, "kind_label": kind_label}


@dataclass(frozen=True)
class ParityView:
    """What both pages and the command show of a result, in words."""

    parity: Parity
    accepted: Mapping[str, Accepted] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Name the verdict in Korean."""
        return _KOREAN.get(self.parity.verdict, "")

    @property
    def meaning(self) -> str:
        """Explain the verdict."""
        return _MEANING.get(self.parity.verdict, "")

    @property
    def bound(self) -> str:
        """Word the statistical bound: what 'none in n' can say, and no more."""
        if self.parity.bound_95 is None:
            return "No bound: differences without a class were found, or nothing was compared."
        return (
            f"None in {self.parity.decisions:,} distinct decisions: at 95 % confidence, at most "
            f"{self.parity.bound_95:.4%} of such decisions differ (rule of three, 3/n)."
        )

    @property
    def span(self) -> str:
        """Word which runs were compared."""
        first, last = self.parity.first, self.parity.last
        if not first or not last:
            return "no runs"
        return f"{self.parity.runs} runs, {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M}"

    @property
    def power(self) -> str:
        """Word how many wrong systems the comparator was shown and saw."""
        if self.parity.mutants is None:
            return "not measured in this comparison; `make parity` measures it"
        missed = self.parity.survivors
        seen = f"{self.parity.caught} of {self.parity.mutants} wrong systems were seen"
        return f"{seen}; not seen: {', '.join(missed)}" if missed else seen

    @property
    def against_itself(self) -> str:
        """Word the comparison of the legacy with itself."""
        count = self.parity.aa_differences
        return "not measured" if count is None else f"{count} differences (must be 0)"

    @property
    def classes(self) -> list[tuple[str, int, Accepted]]:
        """List the accepted classes that were seen, with their counts."""
        seen = self.parity.accepted.items()
        return [(name, count, self.accepted[name]) for name, count in seen if name in self.accepted]

    @property
    def not_visible(self) -> list[tuple[str, str]]:
        """List the accepted classes that no comparison shows, with the reasons."""
        return [(name, why) for name, why in NOT_VISIBLE.items() if name in self.accepted]


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


def as_markdown(parity: Parity, accepted: Mapping[str, Accepted]) -> str:
    """Write the report for a pull request and for the Prefect UI."""
    return _rendered("parity.md.j2", parity, accepted)


def as_page(parity: Parity, accepted: Mapping[str, Accepted]) -> str:
    """Write one HTML page with charts; it needs no network, and every text is escaped."""
    return _rendered("parity.html.j2", parity, accepted)


def write_parity_report(
    parity: Parity, folder: Path, accepted: Mapping[str, Accepted]
) -> list[Path]:
    """Write parity.json, parity.md and parity.html, and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    forms = {
        "parity.json": parity_json(parity),
        "parity.md": as_markdown(parity, accepted),
        "parity.html": as_page(parity, accepted),
    }
    for name, text in forms.items():
        (folder / name).write_text(text, "utf-8")
    return [folder / name for name in forms]


def _rendered(template: str, parity: Parity, accepted: Mapping[str, Accepted]) -> str:
    return _TEMPLATES.get_template(template).render(
        parity=parity, view=ParityView(parity, accepted)
    )
