"""The image's entry, with the project's own programs: what each word starts."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.lambda_runtime import RuntimeApi

ROOT = Path(__file__).resolve().parents[2]
ENTRY = ROOT / "deployments" / "image" / "entry"
PROGRAMS = Path(sys.executable).parent


def start(*words: str, path: str = str(PROGRAMS), **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ENTRY), *words],
        env={"PATH": f"{path}:/usr/bin:/bin", "HOME": os.environ["HOME"], **env},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.fixture
def echoing(tmp_path: Path) -> str:
    """A folder with programs that say how they were called."""
    for name in ("prefect", "python", "naverplace"):
        (tmp_path / name).write_text('#!/bin/sh\necho "$(basename "$0") $*"\n')
        (tmp_path / name).chmod(0o755)
    return str(tmp_path)


WORKER = (
    "python -m naverplace.base.draining prefect --no-prompt worker start --with-healthcheck"
    " --install-policy never"
)


@pytest.mark.parametrize(
    ("words", "called"),
    [
        ([], f"{WORKER} --pool naverplace --type process"),
        (["worker"], f"{WORKER} --pool naverplace --type process"),
        (["worker", "--pool", "p", "--type", "ecs"], f"{WORKER} --pool p --type ecs"),
        (["lambda"], "python -m awslambdaric naverplace.handler.lambda_handler"),
        (["prefect", "flow-run", "execute"], "prefect flow-run execute"),
        (["run", "--dry-run"], "naverplace run --dry-run"),
        (["naverplace", "doctor"], "naverplace doctor"),
    ],
)
def test_a_word_starts_its_program(words: list[str], called: str, echoing: str) -> None:
    assert start(*words, path=echoing).stdout.strip() == called


def test_prefect_knows_every_option_that_the_worker_is_started_with() -> None:
    shown = start("prefect", "worker", "start", "--help", NO_COLOR="1", COLUMNS="200").stdout

    for option in ("--with-healthcheck", "--install-policy", "--pool", "--type"):
        assert option in shown


def test_naverplace_s_own_commands_are_reached() -> None:
    done = start("rules", "check", NO_COLOR="1")

    assert done.returncode == 0, done.stdout + done.stderr


def test_an_unknown_word_is_refused_by_name() -> None:
    done = start("wroker", NO_COLOR="1")

    assert done.returncode == 2
    assert "wroker" in done.stderr


def test_lambda_tells_an_init_that_fails_to_the_runtime_api() -> None:
    with RuntimeApi() as api:
        start("lambda", "naverplace.no_such.handler", **api.environment())

        assert api.asked.is_set()
        assert "ImportModuleError" in str(api.init_error)


def test_a_container_without_a_worker_is_healthy(echoing: str) -> None:
    # Here the first process of the machine is no worker either.
    assert start("healthy", PREFECT_WORKER_WEBSERVER_PORT="1").returncode == 0


@pytest.fixture
def ill_worker() -> Iterator[int]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def check_of_health(port: int) -> subprocess.CompletedProcess[str]:
    """Only what the entry does once it knows that this is a worker's container."""
    text = ENTRY.read_text("utf-8")
    code = text.partition("exec python -c '")[2].partition("'\n")[0]
    env = {**os.environ, "PREFECT_WORKER_WEBSERVER_PORT": str(port)}
    return subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)


def test_a_worker_that_has_stopped_asking_is_not_healthy(ill_worker: int) -> None:
    done = check_of_health(ill_worker)

    assert done.returncode == 1
    assert "503" in done.stderr


def test_a_worker_that_does_not_answer_is_not_healthy() -> None:
    done = check_of_health(1)

    assert done.returncode == 1
    assert "does not answer at http://127.0.0.1:1/health" in done.stderr
