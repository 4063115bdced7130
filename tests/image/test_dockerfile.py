"""The Dockerfile as it is written: linted, locked, without root and without secrets."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from trials.image.context import read_context
from trials.image.dockerfile import Stage, read_dockerfile

ROOT = Path(__file__).resolve().parents[2]
SECRET = re.compile(r"password|secret|token|access_key|credential|_key\b|webhook", re.IGNORECASE)


@pytest.fixture(scope="module")
def stages() -> list[Stage]:
    return read_dockerfile(ROOT / "Dockerfile")


@pytest.fixture(scope="module")
def context() -> set[str]:
    return {path.as_posix() for path in read_context(ROOT)}


def test_hadolint_finds_nothing() -> None:
    program = Path(sys.executable).with_name("hadolint")

    done = subprocess.run([program, "Dockerfile"], cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "")


def test_each_finding_that_is_waved_through_says_why() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    ignored = [number for number, line in enumerate(lines) if "hadolint ignore" in line]

    assert len(ignored) == 2
    assert all(lines[number - 1].startswith("# ") for number in ignored)


def test_it_has_a_stage_to_build_in_and_one_to_run(stages: list[Stage]) -> None:
    assert [stage.name for stage in stages] == ["build", "image"]
    assert {stage.base for stage in stages} == {"debian:bookworm-slim"}
    assert stages[1].all_of("COPY")[0].flags == {"from": "build"}


def test_another_base_may_be_named_by_its_digest() -> None:
    pinned = "debian@sha256:" + "0" * 64

    stages = read_dockerfile(ROOT / "Dockerfile", build_args={"BASE": pinned})

    assert {stage.base for stage in stages} == {pinned}


def test_it_runs_as_a_user_with_a_number_that_is_not_root(stages: list[Stage]) -> None:
    user = stages[-1].last("USER").text

    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert f"--uid {user.partition(':')[0]} " in " ".join(
        one.text for one in stages[-1].all_of("RUN")
    )


def test_the_lock_decides_what_is_installed(stages: list[Stage]) -> None:
    runs = " && ".join(one.text for one in stages[0].all_of("RUN"))

    synced = re.findall(r"uv sync[^&]*", runs)
    assert len(synced) == 2
    assert all("--frozen" in one and "--no-group dev" in one for one in synced)
    assert re.fullmatch(r"\d+\.\d+\.\d+", stages[0].last("ARG").pairs()["UV_VERSION"])
    assert '"uv==${UV_VERSION}"' in runs


def test_its_python_and_version_are_the_project_s(stages: list[Stage]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    python = (ROOT / ".python-version").read_text("utf-8").strip()
    given = {name: value for one in stages[-1].all_of("ARG") for name, value in one.pairs().items()}

    assert stages[0].last("ENV").pairs()["UV_PYTHON"] == f"/usr/bin/python{python}"
    assert given["VERSION"] == project["version"]


def test_no_variable_argument_or_label_holds_a_secret(stages: list[Stage]) -> None:
    named = {
        name: value
        for stage in stages
        for kind in ("ENV", "ARG", "LABEL")
        for one in stage.all_of(kind)
        for name, value in one.pairs().items()
    }

    assert len(named) > 15
    assert [name for name in named if SECRET.search(name)] == []


def test_whatever_is_copied_exists_and_is_let_in(stages: list[Stage], context: set[str]) -> None:
    sources = [
        source
        for stage in stages
        for one in stage.all_of("COPY")
        if "from" not in one.flags
        for source in one.words()[:-1]
    ]

    assert len(sources) > 8
    for source in sources:
        assert (ROOT / source).exists()
        assert any(path == source or path.startswith(f"{source}/") for path in context), source


def test_nothing_that_is_let_in_stays_behind(stages: list[Stage], context: set[str]) -> None:
    words = [word for stage in stages for one in stage.all_of("COPY") for word in one.words()]

    assert {path.partition("/")[0] for path in context} <= set(words)


def test_the_context_holds_what_prefect_yaml_and_the_settings_name(context: set[str]) -> None:
    entrypoints = re.findall(r"entrypoint: (\S+):", (ROOT / "prefect.yaml").read_text("utf-8"))

    assert len(entrypoints) >= 6
    assert set(entrypoints) <= context
    for needed in ("stores.yaml", "logging.yml", "accepted-differences.yaml", "image/entry"):
        assert f"deployments/{needed}" in context
    assert any(path.startswith("rules/") for path in context)


def test_secrets_and_the_developers_things_stay_outside(tmp_path: Path) -> None:
    for name in (
        *(".env", ".env.production", "naverplace/.env", "rules/.env.local", "deployments/a.pem"),
        *(".git/config", ".naverplace/up/prefect.db", "tests/test_a.py", "sandbox/aws.py"),
        *("deployments/aws/stack.yaml", "deployments/iam/shadow.json", "dump.json"),
        *(
            "naverplace/__pycache__/a.pyc",
            "naverplace/pipeline/steps.py",
            "deployments/stores.yaml",
        ),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    seen = [path.as_posix() for path in read_context(tmp_path, ROOT / ".dockerignore")]

    assert seen == ["deployments/stores.yaml", "naverplace/pipeline/steps.py"]


def test_the_variables_of_the_image_are_the_makefile_s(stages: list[Stage]) -> None:
    env = stages[-1].last("ENV").pairs()
    exported = dict(
        re.findall(r"^export ([A-Z_]+) := (\w+)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    )
    shared = {name: value for name, value in exported.items() if not name.startswith("UV_")}

    assert len(shared) == 4
    assert {name: env.get(name) for name in shared} == shared


def test_everything_that_is_written_goes_to_tmp(stages: list[Stage]) -> None:
    env = stages[-1].last("ENV").pairs()

    for name in ("HOME", "PREFECT_HOME", "NAVERPLACE_QUALITY__DOCS_DIR"):
        assert env[name].startswith("/tmp")
    assert env["NAVERPLACE_HOME"] == stages[-1].last("WORKDIR").text == "/app"
