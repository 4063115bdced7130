"""The runbook has a row for everything that the owner may be alarmed of, in the words he reads."""

from __future__ import annotations

import re
from pathlib import Path

from naverplace.domain.troubles import WORDS

RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbook.md"


def test_every_kind_of_trouble_has_its_row_and_nothing_else_has_one() -> None:
    _, _, text = RUNBOOK.read_text("utf-8").partition("## What the alerts mean\n")
    section, _, _ = text.partition("\n## ")
    rows = re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE)

    assert rows == [words.title for words in WORDS.values()]
