"""`deployments/logging.yml` is Prefect's own configuration with the redaction filter, no more."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import prefect.logging
import pytest
import yaml
from prefect.logging.configuration import load_logging_config

from naverplace.redaction.redactor import RedactionFilter

OURS = Path(__file__).resolve().parents[2] / "deployments" / "logging.yml"
THEIRS = Path(prefect.logging.__file__).with_name("logging.yml")


@pytest.fixture
def ours() -> dict[str, Any]:
    return yaml.safe_load(OURS.read_text("utf-8"))  # type: ignore[no-any-return]


def test_every_handler_has_the_filter(ours: dict[str, Any]) -> None:
    assert set(ours["handlers"]) == {"console", "api", "worker_api", "debug"}
    assert all(handler["filters"] == ["redaction"] for handler in ours["handlers"].values())
    assert ours["filters"]["redaction"]["()"] == (
        f"{RedactionFilter.__module__}.{RedactionFilter.__qualname__}"
    )


def test_nothing_else_differs_from_the_installed_prefects_own(ours: dict[str, Any]) -> None:
    bare = copy.deepcopy(ours)
    bare["loggers"]["prefect.task_runs"]["level"] = "NOTSET"  # each would say that it completed
    del bare["filters"], bare["loggers"]["naverplace"]
    for handler in bare["handlers"].values():
        del handler["filters"]

    assert bare == yaml.safe_load(THEIRS.read_text("utf-8"))


def test_prefect_can_read_it() -> None:
    config = load_logging_config(OURS)

    assert config["handlers"]["api"]["filters"] == ["redaction"]
