"""Imports point one way, and no flow file hides another module."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = {
    "naverplace",
    "operate",
    "benchmarks",
    "flows",
    "tasks",
    "sandbox",
    "legacy",
    "trials",
    "tests",
}
ALLOWED = {
    "naverplace": {"naverplace"},
    "tasks": {"legacy", "naverplace", "tasks"},
    "flows": {"naverplace", "tasks"},
    "sandbox": {"sandbox"},
    "operate": {"naverplace", "operate"},
    "legacy": {"legacy"},
    "trials": {"legacy", "naverplace", "operate", "sandbox", "tasks", "trials"},
}
PURE = [
    "base/korean_text",
    "base/phone",
    "base/registry",
    "base/time_format",
    "base/yaml_nodes",
    "base/yaml_validation",
    "delivery/in_doubt",
    "domain/booking",
    "domain/effects",
    "domain/extra_fields",
    "domain/notification_routing",
    "domain/record_matching",
    "domain/records",
    "domain/stores",
    "jobs/reconciliation/classification",
    "jobs/reconciliation/delivery_receipts",
    "jobs/reconciliation/findings",
    "jobs/reconciliation/matching",
    "jobs/reconciliation/summary",
    "jobs/retention/policy",
    "jobs/retention/result",
    "jobs/watchdog/late_messages",
    "ledger/claims",
    "ledger/entries",
    "ledger/lease",
    "ledger/ownership",
    "ledger/reservations",
    "migration/cutover/approval",
    "migration/parity/accepted_differences",
    "migration/parity/booking_view",
    "migration/parity/comparator",
    "migration/parity/evidence",
    "migration/parity/flag_differences",
    "migration/parity/observed_legacy",
    "migration/parity/sides",
    "migration/parity/text_differences",
    "migration/parity/verdict",
    "pipeline/capture/bundle",
    "pipeline/capture/pseudonymise",
    "pipeline/capture/pseudonyms",
    "pipeline/capture/serialization",
    "pipeline/sharding",
    "quality/anomaly_checks",
    "quality/batch_stats",
    "quality/circuit_breaker",
    "quality/expectations",
    "reporting/cloudwatch_emf",
    "reporting/consistency",
    "reporting/document",
    "reporting/markdown",
    "reporting/open_items",
    "reporting/report",
    "reporting/run_facts",
    "reporting/sent_crosscheck",
    "reporting/summary",
    "reporting/thresholds",
    "rules/actions",
    "rules/catalogue",
    "rules/comparisons",
    "rules/conditions",
    "rules/engine",
    "rules/evaluation",
    "rules/expiry",
    "rules/parameters",
    "rules/rescheduling",
    "rules/rule_parser",
    "rules/rulebook",
    "rules/template_loader",
    "rules/template_rendering",
    "rules/templates",
]
IMPURE = {"os", "time", "socket", "subprocess", "requests", "boto3", "selenium", "threading"}
FRAMES = {"frames", "expectations", "validation", "step_results"}


def files(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def roots(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_imports_point_one_way(folder: str) -> None:
    wrong = {
        str(path.relative_to(ROOT)): foreign
        for path in files(folder)
        if (foreign := (roots(path) & OURS) - ALLOWED[folder])
    }

    assert wrong == {}


def test_only_flows_and_tasks_know_prefect() -> None:
    wrong = [str(path) for path in files("naverplace") if any("prefect" in r for r in roots(path))]

    assert wrong == []


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_imports_no_clock_network_or_environment(module: str) -> None:
    path = ROOT / "naverplace" / f"{module}.py"

    assert roots(path) & IMPURE == set()


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_asks_for_no_time_of_its_own(module: str) -> None:
    calls = [
        f"{path.name}:{node.lineno}"
        for path in [ROOT / "naverplace" / f"{module}.py"]
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("now", "today", "utcnow")
        and not (isinstance(node.func.value, ast.Attribute) and node.func.value.attr == "clock")
    ]

    assert calls == []


def test_dataframes_stay_in_their_modules() -> None:
    wrong = [
        path.name
        for path in files("naverplace")
        if "pandas" in roots(path) and path.stem not in FRAMES
    ]

    assert wrong == []


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
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
    ]

    assert classes == []


def test_rules_hold_no_python() -> None:
    assert list((ROOT / "rules").rglob("*.py")) == []
