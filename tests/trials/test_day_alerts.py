"""The runbook's alerts are those that a played day produces, and a few that it says it cannot."""

from __future__ import annotations

import ast
import re
from datetime import timedelta
from pathlib import Path

import pytest

from naverplace.domain.troubles import WORDS, TroubleKind
from trials.day.days import ALL
from trials.day.kinds import NOT_IN_A_DAY, OUTSIDE, unlike
from trials.day.oracle import Paragraph, Verdict
from trials.day.player import Message
from trials.day.shop import BEGIN
from trials.day.trouble import NO_SIGNAL, Planted, trouble_named

ROOT = Path(__file__).resolve().parents[2]
PLANTED = {kind for trouble in ALL for kind in trouble.kinds}


def rows_of(heading: str) -> list[str]:
    """List the first cells of the runbook's table under a heading."""
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    _, _, after = text.partition(f"## {heading}\n")
    section, _, _ = after.partition("\n## ")
    cells = re.findall(r"^\| (.+?) \|", section, re.MULTILINE)
    return [cell.strip("`") for cell in cells if cell not in ("you read", "---")]


def test_a_day_produces_every_alert_but_those_that_it_says_it_cannot() -> None:
    assert PLANTED | set(NOT_IN_A_DAY) == set(WORDS) | set(OUTSIDE)
    assert not PLANTED & set(NOT_IN_A_DAY)


def test_the_runbook_has_a_row_for_each_of_them_and_nothing_else_has_one() -> None:
    titles = {title: kind for kind, words in WORDS.items() for title in [words.title]}

    assert {titles[row] for row in rows_of("What the alerts mean")} == set(WORDS)
    of_others = rows_of("What Prefect itself tells")
    told = {kind for kind, words in OUTSIDE.items() for row in of_others if words in row}
    assert told == set(OUTSIDE) - {NO_SIGNAL}  # its words are whoever's who calls
    assert len(of_others) == len(OUTSIDE)


@pytest.mark.parametrize("kind", NOT_IN_A_DAY)
def test_what_a_day_cannot_produce_is_produced_by_a_test(kind: str) -> None:
    file, _, name = NOT_IN_A_DAY[kind].test.partition("::")
    tree = ast.parse((ROOT / file).read_text("utf-8"))

    assert name in [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def verdict_of(name: str, text: str) -> Verdict:
    trouble = trouble_named(name)
    message = Message(BEGIN, "owner", text)
    paragraph = Paragraph("begin", text, message, 0)
    return Verdict(Planted(trouble, BEGIN, BEGIN + timedelta(hours=1)), taken=[paragraph])


def test_a_trouble_that_is_told_as_another_one_is_noticed() -> None:
    unread, halted = (WORDS[k].title for k in (TroubleKind.STORE_UNREAD, TroubleKind.STORE_HALTED))
    name = "a store's bookings cannot be read"

    assert list(unlike(verdict_of(name, f"⚠️ 03/11 10:20 {unread}\n- 가온점: 읽지 못함"))) == []
    assert list(unlike(verdict_of(name, f"⚠️ 03/11 10:20 {halted}\n- 가온점: 읽지 못함"))) == [
        "not told as store-unread, but as store-halted",
        "also told as store-halted",
    ]
