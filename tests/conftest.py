"""The sandbox, once a session; every test gets it reset to the scenario `quiet`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.server import Sandbox

ROOT = Path(__file__).parent
os.environ.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "false")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
# A gate gives the same answer twice. HYPOTHESIS_PROFILE=default looks for examples nobody has seen.
hypothesis.settings.register_profile("gate", derandomize=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


# The longest files, longest first: begun last, one process would end long after the others.
LONGEST = (
    "flows/",
    "trials/test_campaign.py",
    "ui/",
    "trials/test_year.py",
    "e2e/",
    "slots/",
    "operate/",
    "pipeline/test_killed_runs.py",
    "pipeline/test_breaker_run.py",
    "pipeline/test_store_delivery.py",
    "migration/cutover/",
)
# Whole systems against an oracle of their own: coverage counts lines twice as slowly as they run,
# and whatever these run, the tests of the parts have run before.
NOT_COUNTED = (
    "trials/",
    "ui/",
    "e2e/",
    "slots/",
    "image/",
    "migration/cutover/test_cutover",
    "pipeline/test_killed_runs.py",
)


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests in one process, and all that need the one Prefect server in one."""
    for item in items:
        path = _path(item)
        prefect = path.startswith("flows/") or "prefect_server" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("prefect" if prefect else path))
        if path.startswith(NOT_COUNTED):
            item.add_marker(pytest.mark.no_cover)
    items.sort(key=lambda item: _place(_path(item)))


def _path(item: pytest.Item) -> str:
    return item.path.relative_to(ROOT).as_posix()


def _place(path: str) -> int:
    found = (at for at, start in enumerate(LONGEST) if path.startswith(start))
    return next(found, len(LONGEST))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(scenario="quiet") as running:
        yield running


@pytest.fixture
def world(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    sandbox.reset("quiet")
    for name, value in sandbox.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture
def world_env(world: Sandbox, tmp_path: Path) -> dict[str, str]:
    """The variables that point the library at the sandbox, tuned so that nobody waits."""
    return {
        **world.environment(),
        "NAVERPLACE_NAVER__PAUSE_SECONDS": "0",
        "NAVERPLACE_NAVER__RETRY_WAIT": "0",
        "NAVERPLACE_SENS__RETRY_WAIT": "0",
        "NAVERPLACE_AWS__ATTEMPTS": "3",
        "NAVERPLACE_LEDGER__SETTLE_SECONDS": "0.2",
        "NAVERPLACE_LEDGER__LEASE_SECONDS": "2",
        "NAVERPLACE_QUALITY__DOCS_DIR": str(tmp_path / "data-docs"),
    }


@pytest.fixture
def settings(world_env: dict[str, str]) -> Settings:
    return load_settings(env=world_env, env_file=None)
