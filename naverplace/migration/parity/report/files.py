"""The files of a report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from naverplace.migration.parity.accepted_differences import Accepted
from naverplace.migration.parity.report.html import as_page
from naverplace.migration.parity.report.json import parity_json
from naverplace.migration.parity.report.markdown import as_markdown
from naverplace.migration.parity.values import Parity


def write_parity_report(
    parity: Parity, folder: Path, accepted: Mapping[str, Accepted]
) -> list[Path]:
    """Write parity.json, parity.md and parity.html, and return their paths.

    The page holds everything that it shows: it can be sent by mail and read without a network.
    """
    folder.mkdir(parents=True, exist_ok=True)
    forms = {
        "parity.json": parity_json(parity),
        "parity.md": as_markdown(parity, accepted),
        "parity.html": as_page(parity, accepted),
    }
    paths = [folder / name for name in forms]
    for path, text in zip(paths, forms.values(), strict=True):
        path.write_text(text, "utf-8")
    return paths
