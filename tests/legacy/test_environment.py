"""The modelled legacy's own variables, and `python -m legacy`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from legacy.environment import from_environment
from legacy.settings import LegacySettings, from_sandbox, invented_texts
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]


def own_names(world: Sandbox) -> dict[str, str]:
    """Say in LEGACY_* what the sandbox says in the new system's names."""
    settings = from_sandbox(world.environment())
    texts = {f"LEGACY_{f.name.upper()}": getattr(settings, f.name) for f in fields(settings)}
    plain = {name: value for name, value in texts.items() if isinstance(value, str)}
    return {
        **plain,
        "LEGACY_SENDER": settings.texts.sender,
        "LEGACY_CLOCK_OFFSET": str(settings.clock_offset),
    }


def test_its_own_variables_say_the_same_as_a_sandboxs(world: Sandbox) -> None:
    quick = {"LEGACY_PAUSE": "0", "LEGACY_CHECK_IN_BROWSER": "0", "LEGACY_ZONE": "Asia/Seoul"}

    assert from_environment(own_names(world) | quick) == from_sandbox(world.environment())


def test_l3_l9_l23_without_a_word_it_waits_and_looks_as_the_legacy_does(world: Sandbox) -> None:
    settings = from_environment(own_names(world))

    assert (settings.pause, settings.check_in_browser) == (1.0, True)
    assert settings.zone.key == "Asia/Seoul"
    assert len(settings.store_ids) == 8


def test_the_texts_are_a_file(world: Sandbox, tmp_path: Path) -> None:
    texts = {**vars(invented_texts("0310000000", ("7",))), "guide_senders": {"7": "0310000001"}}
    path = tmp_path / "texts.json"
    path.write_text(json.dumps(texts), encoding="utf-8")

    settings = from_environment(
        own_names(world) | {"LEGACY_TEXTS": str(path), "LEGACY_STORE_IDS": "7,8"}
    )

    assert vars(settings.texts) == texts
    assert settings.store_ids == ("7", "8")


def test_what_is_missing_or_unknown_is_named_and_no_secret(world: Sandbox) -> None:
    env = own_names(world) | {"LEGACY_COLOUR": "red"}
    del env["LEGACY_AWS_ENDPOINT"], env["LEGACY_SENDER"]

    with pytest.raises(ValueError, match=r"LEGACY_AWS_ENDPOINT, LEGACY_TEXTS, LEGACY_COLOUR$"):
        from_environment(env)


def test_its_secrets_are_in_no_representation(world: Sandbox) -> None:
    settings = from_sandbox(world.environment())

    for name in ("password", "sens_access_key", "sens_secret_key", "telegram_token"):
        assert getattr(settings, name) not in repr(settings)
    assert isinstance(settings, LegacySettings)


def test_l21_l22_python_m_legacy_runs_once_and_prints_what_it_should_not(world: Sandbox) -> None:
    world.world.booking_switches.max_range_days = None
    quick = {"LEGACY_PAUSE": "0", "LEGACY_CHECK_IN_BROWSER": "0"}
    aws = {name: value for name, value in world.environment().items() if name.startswith("AWS_")}
    env = {**os.environ, **own_names(world), **quick, **aws}

    done = subprocess.run(
        [sys.executable, "-m", "legacy"], cwd=ROOT, env=env, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    printed = done.stdout.splitlines()
    assert printed[-1] == "success"
    assert world.world.cookies.alive[0].ses in done.stdout
    assert [m["to"] for m in world.messages()] != []
    assert any(m["to"] in line.replace("-", "") for m in world.messages() for line in printed)
