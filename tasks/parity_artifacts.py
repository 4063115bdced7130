"""What a person reads in the Prefect UI about a comparison.

Apart from the other artifacts: these know the run, and with it SENS's sender, which no process of a
shadow may hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from naverplace.migration.parity.accepted_differences import Accepted
from naverplace.migration.parity.report import as_markdown
from naverplace.migration.parity.values import Difference, Parity
from naverplace.redaction.redactor import REDACTOR


def publish_parity(parity: Parity, accepted: Mapping[str, Accepted], page: Path) -> None:
    """Publish the report, the table of what differs, and where its page with charts is."""
    where = f"\nThe same with charts: `{page}`; for machines: `{page.with_suffix('.json')}`\n"
    create_markdown_artifact(
        key="parity",
        markdown=REDACTOR.scrub(as_markdown(parity, accepted) + where),
        description=f"{parity.kind}: {parity.verdict}",
    )
    create_table_artifact(
        key="parity-differences",
        table=[_difference_row(d) for d in parity.differences],
        description="What differs: first what has no class, then examples of what is accepted",
    )


def _difference_row(one: Difference) -> dict[str, Any]:
    return {
        "booking": one.booking_num,
        "kind": one.kind,
        "due": f"{one.due:%Y-%m-%d %H:%M}" if one.due else "",
        "aspect": one.aspect,
        "legacy": REDACTOR.scrub(one.legacy),
        "new": REDACTOR.scrub(one.new),
        "class": one.because or "none",
    }
