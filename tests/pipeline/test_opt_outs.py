"""Who called the free 080 number gets no advertisement, and everything else as before."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from naverplace.cli.app import app
from naverplace.domain.results import OPTED_OUT
from naverplace.pipeline.local_runner import run_once
from sandbox.faults import Fault
from sandbox.sens_opt_outs import register_time
from sandbox.server import Sandbox
from tests.rule_builders import STORE
from tests.watched_shop import WatchedShop

ROOT = Path(__file__).resolve().parents[2]
PHONE = "01000009001"
RULES = """\
- rule: record
  when: [booking_status: RC03, starts_in_future]
  then: [create_db_record, send_sms: hello]
- rule: news
  when: [booking_status: RC03, starts_in_future]
  then: [send_sms: news]
"""
TEXTS = """\
templates:
  hello: {text: "{{ booking.start }} {{ booking.booking_num }}"}
  news:
    advertisement: true
    text: |
      (광고) {{ store.alias }} {{ booking.start }} 할인
      무료수신거부 080-000-0000
"""


@pytest.fixture
def shop(
    world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> WatchedShop:
    monkeypatch.chdir(ROOT)
    folder = tmp_path / "rules"
    folder.mkdir()
    for name in ("fields.yaml", "notifications.yaml"):
        (folder / name).write_text((ROOT / "rules" / name).read_text("utf-8"), "utf-8")
    (folder / "r.yaml").write_text(RULES, "utf-8")
    (folder / "templates.yaml").write_text(TEXTS, "utf-8")
    world.reset("empty")
    return WatchedShop(world, {**world_env, "NAVERPLACE_RULES_DIR": str(folder)})


def run_at(shop: WatchedShop) -> None:
    run_once(shop.settings, run_id=f"run-{shop.now:%d-%H%M%S}", door="cli")


def opt_out(shop: WatchedShop, phone: str) -> None:
    shop.world.world.sens.opted_out[phone] = register_time(shop.world.world.now())


def sent_to(shop: WatchedShop, phone: str) -> list[str]:
    return sorted(m["contentType"] for m in shop.world.messages() if m["to"] == phone)


def pulls(shop: WatchedShop) -> list[str]:
    lines = [seen.line for seen in shop.world.world.requests if seen.service == "sens"]
    return [line for line in lines if "/unsubscribes" in line]


def at_hour(shop: WatchedShop, hour: int) -> None:
    then = shop.now.replace(hour=hour, minute=2, second=0)
    shop.later(((then - shop.now) % timedelta(days=1)).total_seconds() / 60)


def test_an_opted_out_number_gets_no_advertisement_and_explain_and_digest_say_why(
    shop: WatchedShop,
) -> None:
    at_hour(shop, 12)
    opt_out(shop, PHONE)
    number = shop.book(30 * 60, 9001)
    shop.book(30 * 60, 9002)
    run_at(shop)

    assert sent_to(shop, PHONE) == ["COMM"]
    assert sent_to(shop, "01000009002") == ["AD", "COMM"]
    (first,) = pulls(shop)
    assert "startTime" not in first
    env = {**shop.env, **shop.world.environment()}
    said = CliRunner().invoke(app, ["explain", f"{STORE}_{number}"], env=env).stdout
    assert OPTED_OUT in said
    in_korean = {**env, "NAVERPLACE_LANGUAGE": "ko"}
    said = CliRunner().invoke(app, ["explain", f"{STORE}_{number}"], env=in_korean).stdout
    assert "광고 수신을 거부한 번호" in said
    kept = next(i for i in shop.world.session_items() if i["id"] == "naverplace-opt-outs")
    assert PHONE not in str(kept)

    shop.later(20)  # another one calls, and books: only what is new is asked for
    opt_out(shop, "01000009003")
    shop.book(30 * 60, 9003)
    before = len(pulls(shop))
    run_at(shop)
    (second,) = pulls(shop)[before:]
    assert "startTime" in second
    assert sent_to(shop, "01000009003") == ["COMM"]
    at_hour(shop, 21)
    run_at(shop)
    digest = next(m["text"] for m in shop.world.world.telegram if "하루 정리" in m["text"])
    assert "수신거부(080)로 보내지 않은 광고 2건" in digest


def test_one_command_lists_who_opted_out_masked_with_the_latest_first(shop: WatchedShop) -> None:
    opt_out(shop, PHONE)
    shop.later(60)
    opt_out(shop, "01000009002")
    env = {**shop.env, **shop.world.environment()}

    listed = CliRunner().invoke(app, ["optouts"], env={**env, "NAVERPLACE_LANGUAGE": "ko"})
    one = CliRunner().invoke(app, ["optouts", "010-0000-9002", "--json"], env=env)

    assert listed.exit_code == one.exit_code == 0, listed.output + one.output
    assert listed.stdout.startswith("광고를 거부한 번호(080) 2개")
    assert listed.stdout.index("010-****-9002") < listed.stdout.index("010-****-9001")
    assert [row["phone"] for row in json.loads(one.stdout)["opted_out"]] == ["010-****-9002"]


def test_while_the_list_cannot_be_read_no_advertisement_leaves_and_all_else_does(
    shop: WatchedShop,
) -> None:
    at_hour(shop, 12)
    shop.book(30 * 60, 9001)
    shop.world.world.faults.append(Fault("sens", "unsubscribes", "status:503", times=None))
    run_at(shop)

    assert sent_to(shop, PHONE) == ["COMM"]
    shop.world.world.faults.clear()
    shop.later(20)
    run_at(shop)
    assert sent_to(shop, PHONE) == ["AD", "COMM"]


def test_no_advertisement_leaves_at_night(shop: WatchedShop) -> None:
    for hour in (21, 3, 7):
        at_hour(shop, hour)
        shop.book(40 * 60, 9100 + hour)
        run_at(shop)

    assert {message["contentType"] for message in shop.world.messages()} == {"COMM"}
    at_hour(shop, 8)
    run_at(shop)
    ads = [m for m in shop.world.messages() if m["contentType"] == "AD"]
    assert len(ads) >= 3


def test_without_advertisements_nobody_asks_for_the_list(
    world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    shop = WatchedShop(world, world_env)
    run_at(shop)

    assert pulls(shop) == []
