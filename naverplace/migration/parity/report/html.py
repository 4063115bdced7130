"""The report as one HTML page with charts; nothing in it comes from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from naverplace.domain.message_kinds import kind_label
from naverplace.migration.parity.accepted_differences import NOT_VISIBLE, Accepted
from naverplace.migration.parity.report import labels
from naverplace.migration.parity.values import Parity

MOST = 200  # differences that are shown
TEMPLATE = Path(__file__).with_name("page.html")
COLOURS = {"GO": "go", "NO-GO": "nogo", "NOT ENOUGH": "thin"}


def as_page(parity: Parity, accepted: Mapping[str, Accepted]) -> str:
    """Write the page; every text is escaped."""
    page = Environment(autoescape=True, undefined=StrictUndefined).from_string(
        TEMPLATE.read_text("utf-8")
    )
    wrong = [d for d in parity.differences if not d.explained]
    classes = [
        (name, count, accepted[name])
        for name, count in sorted(parity.accepted.items(), key=lambda pair: -pair[1])
        if name in accepted
    ]
    return page.render(
        parity=parity,
        words=labels,
        kind_label=kind_label,
        colour=COLOURS.get(parity.verdict, "thin"),
        wrong=wrong[:MOST],
        known=[d for d in parity.differences if d.explained],
        classes=classes,
        unseen=[(i, why) for i, why in NOT_VISIBLE.items() if i in accepted],
        most_messages=max((max(r["legacy"], r["new"]) for r in parity.stores), default=0) or 1,
        most_of_class=max((count for _, count, _ in classes), default=0) or 1,
    )
