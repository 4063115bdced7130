"""The glossary is whole, and the words that it has replaced are gone."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Classes and functions that bear the glossary's words now.
GONE = frozenset(
    [
        "_closed",
        "_legacys_own",
        "_not_any_more",
        "_Past",
        "_proofs",
        "_Second",
        "adopt",
        "agree",
        "alone_from",
        "Asked",
        "Carrier",
        "carry_out",
        "certain_at",
        "Checked",
        "Decided",
        "disguises",
        "ends_in_words",
        "find_trips",
        "Gated",
        "give_back",
        "given_to",
        "Held",
        "Holding",
        "hollow",
        "Known",
        "let_pass",
        "lost",
        "Newcomer",
        "NotClaimed",
        "Patience",
        "patiently",
        "placed",
        "Plausible",
        "quotable",
        "reached_by",
        "Released",
        "Settled",
        "shielded",
        "Stores",
        "strangers",
        "take",
        "Trip",
        "unsliced",
        "untold",
        "was_there",
        "weigh",
        "why_not",
        "words_of",
        "wrote",
    ]
)


def rows() -> list[list[str]]:
    page = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    table = [line for line in page.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[1:]]


def test_the_terms_are_in_alphabetical_order_and_each_stands_once() -> None:
    terms = [row[0] for row in rows()]
    korean = [row[2] for row in rows()]

    assert terms == sorted(terms)
    assert len(terms) == len(set(terms))
    assert len(korean) == len(set(korean))


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0])
def test_a_term_has_a_sentence_in_both_languages(row: list[str]) -> None:
    term, english, korean_term, korean = row

    assert term
    assert english.endswith(".")
    assert re.search("[가-힣]", korean_term)
    assert re.search("[가-힣]", korean)
    assert korean.endswith("니다.")


def test_a_replaced_word_names_nothing_in_the_library() -> None:
    defined = {
        (node.name, str(path.relative_to(ROOT)))
        for path in (ROOT / "naverplace").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }

    assert [(name, path) for name, path in sorted(defined) if name in GONE] == []
