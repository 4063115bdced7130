"""What fails after the messages went out: the result stands, and the owner is told with it."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from naverplace.base.errors import Permanent
from naverplace.base.files import try_folder, write_whole
from naverplace.jobs.doctor import run_checks
from naverplace.pipeline.local_runner import run_once
from naverplace.reporting.report import RunReport
from naverplace.reporting.summary import for_engineer
from naverplace.settings.loader import load_settings
from sandbox.faults import Fault
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def run(env: dict[str, str]) -> RunReport:
    return run_once(load_settings(env=env, env_file=None), run_id="run", door="lambda")


def a_folder_that_is_none(tmp_path: Path) -> str:
    (tmp_path / "a-file").touch()
    return str(tmp_path / "a-file" / "reports")


def test_a_folder_that_takes_no_report_is_a_problem_that_the_owner_is_told_at_once(
    world: Sandbox, world_env: dict[str, str], tmp_path: Path
) -> None:
    report = run({**world_env, "NAVERPLACE_REPORT_DIR": a_folder_that_is_none(tmp_path)})

    assert report.status == "success"
    assert len(world.messages()) == sum(world.expected["messages"].values()) > 0
    (problem,) = report.problems
    assert problem.startswith("no report was written: ")
    told = [message["text"] for message in world.world.telegram]
    assert len([text for text in told if "실행 기록을 남기지 못했습니다" in text]) == 1


def test_the_doctor_tries_the_folders(world_env: dict[str, str], tmp_path: Path) -> None:
    env = {**world_env, "NAVERPLACE_REPORT_DIR": a_folder_that_is_none(tmp_path)}

    found = run_checks(load_settings(env=env, env_file=None), progress=lambda line: None)

    (wrong,) = [finding for finding in found if not finding.ok]
    assert wrong.what == "folders"
    assert "a-file" in wrong.found
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-file"]


def test_a_disk_that_is_full_costs_the_new_file_and_not_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "report.json"
    write_whole(path, "old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(Permanent, match="report"):
            write_whole(path, "new" * 1000)
        with pytest.raises(Permanent, match="space"):
            try_folder(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert path.read_text() == "old"
    assert [file.name for file in path.parent.iterdir()] == ["report.json"]
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "answer", ['{"ok": true, "result": {"message_id": null}}', "[" * 100_000, '{"ok": []}', "null"]
)
def test_whatever_telegram_answers_the_run_ends_with_a_report(
    world: Sandbox, world_env: dict[str, str], answer: str
) -> None:
    world.world.faults.append(Fault("telegram", kind="json", value=answer, times=None))

    report = run(world_env)

    assert sum(report.messages.values()) == len(world.messages()) > 0
    assert bool(report.problems) == (report.status == "failed") == ("true" not in answer)


def type_run(env: dict[str, str], *, stdout: int, stderr: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "naverplace", "run", "--json"],
        cwd=ROOT,
        env={**os.environ, **env},
        encoding="utf-8",
        stdout=stdout,
        stderr=stderr,
    )


def test_a_screen_that_knows_no_korean_still_gets_the_report(
    world: Sandbox, world_env: dict[str, str]
) -> None:
    env = {**world_env, "PYTHONIOENCODING": "ascii"}
    typed = type_run(env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    said, progress = typed.communicate(timeout=240)

    assert (typed.returncode, "Traceback" in progress) == (0, False), progress
    report = json.loads(said)
    assert any(store["alias"] == "화성점" for store in report["stores"])
    assert sum(report["messages"].values()) == len(world.messages()) > 0


def test_a_full_disk_and_a_reader_that_is_gone_do_not_end_the_command(
    world: Sandbox, world_env: dict[str, str]
) -> None:
    read, write = os.pipe()
    os.close(read)
    with open("/dev/full", "wb") as full:
        typed = type_run(world_env, stdout=full.fileno(), stderr=write)
    os.close(write)

    assert typed.wait(timeout=240) == 0
    assert len(world.messages()) == sum(world.expected["messages"].values()) > 0


def test_a_run_leaves_its_page_and_todays_and_says_where_they_are(
    world: Sandbox, world_env: dict[str, str], tmp_path: Path
) -> None:
    env = {**world_env, "NAVERPLACE_REPORT_DIR": str(tmp_path / "reports")}
    link = "https://shop.example/reports"

    report = run({**env, "NAVERPLACE_REPORT_LINK": link})

    today = tmp_path / "reports/today.html"
    assert report.page.startswith(f"{link}/20")
    assert (tmp_path / "reports" / report.page.removeprefix(f"{link}/")).read_text() == (
        today.read_text()
    )
    assert f"[{report.page}]({report.page})" in for_engineer(report)
    assert not re.search(r"01\d-?\d{4}-?\d{4}", today.read_text())
    names = {raw.get("name") for raws in world.world.stores.values() for raw in raws} - {"", None}
    assert not [name for name in names if str(name) in today.read_text()]

    today.unlink()
    settings = load_settings(env=env, env_file=None)
    looked = run_once(settings, run_id="looked", door="cli", dry_run=True)
    assert looked.page.endswith("-looked.html")
    assert not today.exists()  # a dry run is nobody's page of today
