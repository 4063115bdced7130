"""The commands, as a person types them."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from naverplace.cli.app import app
from sandbox.faults import Fault
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


def test_explain_takes_whatever_names_one_booking(naverplace: Shell, world: Sandbox) -> None:
    raws = [r for r in world.world.stores["1051707"] if r["bookingStatusCode"] == "RC03"]
    phones = Counter(r["phone"] for rows in world.world.stores.values() for r in rows)
    raw = next(r for r in raws if phones[r["phone"]] == 1)
    number, phone = str(raw["bookingId"]), raw["phone"]
    dashed = f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"
    ways = [f"1051707_{number}", f"화성점 {number}", f"화성점 예약 {number}", number, phone, dashed]

    for who in ways:
        said = json.loads(naverplace("explain", *who.split(), "--json").stdout)
        assert said["booking"] == f"1051707_{number}", who
    at = json.loads(naverplace("explain", ways[0], "--at", "+200d", "--json").stdout)
    future = next(part for part in at["rules"][0]["parts"] if part["text"] == "starts_in_future")
    assert (future["holds"], future["changes_at"]) == (False, None)


def test_explain_asks_back_when_what_was_said_fits_several(
    naverplace: Shell, world: Sandbox
) -> None:
    for raw in world.world.stores["1051707"][:2]:
        raw["name"] = "김나무"

    result = naverplace("explain", "화성점 나무")

    assert result.exit_code == 2
    assert "'화성점 나무' fits 2 bookings; say which:" in result.stderr
    assert "1051707_1000000001 (화성점), starts 20" in result.stderr
    assert not any(raw["phone"] in result.output for raw in world.world.stores["1051707"])


def test_a_store_that_cannot_be_read_keeps_no_other_booking_from_being_explained(
    naverplace: Shell, world: Sandbox
) -> None:
    world.world.faults.append(
        Fault("partner", match="businesses/951291/", kind="status:422", times=None)
    )
    raw = world.world.stores["1051707"][0]

    result = naverplace("explain", str(raw["bookingId"]))
    lost = naverplace("explain", "1999999999")

    assert result.exit_code == 0, result.output
    assert lost.exit_code == 2
    assert "no booking fits" in lost.stderr
    assert "not read: 안산점" in lost.stderr


@pytest.mark.parametrize(
    ("who", "words"),
    [
        (["1051707_42"], "neither among the confirmed bookings"),
        (["010-0000-9999"], "no booking fits"),
        (["1_42"], "store 1 of booking 1_42 is not in"),
        (["1051707_42", "--at", "noon"], "--at: 'noon' is no time; write 18:00"),
    ],
)
def test_explain_of_an_unknown_booking_says_where_it_looked(
    naverplace: Shell, who: list[str], words: str
) -> None:
    result = naverplace("explain", *who)

    assert result.exit_code == 2
    assert words in result.stderr


def test_rules_check_counts_the_enabled_rules(naverplace: Shell) -> None:
    result = naverplace("rules", "check")

    assert result.exit_code == 0, result.output
    assert "4 rules are enabled" in result.stdout


def test_rules_check_json_says_for_machines_what_is_right_and_where_it_is_wrong(
    naverplace: Shell, tmp_path: Path
) -> None:
    right = naverplace("rules", "check", "--json")
    (tmp_path / "r.yaml").write_text("- rule: r\n  when: [nothing]\n  then: [nothing]\n", "utf-8")
    wrong = naverplace("rules", "check", "--json", "--rules-dir", str(tmp_path))

    said = json.loads(right.stdout)
    assert (right.exit_code, said["right"], said["mistakes"]) == (0, True, [])
    assert "guide" in said["enabled"]
    found = json.loads(wrong.stdout)["mistakes"]
    assert (wrong.exit_code, json.loads(wrong.stdout)["right"]) == (2, False)
    assert (str(tmp_path / "r.yaml"), 2, 10) in [
        (mistake["file"], mistake["line"], mistake["column"])
        for mistake in found
        if "line" in mistake
    ]
    assert "unknown condition 'nothing'" in wrong.stdout


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

    assert "created or set: sms-of-a-new-shop" in naverplace("init-tables").stdout
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
