"""The files that engineers and machines look for say what is true."""

from __future__ import annotations

import re
import shlex
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def read(path: Path) -> dict[Any, Any]:
    tree = yaml.safe_load(path.read_text("utf-8"))
    assert isinstance(tree, dict)
    return tree


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))


def typed(job: dict[str, Any]) -> list[str]:
    """List the commands of a job, one for each value of its matrix."""
    lines = [line for step in job["steps"] for line in step.get("run", "").splitlines()]
    matrix = job.get("strategy", {}).get("matrix", {})
    return [
        line.replace(f"${{{{ matrix.{name} }}}}", value)
        for line in lines
        for name, values in (matrix.items() if "matrix." in line else [("", [""])])
        for value in values
    ]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_targets_that_exist(path: Path) -> None:
    commands = [words for job in read(path)["jobs"].values() for words in typed(job)]
    targets = [words.split()[1] for words in commands if words.startswith("make ")]

    assert targets
    assert set(targets) <= make_targets()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_has_few_rights_a_time_limit_and_pinned_actions(path: Path) -> None:
    workflow = read(path)

    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert "permissions" not in job
        assert job["timeout-minutes"] <= 120
        for step in job["steps"]:
            if "uses" in step:
                assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"])
                assert re.search(rf"{step['uses']} # v\d+\.\d+\.\d+\n", path.read_text("utf-8"))


def test_each_change_and_each_night_have_their_workflow() -> None:
    runs = {
        path.stem: {w for j in read(path)["jobs"].values() for w in typed(j)} for path in WORKFLOWS
    }
    triggers = {path.stem: set(read(path)[True]) for path in WORKFLOWS}  # YAML 1.1 reads `on` so

    assert {"push", "pull_request"} <= triggers["ci"]
    assert {"make lint", "make test"} <= runs["ci"]
    assert "schedule" in triggers["nightly"]
    trials = ("test-all", "faults", "year", "day", "parity", "scale", "image")
    assert {f"make {target}" for target in trials} <= runs["nightly"]


def test_the_hooks_before_a_commit_are_local_and_locked() -> None:
    repos = read(ROOT / ".pre-commit-config.yaml")["repos"]

    assert [repo["repo"] for repo in repos] == ["local"]
    hooks = {hook["id"]: shlex.split(hook["entry"]) for hook in repos[0]["hooks"]}
    assert {entry[4] for entry in hooks.values()} == {"ruff", "mypy", "naverplace"}
    for entry in hooks.values():
        assert entry[:4] == ["uv", "run", "--frozen", "--no-sync"]


def test_the_library_says_that_it_is_typed() -> None:
    assert (resources.files("naverplace") / "py.typed").is_file()


def test_a_contributor_is_told_only_of_targets_that_exist() -> None:
    named = re.findall(r"`make ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))

    assert set(named) - make_targets() == set()
