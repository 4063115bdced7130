"""The commands for the engineer on duty: how the stores stand, and the release of a stopped one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.cli.app import app
from naverplace.domain.effects import RecordKey
from naverplace.domain.record_matching import match_records
from naverplace.ledger.store_lock import StoreStateTable
from naverplace.ledger.store_state import Lease, PendingMessage
from naverplace.quality.breaker_state import check_batches
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.rule_builders import STORE, a_booking

ROOT = Path(__file__).resolve().parents[2]


class Duty:
    """A stopped or sending store, and commands about it."""

    def __init__(self, settings: Settings, env: dict[str, str]) -> None:
        self.settings, self.env = settings, env
        self.now = settings.make_clock().now()
        client = open_dynamodb(settings.aws)
        self.table = StoreStateTable(StateTable(client, settings.aws.session_table))

    def type(self, *words: str) -> Result:
        return CliRunner().invoke(app, list(words), env=self.env)

    def json(self, *words: str) -> dict[str, Any]:
        result = self.type(*words, "--json")
        assert result.exit_code == 0, result.output
        rows: list[dict[str, Any]] = json.loads(result.stdout)["stores"]
        return next(row for row in rows if row["store_id"] == STORE)

    def check(self, count: int) -> bool:
        """Check a batch of so many new bookings; tell whether it may be sent for."""
        bookings = [a_booking(n, start=self.now + n * timedelta(hours=1)) for n in range(1, count)]
        check = check_batches(
            [STORE],
            bookings,
            match_records(bookings, {}),
            table=self.table,
            settings=self.settings.breaker,
            now=self.now,
            run_id="r",
        )
        return not check.halts


@pytest.fixture
def duty(settings: Settings, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Duty:
    monkeypatch.chdir(ROOT)
    return Duty(settings, world_env)


def test_before_the_first_run_nothing_is_known_of_a_store(duty: Duty) -> None:
    row = duty.json("stores")

    assert (row["alias"], row["last_batch"], row["lease"]) == ("화성점", None, None)
    assert row["breaker"]["state"] == "ok"
    assert "none yet" in duty.type("stores").stdout


def test_stores_shows_the_last_batch_the_lease_and_what_is_open(duty: Duty) -> None:
    duty.check(10)
    lease = Lease("run-7/x", "run-7", 1, duty.now + timedelta(minutes=3))
    message = PendingMessage(RecordKey(f"{STORE}_1", "010-0000-0001"), "guide")
    duty.table.change(STORE, lambda i: replace(i, lease=lease, open={message: duty.now}))

    row, shown = duty.json("stores"), duty.type("stores").stdout

    assert row["last_batch"]["confirmed"] == 9
    assert (row["lease"]["run_id"], row["open_messages"]) == ("run-7", 1)
    assert "9 confirmed, 0 of them known" in shown
    assert "run-7" in shown
    assert "0000-0001" not in shown + json.dumps(row)


def test_a_stopped_store_is_shown_released_and_shown_again(duty: Duty) -> None:
    assert not duty.check(30)
    assert duty.json("stores")["breaker"]["state"] == "stopped"
    assert "stopped since" in duty.type("stores").stdout

    row = duty.json("release", STORE, "--hours", "2", "--by", "김하나")

    assert row["released"] is True
    assert "29 confirmed bookings are new" in row["seen"]
    assert row["by"] == "김하나"
    assert row["until"] == (duty.now + timedelta(hours=2)).isoformat(timespec="minutes")
    standing = duty.json("stores")["breaker"]
    assert (standing["state"], standing["released_by"]) == ("released", "김하나")
    assert "released until" in duty.type("stores").stdout
    assert duty.check(30)
    assert duty.json("stores")["breaker"]["state"] == "ok"


def test_release_says_what_was_seen_and_until_when(duty: Duty) -> None:
    duty.check(30)

    result = duty.type("release", "화성점", "951291")

    assert result.exit_code == 0, result.output
    assert "화성점 (1051707): released until" in result.stdout
    assert "all 29 confirmed bookings are new" in result.stdout
    assert "안산점 (951291): neither the breaker nor a cap has stopped it" in result.stdout


def test_a_store_that_is_not_stopped_is_told_and_not_released(duty: Duty) -> None:
    duty.check(10)

    row = duty.json("release", STORE)

    assert (row["released"], row["until"]) == (False, None)
    assert "released" not in duty.table.read([STORE])[STORE].extra


def test_an_unknown_store_is_named_with_the_nearest_and_none_is_released(duty: Duty) -> None:
    duty.check(30)

    result = duty.type("release", STORE, "105170")

    assert result.exit_code == 2
    assert "unknown store '105170'" in result.stderr
    assert "1051707" in result.stderr
    assert duty.json("stores")["breaker"]["state"] == "stopped"


def test_a_name_in_brackets_breaks_no_table(duty: Duty) -> None:
    duty.check(30)
    duty.type("release", STORE, "--by", "[bold]me[/nothing]")

    assert "[bold]me[/nothing]" in duty.type("stores").stdout


def test_a_phone_given_as_a_name_is_masked(duty: Duty) -> None:
    duty.check(30)

    assert duty.json("release", STORE, "--by", "010-0000-0001")["by"] == "010-****-0001"


def test_a_store_that_the_setting_releases_is_shown_as_such(duty: Duty) -> None:
    duty.env["NAVERPLACE_BREAKER__RELEASED"] = STORE

    assert duty.json("stores")["breaker"]["state"] == "off"
    assert "off by NAVERPLACE_BREAKER__RELEASED" in duty.type("stores").stdout


@pytest.mark.parametrize("words", [["stores"], ["release", STORE]])
def test_a_table_that_does_not_answer_is_told_without_a_traceback(
    duty: Duty, world: Sandbox, words: list[str]
) -> None:
    world.world.faults.append(Fault("aws", kind="status:400", times=None))

    result = duty.type(*words)

    assert result.exit_code == 2
    assert "DynamoDB" in result.stderr
    assert "Traceback" not in result.output
