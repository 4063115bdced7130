"""The pages that say which test holds what name tests that exist, and every fault has its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("threat-model.md", "faults.md")


def defined() -> set[str]:
    """List every test of the project."""
    found: set[str] = set()
    for file in (ROOT / "tests").rglob("test_*.py"):
        found |= set(re.findall(r"^def (test_\w+)\(", file.read_text("utf-8"), re.MULTILINE))
    return found


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text("utf-8")


@pytest.mark.parametrize("name", PAGES)
def test_every_named_test_exists(name: str) -> None:
    named = re.findall(r"`(test_\w+)`", page(name))

    assert len(named) > 20
    assert sorted(set(named) - defined()) == []


@pytest.mark.parametrize("name", PAGES)
def test_every_line_names_a_test(name: str) -> None:
    rows = [
        line
        for line in page(name).splitlines()
        if re.match(r"\| (?!-|fault|reaches|has|what)", line)
    ]
    bare = [row for row in rows if not re.search(r"`test_\w+`", row) and not set(row) <= set("|- ")]

    assert len(rows) > 15
    assert bare == []


def test_every_fault_of_what_may_be_answered_and_of_who_may_read_and_write_has_its_line() -> None:
    numbers = set(re.findall(r"\b([BCD]\d+)\b", page("faults.md")))

    wanted = {
        f"{letter}{n}"
        for letter, last in (("B", 15), ("C", 12), ("D", 16))
        for n in range(1, last + 1)
    }
    assert wanted - numbers == set()
