"""The Dockerfile and .dockerignore as they are written; test_image.py has what comes of them."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECRET = re.compile(r"password|secret|token|access_key|credential|_key\b|webhook", re.IGNORECASE)
LINES = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
# Continued lines are one instruction; comments inside of them vanish, as Docker has it.
INSTRUCTIONS = [
    instruction.split(maxsplit=1)
    for instruction in re.sub(
        r"\\\n", " ", "\n".join(line for line in LINES if not line.lstrip().startswith("#"))
    ).splitlines()
    if instruction.strip()
]
LAST_STAGE = max(place for place, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM")
BUILD, IMAGE = INSTRUCTIONS[:LAST_STAGE], INSTRUCTIONS[LAST_STAGE:]
IGNORE = [
    line
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def texts(stage: list[list[str]], name: str) -> list[str]:
    return [text for instruction, text in stage if instruction == name]


def pairs(stage: list[list[str]], name: str) -> dict[str, str]:
    """Read the NAME=value words of ENV, ARG and LABEL."""
    words = [word.partition("=") for text in texts(stage, name) for word in shlex.split(text)]
    return {key: value for key, _, value in words}


def copied() -> list[str]:
    """List the paths of the build context that COPY names."""
    copies = [text.split() for text in texts(INSTRUCTIONS, "COPY")]
    return [word for words in copies if "--from=build" not in words for word in words[:-1]]


def test_hadolint_finds_nothing() -> None:
    program = Path(sys.executable).with_name("hadolint")

    done = subprocess.run([program, "Dockerfile"], cwd=ROOT, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (0, "")


def test_each_finding_that_is_waved_through_says_why() -> None:
    ignored = [number for number, line in enumerate(LINES) if "hadolint ignore" in line]

    assert len(ignored) == 2
    assert all(LINES[number - 1].startswith("# ") for number in ignored)


def test_it_has_a_stage_to_build_in_and_one_to_run_on_a_base_that_is_pinned() -> None:
    assert texts(INSTRUCTIONS, "FROM") == ["${BASE} AS build", "${BASE} AS image"]
    assert INSTRUCTIONS[0][0] == "ARG"
    # By its digest, or of one day; and no front end that floats.
    assert re.fullmatch(r"BASE=debian:\w+-20\d{6}-slim", INSTRUCTIONS[0][1])
    assert not any(line.startswith("# syntax") for line in LINES)
    assert texts(IMAGE, "COPY")[0] == "--from=build /app /app"


def test_it_runs_as_a_user_with_a_number_that_is_not_root() -> None:
    user = texts(IMAGE, "USER")[-1]

    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert f"--uid {user.partition(':')[0]} " in " ".join(texts(IMAGE, "RUN"))


def test_the_lock_decides_what_is_installed() -> None:
    runs = " && ".join(texts(BUILD, "RUN"))

    syncs = re.findall(r"uv sync[^&]*", runs)
    assert len(syncs) == 2
    assert all("--frozen" in words and "--no-group dev" in words for words in syncs)
    assert re.fullmatch(r"\d+\.\d+\.\d+", pairs(BUILD, "ARG")["UV_VERSION"])
    assert '"uv==${UV_VERSION}"' in runs


def test_its_python_and_version_are_the_project_s() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    python = (ROOT / ".python-version").read_text("utf-8").strip()

    assert pairs(BUILD, "ENV")["UV_PYTHON"] == f"/usr/bin/python{python}"
    assert pairs(IMAGE, "ARG")["VERSION"] == project["version"]


def test_no_variable_argument_or_label_holds_a_secret() -> None:
    names = [name for kind in ("ENV", "ARG", "LABEL") for name in pairs(INSTRUCTIONS, kind)]

    assert len(names) > 15
    assert [name for name in names if SECRET.search(name)] == []


def test_what_the_build_mounts_is_where_nothing_of_it_stays() -> None:
    mounts = [text for text in texts(INSTRUCTIONS, "RUN") if "--mount" in text]
    cache = "type=cache,target=/root/.cache/uv"  # trials/image lends the machine's own

    assert [re.findall(r"--mount=(\S+)", text) for text in mounts] == [
        ["type=secret,id=ca,target=/usr/local/share/ca-certificates/company.crt"],
        [cache],
        [cache],
    ]
    assert all(text in texts(BUILD, "RUN") for text in mounts)


def test_the_image_has_few_layers() -> None:
    assert len(texts(IMAGE, "RUN") + texts(IMAGE, "COPY")) < 10


def test_the_context_is_what_is_copied_and_each_of_it_exists() -> None:
    allowed = [rule.removeprefix("!") for rule in IGNORE if rule.startswith("!")]

    assert IGNORE[0] == "*"
    assert len(allowed) > 8
    assert sorted(copied()) == sorted(allowed)
    assert all((ROOT / name).exists() for name in allowed)


def test_what_prefect_yaml_and_the_settings_name_is_in_the_context() -> None:
    entrypoints = re.findall(r"entrypoint: (\S+):", (ROOT / "prefect.yaml").read_text("utf-8"))
    files = [f"deployments/{name}" for name in ("stores.yaml", "logging.yml", "image/entry")]

    assert len(entrypoints) >= 6
    for path in (*entrypoints, *files, "deployments/accepted-differences.yaml", "rules"):
        assert (ROOT / path).exists()
        assert path.split("/")[0] in copied()
        assert not any(path.startswith(rule) for rule in IGNORE)


def test_secrets_and_rubbish_stay_outside_in_every_folder() -> None:
    excluded = [rule for rule in IGNORE[1:] if not rule.startswith("!")]

    assert {"**/.env", "**/.env.*", "**/.naverplace", "**/*.pem", "**/*.key"} <= set(excluded)
    assert {"**/__pycache__", "**/*.pyc"} <= set(excluded)
    assert IGNORE[-len(excluded) :] == excluded  # the last rule that fits decides


def test_the_variables_of_the_image_are_the_makefile_s() -> None:
    env = pairs(IMAGE, "ENV")
    exported = dict(
        re.findall(r"^export ([A-Z_]+) := (\w+)$", (ROOT / "Makefile").read_text("utf-8"), re.M)
    )
    shared = {name: value for name, value in exported.items() if not name.startswith("UV_")}

    assert len(shared) == 4
    assert {name: env.get(name) for name in shared} == shared


def test_everything_that_is_written_goes_to_tmp() -> None:
    env = pairs(IMAGE, "ENV")

    for name in ("HOME", "PREFECT_HOME", "NAVERPLACE_PARITY__REPORT_DIR"):
        assert env[name].startswith("/tmp")
    assert env["NAVERPLACE_HOME"] == texts(IMAGE, "WORKDIR")[-1] == "/app"


def test_entry_and_health_check_are_programs_and_not_a_shell() -> None:
    for text in (*texts(IMAGE, "ENTRYPOINT"), *texts(IMAGE, "CMD")):
        assert json.loads(text)
    assert json.loads(texts(IMAGE, "HEALTHCHECK")[0].partition(" CMD ")[2])[1] == "healthy"
