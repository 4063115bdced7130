"""Whole runs on implausible batches: nothing is sent, the owner reads why, a release ends it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from typer.testing import CliRunner

from naverplace.aws.dynamodb import from_wire, open_dynamodb
from naverplace.cli.app import app
from naverplace.ledger.store_state import PREFIX
from naverplace.pipeline.local_runner import run_once
from naverplace.reporting.report import RunReport
from naverplace.settings.loader import load_settings
from sandbox.control_bookings import change_bookings
from sandbox.server import Sandbox

ROOT = Path(__file__).resolve().parents[2]
BIG, SECOND = "1051707", "951291"  # 화성점 with 58 confirmed bookings, 안산점 with 31
MINUTES = 20


class Shop:
    """One world after another, as runs twenty minutes apart see it."""

    def __init__(self, world: Sandbox, env: dict[str, str]) -> None:
        self.world, self.env = world, env

    def run(self, *, dry_run: bool = False, **env: str) -> RunReport:
        settings = load_settings(env={**self.env, **self.world.environment(), **env}, env_file=None)
        return run_once(settings, run_id=f"run-{uuid4()}", door="cli", dry_run=dry_run)

    def later(self, minutes: float = MINUTES) -> None:
        self.world.world.advance(minutes * 60)

    def type(self, *words: str) -> str:
        env = {**self.env, **self.world.environment()}
        result = CliRunner().invoke(app, list(words), env=env)
        assert result.exit_code == 0, result.output
        return result.stdout

    def stand(self, store_id: str) -> dict[str, Any]:
        rows: list[dict[str, Any]] = json.loads(self.type("stores", "--json"))["stores"]
        return next(row for row in rows if row["store_id"] == store_id)


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(ROOT)
    world.reset("first-run")
    world.log_in()
    fixed = {n: v for n, v in world_env.items() if n not in world.environment()}
    return Shop(world, fixed)


def to(world: Sandbox, store_id: str) -> int:
    """Count the messages to this store's customers."""
    return sum(message["to"] in phones(world, store_id) for message in world.messages())


def phones(world: Sandbox, store_id: str) -> set[str]:
    return {str(raw.get("phone")) for raw in world.world.stores[store_id]}


def test_a_wrong_table_sends_nothing_until_somebody_releases_it(shop: Shop) -> None:
    shop.env["NAVERPLACE_AWS__SMS_TABLE"] = "sms-of-yesterday"
    shop.type("init-tables")

    report = shop.run()

    assert report.status == "failed"
    assert to(shop.world, BIG) == to(shop.world, SECOND) == 0
    row = next(s for s in report.stores if s["store_id"] == BIG)
    assert row["planned"] == 0
    assert "confirmed bookings are new" in row["problem"]
    assert any("화성점 (1051707) is stopped" in problem for problem in report.problems)
    told = shop.world.world.telegram[-1]["text"]
    assert "- 화성점: 문자를 보내지 않고 멈췄습니다" in told
    assert "naverplace release 1051707" in told
    assert report.contradictions == ()
    assert not any(str(item["booking_num"]).startswith(BIG) for item in items(shop))

    shop.later()
    assert shop.stand(BIG)["breaker"]["state"] == "stopped"
    assert "released until" in shop.type("release", "화성점", "--by", "김하나")
    assert shop.stand(BIG)["breaker"]["state"] == "released"
    after = shop.run()

    assert to(shop.world, BIG) > 0
    assert to(shop.world, SECOND) == 0
    assert shop.stand(BIG)["breaker"]["state"] == "ok"
    assert [p for p in after.problems if BIG in p] == []


def items(shop: Shop) -> list[dict[str, Any]]:
    """List the items of the table that the shop works on."""
    settings = load_settings(
        env={**shop.env, **shop.world.environment(), **shop.env}, env_file=None
    )
    client = open_dynamodb(settings.aws)
    return [from_wire(i) for i in client.scan(TableName=settings.aws.sms_table)["Items"]]


def test_other_stores_go_on_and_the_store_too_once_its_list_is_right_again(shop: Shop) -> None:
    shop.run()
    shop.later()
    lost = shop.world.world.stores[BIG]
    shop.world.world.stores[BIG] = []
    new = book(shop.world, SECOND, phone="01000077777")

    stopped = shop.run()

    assert len(stopped.problems) == 1
    assert "there were 55" in next(s for s in stopped.stores if s["store_id"] == BIG)["problem"]
    assert stopped.messages["confirmation"] == 1
    assert shop.world.messages()[-1]["to"] == new["phone"]
    shop.world.world.stores[BIG] = lost
    shop.later()
    assert shop.run().problems == ()
    assert shop.stand(BIG)["breaker"]["state"] == "ok"


def test_one_phone_for_all_sends_nothing_to_it(shop: Shop) -> None:
    shop.run()
    shop.later()
    before = len(shop.world.messages())
    for raw in shop.world.world.stores[BIG]:
        raw["phone"] = "01000066666"

    report = shop.run()

    assert any("one and the same phone" in problem for problem in report.problems)
    assert not any(m["to"] == "01000066666" for m in shop.world.messages()[before:])
    assert "66666" not in json.dumps(report.as_json(), ensure_ascii=False)


def book(world: Sandbox, store_id: str, *, phone: str) -> dict[str, Any]:
    start = (world.world.now() + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    order = {"action": "add", "store": store_id, "phone": phone, "start": start.isoformat()}
    return change_bookings(world.world, order)


def test_a_quiet_run_writes_no_store_item(shop: Shop) -> None:
    shop.run()
    shop.later()
    shop.run()
    before = versions(shop)
    shop.later(5)

    shop.run()

    assert versions(shop) == before


def versions(shop: Shop) -> dict[str, int]:
    return {
        str(item["id"]): int(item["version"])
        for item in shop.world.session_items()
        if str(item["id"]).startswith(PREFIX)
    }


def test_a_dry_run_shows_the_stop_and_writes_nothing(shop: Shop) -> None:
    shop.env["NAVERPLACE_AWS__SMS_TABLE"] = "sms-empty"
    shop.type("init-tables")

    report = shop.run(dry_run=True)

    assert any("1051707" in problem for problem in report.problems)
    assert versions(shop) == {}


def test_explain_says_that_the_bookings_store_is_stopped(shop: Shop) -> None:
    shop.env["NAVERPLACE_AWS__SMS_TABLE"] = "sms-nothing"
    shop.type("init-tables")
    booking_id = shop.world.world.stores[BIG][0]["bookingId"]

    assert f"store {BIG} is stopped: nothing is sent" in shop.type("explain", f"{BIG}_{booking_id}")


def test_the_setting_releases_who_cannot_reach_the_command(shop: Shop) -> None:
    shop.env["NAVERPLACE_AWS__SMS_TABLE"] = "sms-new"
    shop.type("init-tables")

    report = shop.run(NAVERPLACE_BREAKER__RELEASED=f'["{BIG}", "{SECOND}"]')

    assert not any(store in problem for problem in report.problems for store in (BIG, SECOND))
    assert to(shop.world, BIG) > 0
    # The others are small, but a table that knows no booking of any store is a wrong one.
    assert len(report.problems) == 6
