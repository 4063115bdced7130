"""The sandbox, once a session; every test gets it reset to the scenario `quiet`."""

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from naverplace.quality import validation
from naverplace.redaction.redactor import REDACTOR
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.memory_dynamodb.app import MemoryAwsApp
from sandbox.server import Sandbox
from tests.examples import GATE_EXAMPLES
from tests.nightly import NIGHTLY
from trials.campaign.known_rows import learning_checkpoint

ROOT = Path(__file__).parent
LEARNING = learning_checkpoint()
os.environ.setdefault("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "false")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
# A worker keeps a million objects for good: looking through them again and again finds nothing.
gc.set_threshold(200_000, 50, 1_000)

# `make test` gives the same answer twice; HYPOTHESIS_PROFILE=nightly looks for new examples.
hypothesis.settings.register_profile(
    "gate", derandomize=True, max_examples=GATE_EXAMPLES, deadline=None
)
hypothesis.settings.register_profile("nightly", max_examples=1000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "gate"))


# Whole systems, each for half a minute and more, the longest first: begun last, one process would
# end long after the others. `make test-all` runs them, `make test` does not.
SLOW = (
    "image/test_image.py",
    "flows/test_leaks.py",
    "flows/test_alerts.py",
    "flows/test_waiting_for_a_person.py",
    "flows/test_sharing.py",
    "flows/test_retention_flow.py",
    "flows/test_parity_flows.py",
    "flows/test_deploying.py",
    "trials/test_campaign.py",
    "ui/",
    "operate/",
    "trials/test_year.py",
    "slots/",
    "e2e/test_demo.py",
    "trials/test_scale.py",
    "image/test_lambda_client.py",
    "docs/test_how_to_add.py",
    "pipeline/test_killed_runs.py",
    "migration/cutover/test_cutover_killed.py",
    "migration/cutover/test_cutover.py",
    "migration/cutover/test_handback_runs.py",
    "migration/parity/test_shadow.py",
    "pipeline/test_breaker_run.py",
    "pipeline/test_forecasts.py",
    "pipeline/test_telling.py",
    "pipeline/test_rulebook_in_force.py",
    "migration/cutover/test_cutover_interleavings.py",
    "flows/test_deployment.py",
    "e2e/test_scenarios.py",
    "pipeline/test_store_delivery.py",
    "legacy/test_real_runs.py",
    "legacy/test_two_modes.py",
    "deployments/",
    "docs/test_docs.py",
    "naver/test_login_stored.py",
    "naver/test_login_traps.py",
)
LONGEST = (
    *SLOW[:2],
    "trials/test_hostile.py",
    "flows/",
    "trials/test_day.py",
    *SLOW[2:],
    "e2e/",
    "pipeline/",
    "migration/",
    "naver/test_login",
    "model/",
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the slow files where no slow test is asked for: importing them takes seconds."""
    slow = collection_path.relative_to(ROOT).as_posix().startswith(SLOW)
    return True if slow and config.option.markexpr == "not slow" else None


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep a file's tests in one process, and all that need the one Prefect server in one."""
    for item in items:
        path = _path(item)
        prefect = path.startswith("flows/") or "prefect_server" in getattr(item, "fixturenames", ())
        item.add_marker(pytest.mark.xdist_group("prefect" if prefect else path))
        if path.startswith(SLOW):
            item.add_marker(pytest.mark.slow)
        if NIGHTLY:  # Hypothesis may take five minutes more to shorten what it finds
            item.add_marker(pytest.mark.timeout(1800))
    items.sort(key=lambda item: _place(_path(item)))


def _path(item: pytest.Item) -> str:
    return item.path.relative_to(ROOT).as_posix()


def _place(path: str) -> int:
    places = (place for place, start in enumerate(LONGEST) if path.startswith(start))
    return next(places, len(LONGEST))


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    # moto takes ten times as long; tests/ledger meets both.
    with Sandbox(scenario="quiet", aws=MemoryAwsApp) as running:
        yield running


@pytest.fixture(autouse=True)
def checkpoint(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask Great Expectations about the same sound rows once: it is a third of a run."""
    if not request.path.is_relative_to(ROOT / "quality"):
        monkeypatch.setattr(validation, "_refusals", LEARNING)


@pytest.fixture(autouse=True)
def own_secrets() -> Iterator[None]:
    """Let a process forget what one test has taught it to hide: it may stand in another's rules."""
    before = {**vars(REDACTOR), "_learned": set(REDACTOR._learned)}
    yield
    vars(REDACTOR).update(before)


@pytest.fixture
def world(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sandbox:
    sandbox.reset("quiet")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # a memory of telling is of one world
    for name, value in sandbox.environment().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)
    return sandbox


@pytest.fixture
def world_env(world: Sandbox, tmp_path: Path) -> dict[str, str]:
    """The variables that point the library at the sandbox, tuned so that nobody waits."""
    return {
        **world.environment(),
        "NAVERPLACE_NAVER__RETRY_WAIT": "0",
        "NAVERPLACE_SENS__RETRY_WAIT": "0",
        "NAVERPLACE_AWS__ATTEMPTS": "3",
        "NAVERPLACE_LEDGER__SETTLE_SECONDS": "0.2",
        "NAVERPLACE_LEDGER__LEASE_SECONDS": "2",
    }


@pytest.fixture
def settings(world_env: dict[str, str]) -> Settings:
    return load_settings(env=world_env, env_file=None)
