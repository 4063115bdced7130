"""The docs are true: their commands run, their links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from naverplace.cli.app import app
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), ROOT / "legacy/README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
INLINE = re.compile(
    r"`((?:\.venv/bin/)?naverplace [a-z-]+[^`]*|make [a-z][^`]*|prefect [a-z][^`]*)`"
)
SCRIPT = re.compile(r"```bash\n(.*?)```", re.DOTALL)
CODE = (
    *("benchmarks", "deployments", "flows", "legacy", "naverplace", "operate", "rules"),
    *("sandbox", "tasks", "tests", "trials"),
)
NAMED = re.compile(rf"`((?:{'|'.join(CODE)})/[\w./-]+)`")
MODULE = re.compile(r"\b([a-z_0-9]+\.py)\b")
MODULES = {path.name for folder in CODE for path in (ROOT / folder).rglob("*.py")}
DIFF = re.compile(r"```diff\n.*?```", re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")

BEFORE = {"watchdog": ["run"]}  # it ends with 1 when nobody has looked at the stores


def commands() -> list[tuple[str, str]]:
    """List every command that a page tells people to type."""
    found = []
    for page in PAGES:
        text = page.read_text("utf-8")
        typed = [
            line.removeprefix("$ ")
            for block in BLOCK.findall(text)
            for line in block.splitlines()
            if line.startswith("$ ")
        ]
        found += [(page.name, command) for command in [*typed, *INLINE.findall(text)]]
    return sorted(set(found))


def test_there_are_commands_to_test() -> None:
    assert len(commands()) > 10


# Those to Prefect need a server: tests/flows/test_deploying.py types them.
HERE = [(page, command) for page, command in commands() if not command.startswith("prefect ")]


@pytest.mark.parametrize(("page", "command"), HERE)
def test_a_command_of_the_docs_works(
    page: str,
    command: str,
    world: Sandbox,
    world_env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)
    words = shlex.split(command.partition(">")[0].removeprefix(".venv/bin/"))
    if words[0] == "make":
        # The targets run the tests and the demo themselves: here they must exist and expand.
        done = subprocess.run(["make", "-n", *words[1:]], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return
    assert words[0] == "naverplace"
    if "|" in command or words[-1].isupper() or words[1] in ("login", "init"):
        # A choice, a placeholder, questions, a real browser: that it exists is what is checked.
        words = [*words[1:2], *([words[2].partition("|")[0]] if "|" in command else []), "--help"]
        assert CliRunner().invoke(app, words, env=world_env).exit_code == 0
        return

    for before in BEFORE.get(words[1], ()):
        CliRunner().invoke(app, [before], env=world_env)
    result = CliRunner().invoke(app, words[1:], env=world_env)

    assert result.exit_code == 0, f"{page}: {command}\n{result.output}"


def test_what_a_page_types_is_found_in_a_fresh_shell() -> None:
    typed = {shlex.split(c)[0] for page, c in HERE if not re.match("naverplace |make ", c)}
    assert typed == {".venv/bin/naverplace"}
    done = subprocess.run(
        ["env", "-i", "PATH=/usr/bin:/bin", "bash", "-c", ".venv/bin/naverplace rules check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (0, "")


def blocks() -> list[tuple[str, str]]:
    """List the longer scripts, for machines that have Docker or an account at AWS."""
    return [(p.name, text) for p in PAGES for text in SCRIPT.findall(p.read_text("utf-8"))]


@pytest.mark.parametrize(("page", "script"), blocks())
def test_a_script_of_the_docs_is_right_as_far_as_it_can_be_seen_here(
    page: str, script: str
) -> None:
    # Nobody can run these here: what they name must exist.
    checked = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    for stack, given in re.findall(r"^deploy (\w+)((?: \w+=\S+)*)", script, re.MULTILINE):
        template = (ROOT / "deployments" / "aws" / f"{stack}.yaml").read_text("utf-8")
        for name in re.findall(r" (\w+)=", given):
            assert re.search(rf"^  {name}:", template, re.MULTILINE), f"{page}: {stack} {name}"
    dockerfile = (ROOT / "Dockerfile").read_text("utf-8")
    for argument in re.findall(r"--build-arg (\w+)=", script):
        assert re.search(rf"^ARG {argument}\b", dockerfile, re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text("utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_a_page_names_exist(page: Path) -> None:
    text = page.read_text("utf-8")
    modules = set(MODULE.findall(DIFF.sub("", text)))

    assert [name for name in NAMED.findall(text) if not (ROOT / name).exists()] == []
    assert sorted(modules - MODULES) == []


def test_every_make_target_is_explained_by_help() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True).stdout
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = re.findall(r"^([a-z-]+):", makefile, re.MULTILINE)

    assert [target for target in targets if not re.search(rf"^{target}\b", shown, re.M)] == []
