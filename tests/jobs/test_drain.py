"""`naverplace drain`: what is in doubt is settled by SENS's own log, and nothing is sent."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from naverplace.cli.app import app
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry
from naverplace.domain.results import Outcome
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.delivery_builders import a_record, a_send, deliver_with, key_of, open_table, quick

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def typed(world_env: dict[str, str]) -> Any:
    def type_(*words: str) -> dict[str, Any]:
        env = {
            **world_env,
            "NAVERPLACE_SENS__ATTEMPTS": "1",
            "NAVERPLACE_STORES_FILE": str(ROOT / "deployments/stores.yaml"),
            "NAVERPLACE_RULES_DIR": str(ROOT / "rules"),
        }
        result = CliRunner().invoke(app, ["drain", *words, "--json"], env=env)
        read: dict[str, Any] = json.loads(result.stdout)
        assert result.exit_code == (0 if read["clean"] else 1), result.output
        return read

    return type_


def put_in_doubt(world: Sandbox, settings: Settings, number: int, kind: str) -> None:
    fast = quick(settings, read_timeout=0.3)
    world.world.faults.append(Fault("sens", "POST", kind))
    result = deliver_with(fast, [a_record(number), a_send(fast, number)])[1]
    assert result.outcome is Outcome.IN_DOUBT


def die_after_the_claim(settings: Settings, number: int, *, ago: timedelta) -> datetime:
    """Leave what a killed process leaves: a claim that nobody finishes."""
    table, effect = open_table(settings), a_send(settings, number)
    table.records.create(effect.item)
    claimed_at = settings.make_clock().now() - ago
    entry = LedgerEntry(
        MessageStatus.CLAIMED,
        execution_id="dead",
        claimed_at=claimed_at,
        content_hash="of no message",
    )
    table.claim(effect.key, effect.kind, entry)
    return claimed_at


def state(settings: Settings, number: int) -> tuple[str, bool]:
    record = open_table(settings).records.read([key_of(number)])[key_of(number)]
    return record.messages["guide"].state, record.remind_sms


def test_without_a_doubt_there_is_nothing_to_do(typed: Any) -> None:
    assert typed() == {"clean": True, "settled": {}, "left": [], "failures": []}


def test_a_message_that_sens_took_is_adopted_and_its_flag_is_set(
    world: Sandbox, settings: Settings, typed: Any
) -> None:
    put_in_doubt(world, settings, 1, "drop_after")

    assert typed()["settled"] == {"adopted": 1}
    assert state(settings, 1) == ("accepted", True)
    assert len(world.messages()) == 1


def test_a_message_that_sens_never_took_is_owed_again_once_that_is_certain(
    world: Sandbox, settings: Settings, typed: Any
) -> None:
    put_in_doubt(world, settings, 1, "drop_before")

    assert typed()["settled"] == {"freed": 1}  # after the settle time, which it has waited for
    assert state(settings, 1) == ("owed", False)
    assert world.messages() == []


def test_the_claim_of_a_dead_run_is_freed_when_even_a_frozen_process_could_not_send_any_more(
    settings: Settings, typed: Any
) -> None:
    die_after_the_claim(settings, 1, ago=timedelta(minutes=15))

    assert typed("--wait", "0")["settled"] == {"freed": 1}
    assert state(settings, 1) == ("owed", False)


def test_what_is_not_certain_in_time_is_left_and_named(settings: Settings, typed: Any) -> None:
    claimed_at = die_after_the_claim(settings, 1, ago=timedelta(minutes=2))

    drained = typed("--wait", "0")

    (left,) = drained["left"]
    assert (drained["clean"], left["settled"]) == (False, "waiting")
    assert left["since"] == claimed_at.isoformat(timespec="seconds")
    assert key_of(1).phone not in json.dumps(drained)
    assert state(settings, 1) == ("claimed", False)


def test_a_log_that_cannot_be_read_settles_nothing(
    world: Sandbox, settings: Settings, typed: Any
) -> None:
    put_in_doubt(world, settings, 1, "drop_after")
    world.world.faults.append(Fault("sens", "GET", "status:503", times=None))

    (left,) = typed("--wait", "0")["left"]

    assert left["settled"] == "unreadable"
    assert state(settings, 1) == ("in_doubt", False)


def test_a_second_drain_finds_nothing(world: Sandbox, settings: Settings, typed: Any) -> None:
    put_in_doubt(world, settings, 1, "drop_after")
    put_in_doubt(world, settings, 2, "drop_before")
    typed()

    assert typed() == {"clean": True, "settled": {}, "left": [], "failures": []}
