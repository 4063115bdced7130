"""What is cited exists: headings of docs/outside-services.md, rows of legacy/README.md."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (
    *("benchmarks", "deployments", "docs", "flows", "legacy", "naverplace", "operate", "rules"),
    *("sandbox", "scripts", "tasks", "tests", "trials"),
)
TEXT = {".html", ".json", ".md", ".py", ".sh", ".toml", ".yaml", ".yml"}
HEADING = re.compile(r"^### (.+)$", re.MULTILINE)
CITATION = re.compile(r"outside-services: ([A-Za-z][A-Za-z ,-]*)")
LINK = re.compile(r"outside-services\.md#([\w-]+)")
LEGACY = re.compile(r"\bL[1-9][0-9]?\b")
ROW = re.compile(r"^\| (L\d+) \| .+ \| (.+) \| .+ \|$", re.MULTILINE)
PLACE = re.compile(r"`(\w+\.py):([\w.]+)`")


def texts() -> Iterator[tuple[str, str]]:
    """Read every file that people write, with its path."""
    paths = [*ROOT.glob("*.md"), *(p for f in FOLDERS for p in (ROOT / f).rglob("*"))]
    for path in paths:
        if path.suffix in TEXT and ".naverplace" not in path.parts:
            yield str(path.relative_to(ROOT)), path.read_text("utf-8")


def headings() -> list[str]:
    return HEADING.findall((ROOT / "docs" / "outside-services.md").read_text("utf-8"))


def rows() -> dict[str, str]:
    return dict(ROW.findall((ROOT / "legacy" / "README.md").read_text("utf-8")))


def test_every_citation_of_an_outside_service_names_a_heading() -> None:
    known = set(headings())
    cited = [
        (path, heading.strip())
        for path, text in texts()
        for citation in CITATION.findall(text)
        for heading in citation.split(",")
    ]

    assert cited
    assert [(path, heading) for path, heading in cited if heading not in known] == []


def test_every_link_to_an_outside_service_leads_to_a_heading() -> None:
    known = {heading.lower().replace(" ", "-") for heading in headings()}
    linked = [(path, anchor) for path, text in texts() for anchor in LINK.findall(text)]

    assert [(path, anchor) for path, anchor in linked if anchor not in known] == []


def test_a_heading_can_be_cited() -> None:
    found = headings()

    assert len(found) == len(set(found))
    assert [h for h in found if not re.fullmatch(r"[A-Za-z][A-Za-z -]*", h)] == []


def test_nothing_cites_a_page_that_readers_do_not_have() -> None:
    old = re.compile(r"\bfacts (?:section )?\d|\bfacts\.md|\.\./shared")

    assert [(path, hit) for path, text in texts() for hit in old.findall(text)] == []


def test_every_l_number_is_a_row_of_the_legacys_table() -> None:
    known = set(rows())
    cited = {(path, number) for path, text in texts() for number in LEGACY.findall(text)}

    assert known == {f"L{n}" for n in range(1, len(known) + 1)}
    assert sorted((path, number) for path, number in cited if number not in known) == []


@pytest.mark.parametrize(("number", "place"), rows().items(), ids=list(rows()))
def test_the_legacys_table_names_code_that_exists(number: str, place: str) -> None:
    named = PLACE.findall(place)

    assert named, number
    for file, name in named:
        text = (ROOT / "legacy" / file).read_text("utf-8")
        for part in name.split("."):
            assert re.search(rf"^\s*(?:def |class )?{part}\b[(:]", text, re.MULTILINE), name
