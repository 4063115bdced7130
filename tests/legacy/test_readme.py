"""legacy/README.md is true: every L-number has its place in the code, and a test by its name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| L(\d+) \| [^|]+ \| `(\w+\.py):([\w.]+)` \| `(\w+)` \|$", re.MULTILINE)
NUMBERS = list(range(1, 32))


def names_in(path: Path) -> set[str]:
    """List functions and classes of a file; methods as Class.method."""
    found: set[str] = set()
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            found |= {node.name, *(f"{node.name}.{method.name}" for method in methods)}
        elif isinstance(node, ast.FunctionDef):
            found.add(node.name)
    return found


def test_every_l_number_has_its_place_in_the_code() -> None:
    rows = ROW.findall((ROOT / "legacy/README.md").read_text("utf-8"))

    assert [int(number) for number, *_ in rows] == NUMBERS
    wrong = [row for row in rows if row[2] not in names_in(ROOT / "legacy" / row[1])]
    assert wrong == []


def test_every_l_number_has_a_test_by_its_name() -> None:
    tests = "".join(path.read_text("utf-8") for path in (ROOT / "tests/legacy").glob("test_*.py"))
    shown = [row[3] for row in ROW.findall((ROOT / "legacy/README.md").read_text("utf-8"))]
    assert [name for name in shown if f"def {name}(" not in tests] == []
    named = {
        int(number)
        for name in re.findall(r"def test_\w+", tests)
        for number in re.findall(r"(?<=_l)\d+(?=_)", name)
    }

    assert named == set(NUMBERS)


def test_the_model_shares_nothing_with_what_replaces_it() -> None:
    for path in (ROOT / "legacy").glob("*.py"):
        source = path.read_text("utf-8")
        assert not re.search(r"^\s*(from|import) (naverplace|sandbox|flows|tasks)", source, re.M)
