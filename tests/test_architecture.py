"""What import-linter cannot say; its contracts stand in pyproject.toml, `make lint` checks them."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "naverplace"
OURS = {path.parent.name for path in ROOT.glob("*/__init__.py")}
# No clock of their own: `now` is an argument.
PURE = (
    *("domain", "rules", "reporting", "ledger/message_ledger.py", "ledger/store_state.py"),
    *("delivery/in_doubt.py", "quality/circuit_breaker.py"),
    *("jobs/reconciliation/matching.py", "jobs/reconciliation/findings.py"),
    *("jobs/watchdog/late_messages.py", "jobs/retention/policy.py", "pipeline/sharding.py"),
    *("migration/parity/comparator.py", "migration/parity/verdict.py"),
)


def files(folder: str | Path) -> list[Path]:
    path = ROOT / folder
    return [path] if path.suffix else sorted(path.rglob("*.py"))


def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text("utf-8"))))


def packages() -> list[Path]:
    return sorted(path.parent for path in LIBRARY.rglob("__init__.py"))


def test_the_library_has_at_most_16_packages_and_5_files_in_its_root() -> None:
    below = [path for path in packages() if path.parent == LIBRARY]

    assert len(below) <= 16
    assert len(list(LIBRARY.glob("*.py"))) <= 5


def test_no_package_has_more_than_26_modules() -> None:
    sizes = {path.name: len(list(path.glob("*.py"))) - 1 for path in packages()}

    assert {name: size for name, size in sizes.items() if size > 26} == {}


@pytest.mark.parametrize("package", packages(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_package_holds_nothing_but_its_charter_in_one_line(package: Path) -> None:
    (charter,) = ast.parse((package / "__init__.py").read_text("utf-8")).body

    assert isinstance(charter, ast.Expr)
    assert isinstance(charter.value, ast.Constant)
    assert "\n" not in str(charter.value.value)


@pytest.mark.parametrize("place", PURE)
def test_a_pure_module_asks_for_no_time_of_its_own(place: str) -> None:
    calls = [
        f"{path.name}:{node.lineno}"
        for path in files(LIBRARY / place)
        for node in nodes(path)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("now", "today", "utcnow")
    ]

    assert files(LIBRARY / place) != []
    assert calls == []


def test_no_public_name_is_defined_twice() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in files(LIBRARY):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                places[node.name].append(path.relative_to(LIBRARY).as_posix())

    # Each command group adds its commands to the app by a function of this name.
    twice = {n: p for n, p in places.items() if len(p) > 1 and n != "add_commands"}
    assert twice == {}


def test_imports_are_absolute() -> None:
    relative = [
        str(path)
        for folder in sorted(OURS)
        for path in files(folder)
        for node in nodes(path)
        if isinstance(node, ast.ImportFrom) and node.level
    ]

    assert relative == []


@pytest.mark.parametrize("path", files("flows"), ids=lambda p: p.name)
def test_a_flow_file_hides_no_module(path: Path) -> None:
    if path.stem == "__init__":
        return

    # Prefect puts flows/ on sys.path and names the module after the file's stem.
    assert path.stem not in sys.stdlib_module_names
    assert path.stem not in OURS
    spec = importlib.util.find_spec(path.stem)
    assert spec is None or spec.origin == str(path)


@pytest.mark.parametrize("folder", ["flows", "tasks"])
def test_flows_and_tasks_are_packages(folder: str) -> None:
    assert (ROOT / folder / "__init__.py").exists()


def test_flow_files_define_no_class() -> None:
    classes = [
        f"{path.name}: {node.name}"
        for path in files("flows")
        for node in nodes(path)
        if isinstance(node, ast.ClassDef)
    ]

    assert classes == []


def test_rules_hold_no_python() -> None:
    assert list((ROOT / "rules").rglob("*.py")) == []
