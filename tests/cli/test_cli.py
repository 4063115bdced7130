"""The commands, as a person types them."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from naverplace.cli.app import app
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]


class Shell:
    """Types commands in the project's folder with the sandbox in the environment."""

    def __init__(self, env: dict[str, str]) -> None:
        self.env = env

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(app, list(words), env=self.env)


@pytest.fixture
def naverplace(world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.chdir(ROOT)
    return Shell(world_env)


def test_run_sends_and_ends_with_a_summary(naverplace: Shell, world: Sandbox) -> None:
    result = naverplace("run")

    assert result.exit_code == 0, result.output
    assert "# SUCCESS: " in result.stdout
    assert len(world.messages()) == sum(world.expected["messages"].values())


def test_version_is_the_projects(naverplace: Shell) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]

    assert naverplace("--version").stdout == f"naverplace {project['version']}\n"


def test_a_shell_completes_the_commands() -> None:
    typed = {
        "_NAVERPLACE_COMPLETE": "complete_bash",
        "COMP_WORDS": "naverplace ru",
        "COMP_CWORD": "1",
    }

    result = CliRunner().invoke(app, [], prog_name="naverplace", env=typed)

    assert result.stdout.split() == ["run", "rules"]


def test_run_json_is_one_object_on_stdout(naverplace: Shell) -> None:
    report: dict[str, Any] = json.loads(naverplace("run", "--json", "--dry-run").stdout)

    assert (report["dry_run"], report["balanced"]) == (True, True)


def test_doctor_ends_well_in_a_healthy_world(naverplace: Shell) -> None:
    result = naverplace("doctor")

    assert result.exit_code == 0, result.output
    assert "DynamoDB" in result.stdout
    assert json.loads(naverplace("doctor", "--json").stdout)["healthy"] is True


def test_explain_says_what_every_rule_thinks(naverplace: Shell, world: Sandbox) -> None:
    store_id, raws = next((s, raws) for s, raws in world.world.stores.items() if raws)
    booking = next(raw for raw in raws if raw["bookingStatusCode"] == "RC03")

    result = naverplace("explain", f"{store_id}_{booking['bookingId']}")

    assert result.exit_code == 0, result.output
    assert "new-booking: " in result.stdout
    assert "guide: " in result.stdout
    assert world.messages() == []
    assert booking["phone"] not in result.output


def test_explain_of_an_unknown_booking_says_where_it_looked(naverplace: Shell) -> None:
    result = naverplace("explain", "1051707_42")

    assert result.exit_code == 2
    assert "neither among the confirmed bookings" in result.stderr


def test_rules_check_counts_the_enabled_rules(naverplace: Shell) -> None:
    result = naverplace("rules", "check")

    assert result.exit_code == 0, result.output
    assert "4 rules are enabled" in result.stdout


def test_rules_can_be_checked_by_somebody_without_any_secret(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(ROOT)

    result = CliRunner().invoke(app, ["rules", "check"], env={})

    assert result.exit_code == 0, result.output


def test_rules_list_shows_the_disabled_ones_too(naverplace: Shell) -> None:
    rows = json.loads(naverplace("rules", "list", "--json").stdout)

    assert sum(row["enabled"] for row in rows) == 4
    assert sum(not row["enabled"] for row in rows) >= 4
    assert naverplace("rules", "list").exit_code == 0


def test_a_wrong_rule_stops_every_command_with_its_place(naverplace: Shell, tmp_path: Path) -> None:
    for path in (ROOT / "rules").glob("*.yaml"):
        text = path.read_text("utf-8")
        (tmp_path / path.name).write_text(text.replace("time_before_booking", "time_befor_booking"))
    naverplace.env["NAVERPLACE_RULES_DIR"] = str(tmp_path)

    result = naverplace("run")

    assert result.exit_code == 2
    assert "reminders.yaml:" in result.stderr
    assert "did you mean 'time_before_booking'?" in result.stderr
    assert "Traceback" not in result.output


def test_generated_files_are_what_the_commands_print(naverplace: Shell) -> None:
    assert naverplace("rules", "catalogue").stdout == (ROOT / "rules/README.md").read_text("utf-8")
    assert naverplace("env-example").stdout == (ROOT / ".env.example").read_text("utf-8")


def test_init_tables_creates_what_is_missing_and_leaves_the_rest(
    naverplace: Shell, world: Sandbox
) -> None:
    naverplace.env["NAVERPLACE_AWS__SMS_TABLE"] = "sms-of-a-new-shop"

    assert "created: sms-of-a-new-shop" in naverplace("init-tables").stdout
    assert "all tables exist" in naverplace("init-tables").stdout


def test_a_missing_setting_is_told_without_a_traceback(naverplace: Shell) -> None:
    naverplace.env["NAVERPLACE_NAVER__PASSWORD"] = ""

    result = naverplace("doctor")

    assert result.exit_code == 2
    assert "NAVERPLACE_NAVER__PASSWORD" in result.stderr
    assert "Traceback" not in result.output


def test_login_by_hand_needs_a_screen(naverplace: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    result = naverplace("login", "--headed")

    assert result.exit_code == 2
    assert "DISPLAY" in result.stderr


@pytest.mark.browser
def test_login_stores_a_session_that_the_next_run_restores(
    naverplace: Shell, world: Sandbox
) -> None:
    world.forget_session()

    result = naverplace("login")

    assert result.exit_code == 0, result.output
    assert "cookies are stored" in result.stdout
    report = json.loads(naverplace("run", "--json").stdout)
    assert report["browser_opened"] is False
    assert world.world.login_attempts == 1
