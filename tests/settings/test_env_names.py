"""The names of settings, and `.env.example`, which is made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from naverplace.settings.env_names import env_example, json_variables, variable_names, variable_of
from naverplace.settings.loader import load_settings
from tests.settings.setting_values import REAL, load

ROOT = Path(__file__).resolve().parents[2]


def test_the_env_example_is_true() -> None:
    assert (ROOT / ".env.example").read_text("utf-8") == env_example()


def test_the_env_example_names_every_variable_and_loads_once_filled_in(tmp_path: Path) -> None:
    example = env_example()
    filled = tmp_path / ".env"
    lines = [
        f"{line}{REAL[line.rstrip('=')]}" if line.rstrip("=") in REAL else line
        for line in example.splitlines()
    ]
    filled.write_text("\n".join(lines))

    settings = load_settings(env={}, env_file=filled)

    assert settings == load()
    sections = {
        "AWS",
        "BREAKER",
        "CLOCK",
        "NAVER",
        "QUALITY",
        "SENS",
        "SLACK",
        "TELEGRAM",
        "RECONCILE",
    }
    for name in variable_names():
        if name.removeprefix("NAVERPLACE_") not in sections:
            assert name in example


def test_every_default_in_the_env_example_is_a_value_that_loads(tmp_path: Path) -> None:
    lines = [line.removeprefix("#") for line in env_example().splitlines()]
    given = tmp_path / ".env"
    given.write_text("\n".join(x for x in lines if x.startswith("NAVERPLACE_") and x[-1] != "="))

    assert load_settings(env=REAL, env_file=given) == load()


@pytest.mark.parametrize(
    ("path", "variable"),
    [
        (("naver", "password"), "NAVERPLACE_NAVER__PASSWORD"),
        (("rules_dir",), "NAVERPLACE_RULES_DIR"),
        (("access", "1051707", "door_code"), "NAVERPLACE_ACCESS"),
        (("naver", "unheard_of"), "NAVERPLACE_NAVER__UNHEARD_OF"),
    ],
)
def test_a_setting_is_set_by_its_variable(path: tuple[str, ...], variable: str) -> None:
    assert variable_of(path) == variable


def test_sections_and_access_data_are_json() -> None:
    sections = {
        *("CLOCK", "NAVER", "SENS", "TELEGRAM", "SLACK", "AWS", "QUALITY", "ACCESS", "LEDGER"),
        *(
            "BREAKER",
            "RECONCILE",
            "THRESHOLDS",
            "DOCUMENT",
            "WATCHDOG",
            "CAPS",
            "CAPTURE",
            "CUTOVER",
        ),
        *("PARITY", "RETENTION", "PRICES"),
    }

    assert {f"NAVERPLACE_{name}" for name in sections} <= json_variables()


def test_the_env_example_holds_no_secret_and_no_value_for_what_is_required() -> None:
    for line in env_example().splitlines():
        if any(word in line for word in ("PASSWORD=", "KEY=", "TOKEN=", "WEBHOOK_URL=", "ACCESS=")):
            assert line.endswith("=")
