"""docs/how-to-add.md: its examples are applied to a copy, and a real run carries them out."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
SECTION = re.compile(r"^## (A .+?)\n(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)
BLOCK = re.compile(r"```(diff|console)\n(.*?)```", re.DOTALL)
SECTIONS = SECTION.findall((ROOT / "docs" / "how-to-add.md").read_text("utf-8"))
NEW_STORE = "1599999"


@dataclass(frozen=True)
class Copy:
    """What a person has on the desk: the project's own files."""

    folder: Path

    def apply(self, diff: str) -> None:
        done = self._run(["git", "apply", "-"], text=diff)
        assert done.returncode == 0, f"{done.stderr}\n{diff}"

    def type(self, command: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Type a command of the docs, here."""
        words, _, target = command.removeprefix(".venv/bin/").partition(" > ")
        done = self._run([sys.executable, "-m", *shlex.split(words)], env=env)
        if target:
            (self.folder / target).write_text(done.stdout, "utf-8")
        return done

    def _run(
        self, words: list[str], *, text: str = "", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        ours = {n: v for n, v in os.environ.items() if not n.startswith(("NAVERPLACE_", "GIT_"))}
        variables = {**ours, **(env or {}), "PYTHONPATH": str(self.folder), "COLUMNS": "200"}
        return subprocess.run(
            words, cwd=self.folder, env=variables, input=text, capture_output=True, text=True
        )


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    folder = tmp_path / "copy"
    for name in ("naverplace", "rules", "deployments"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    return Copy(folder)


@pytest.fixture
def discord() -> Iterator[tuple[str, list[str]]]:
    """A webhook that takes everything, and what it took."""
    taken: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append(json.loads(body)["content"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/api/webhooks/1/x", taken
        server.shutdown()


def blocks(text: str, kind: str) -> list[str]:
    return [content for found, content in BLOCK.findall(text) if found == kind]


def test_every_kind_of_thing_has_an_example() -> None:
    names = [name.removeprefix("A ") for name, _ in SECTIONS]

    assert names == ["store", "rule", "text", "booking field", "condition", "channel"]


def test_the_examples_are_right_and_a_run_carries_them_out(
    copy: Copy, world: Sandbox, world_env: dict[str, str], discord: tuple[str, list[str]]
) -> None:
    url, taken = discord
    codes = json.loads(world_env["NAVERPLACE_ACCESS"])
    codes[NEW_STORE] = {"door_code": "0000#"}
    env = {
        **world_env,
        "NAVERPLACE_ACCESS": json.dumps(codes),
        "NAVERPLACE_DISCORD__WEBHOOK_URL": url,
    }
    world.log_in()
    now = world.world.now()
    saturday = (now + timedelta(days=(5 - now.weekday()) % 7 or 7)).replace(hour=15, minute=0)
    raw = a_booking(
        NEW_STORE,
        930_000_001,
        saturday,
        phone="01000000777",
        changes={"completedCount": 12, "bookingCount": 2},
    )
    world.world.stores[NEW_STORE] = [raw]

    for name, text in SECTIONS:
        for diff in blocks(text, "diff"):
            copy.apply(diff)
        given = env if name == "A channel" else {n: v for n, v in env.items() if "DISCORD" not in n}
        for typed in blocks(text, "console"):
            for command in typed.replace("$ ", "").splitlines():
                done = copy.type(command, given)
                assert done.returncode == 0, f"{name}: {command}\n{done.stdout}{done.stderr}"
    run = copy.type("naverplace run --json", env)

    assert run.returncode == 0, run.stdout + run.stderr
    texts = [m["content"] for m in world.messages() if m["to"] == "01000000777"]
    assert any("셀프스튜디오 새봄점 예약이 확정되었습니다" in text for text in texts)
    assert any("늘 찾아 주셔서 고맙습니다" in text for text in texts)
    assert any("단골 예약: 새봄점" in m["text"] for m in world.world.telegram)
    assert [text for text in taken if text.startswith("✅")]
    catalogue = (copy.folder / "rules" / "README.md").read_text("utf-8")
    assert "starts_on_weekend" in catalogue
    assert "send_discord" in catalogue
    assert "NAVERPLACE_DISCORD__WEBHOOK_URL" in (copy.folder / ".env.example").read_text("utf-8")


def test_a_store_without_its_guide_is_named(copy: Copy, world_env: dict[str, str]) -> None:
    (diff,) = blocks(dict(SECTIONS)["A store"], "diff")
    copy.apply(diff[: diff.index("--- a/rules")])

    done = copy.type("naverplace rules check", world_env)

    assert done.returncode == 2
    assert NEW_STORE in done.stderr
    assert "templates-guide.yaml" in done.stderr


def test_a_store_without_its_door_code_starts_no_run(
    copy: Copy, world: Sandbox, world_env: dict[str, str]
) -> None:
    for diff in blocks(dict(SECTIONS)["A store"], "diff"):
        copy.apply(diff)

    done = copy.type("naverplace run --dry-run", world_env)

    assert done.returncode == 2
    assert NEW_STORE in done.stderr
    assert "door_code" in done.stderr
