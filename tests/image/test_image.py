"""The image as buildah builds it: its contents, and what .dockerignore keeps out of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.nightly import at_night
from trials.image.engine import Engine, install_programs

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("apt-get") is None, reason="needs root on Debian"
    ),
]


@at_night  # by day hadolint reads the Dockerfile, and `make image` builds it
def test_its_contents_are_what_they_should_be() -> None:
    command = [sys.executable, "-m", "trials.image", "--contents", "--json"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr[-3000:]
    answer = json.loads(done.stdout)
    assert len(answer["checks"]) == 11
    assert answer["good"]
    assert answer["facts"]["user"] == "10001:10001"
    assert len(answer["facts"]["layers"]) == 2  # the base, and all that was built on it


@pytest.fixture
def engine() -> Iterator[Engine]:
    # pytest's own folders have names that podman finds too long.
    engine = Engine(Path(tempfile.mkdtemp(prefix="image-")))
    yield engine
    engine.remove()


def test_secrets_and_the_developers_things_stay_outside(engine: Engine) -> None:
    context, names = engine.folder / "context", ("deployments/stores.yaml", "naverplace/run.py")
    for name in (
        *(".env", ".env.production", "naverplace/.env", "rules/.env.local", "deployments/a.pem"),
        *(".git/config", ".naverplace/up/prefect.db", "tests/test_a.py", "sandbox/aws.py"),
        *("deployments/aws/stack.yaml", "deployments/iam/shadow.json", "dump.json"),
        *("naverplace/__pycache__/a.pyc", "rules/.naverplace/a", "flows/a.key", *names),
    ):
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).touch()
    shutil.copy(ROOT / ".dockerignore", context)
    (context / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    install_programs()

    engine.build(context)

    with engine.mounted() as root:
        files = [str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()]
    assert sorted(files) == sorted(names)
