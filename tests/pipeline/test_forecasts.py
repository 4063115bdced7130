"""The forecast of a day: kept by the run after the digest's hour, scored by the next one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from naverplace.cli.app import app
from naverplace.domain.forecasts import FORECAST
from naverplace.pipeline.local_runner import run_once
from naverplace.reporting.forecast_score import score_words
from sandbox.server import Sandbox
from tests.rule_builders import STORE
from tests.watched_shop import WatchedShop
from trials.campaign.shop import kind_of

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> WatchedShop:
    monkeypatch.chdir(ROOT)
    return WatchedShop(world, world_env)


def wait_for(shop: WatchedShop, clock: str) -> None:
    """Move the clock to the next such time of day."""
    hour, minute = map(int, clock.split(":"))
    then = shop.now.replace(hour=hour, minute=minute, second=0)
    shop.later(((then - shop.now) % timedelta(days=1)).total_seconds() / 60)


def run_at(shop: WatchedShop) -> None:
    run_once(shop.settings, run_id=f"run-{shop.now:%d-%H%M}", door="cli")


def test_the_digest_says_how_good_the_forecast_was(shop: WatchedShop) -> None:
    wait_for(shop, "20:40")
    run_at(shop)
    wait_for(shop, "21:05")
    guided = shop.book(16 * 60, 9001)  # at 13:05 tomorrow: its guide is due at 11:05
    cancelled = shop.book(17 * 60, 9002)
    run_at(shop)
    kept = next(i for i in shop.world.session_items() if i["id"] == FORECAST + STORE)
    foreseen = {(row[0].partition("_")[2], row[1]) for row in kept["messages"]}
    assert {(guided, "guide"), (cancelled, "guide")} <= foreseen
    assert "01000" not in json.dumps(kept, default=str)

    wait_for(shop, "10:00")
    shop.change(cancelled)
    shop.book(24 * 60, 9003)
    run_at(shop)
    wait_for(shop, "11:10")
    run_at(shop)
    wait_for(shop, "20:10")
    run_at(shop)
    shop.world.world.telegram.clear()
    wait_for(shop, "21:04")
    run_at(shop)

    line = score_in_digest(shop)
    assert "새 예약 1" in line
    assert "취소 1" in line
    assert "예보 잘못" not in line


def test_what_was_moved_and_moved_back_or_completed_by_a_slip_is_no_fault_of_the_forecast(
    shop: WatchedShop,
) -> None:
    wait_for(shop, "20:40")
    run_at(shop)
    wait_for(shop, "21:05")
    moved = shop.book(40 * 60, 9001)  # its guide is due after the forecast's end
    slipped = shop.book(24 * 60 + 25, 9002, options=[["원본 파일 전체 받기", 1]])
    run_at(shop)
    first = starts_of(shop, moved)

    wait_for(shop, "10:00")
    move(shop, moved, (shop.now + timedelta(hours=1)).astimezone(UTC))
    run_at(shop)
    assert kinds_to(shop, "01000009001") == ["confirmation", "guide"]
    move(shop, moved, first)
    for clock in ("10:20", "19:40"):
        wait_for(shop, clock)
        run_at(shop)
    wait_for(shop, "20:05")
    complete(shop, slipped)
    run_at(shop)
    assert "event" in kinds_to(shop, "01000009002")
    shop.change(slipped, bookingStatusCode="RC03", completedDateTime=None)
    shop.world.world.telegram.clear()
    wait_for(shop, "21:04")
    run_at(shop)

    line = score_in_digest(shop)
    assert "예약 변경 1" in line
    assert "이용 완료 시각" in line
    assert "예보 잘못" not in line


def test_a_message_whose_hour_no_run_saw_is_no_fault_of_the_forecast(shop: WatchedShop) -> None:
    wait_for(shop, "20:40")
    run_at(shop)
    wait_for(shop, "21:05")
    visited = shop.book(21 * 60, 9001, options=[["원본 파일 전체 받기", 1]])
    run_at(shop)
    for clock in ("16:10", "19:50"):
        wait_for(shop, clock)
        if clock == "19:50":
            complete(shop, visited)
        run_at(shop)
    assert kinds_to(shop, "01000009001") == ["confirmation", "guide"]
    shop.world.world.telegram.clear()
    wait_for(shop, "21:04")
    run_at(shop)

    assert kinds_to(shop, "01000009001") == ["confirmation", "guide"]
    line = score_in_digest(shop)
    assert "보내지 못함" in line
    assert "예보 잘못" not in line


def test_a_guide_whose_two_hours_no_run_saw_is_no_fault_of_the_forecast(shop: WatchedShop) -> None:
    wait_for(shop, "20:40")
    run_at(shop)
    wait_for(shop, "21:05")
    visited = shop.book(21 * 60, 9001)  # at 18:05 tomorrow
    run_at(shop)
    wait_for(shop, "15:55")
    run_at(shop)
    wait_for(shop, "19:30")
    complete(shop, visited)
    shop.world.world.telegram.clear()
    wait_for(shop, "21:04")
    run_at(shop)

    assert kinds_to(shop, "01000009001") == ["confirmation"]
    line = score_in_digest(shop)
    assert "보내지 못함" in line
    assert "예보 잘못" not in line


def complete(shop: WatchedShop, number: str) -> None:
    done = shop.now.isoformat(timespec="seconds")
    shop.change(number, bookingStatusCode="RC08", completedDateTime=done)


def score_in_digest(shop: WatchedShop) -> str:
    (digest,) = (m["text"] for m in shop.world.world.telegram if "하루 정리" in m["text"])
    (line,) = (line for line in digest.splitlines() if line.startswith("예보"))
    return str(line)


def snapshot_of(shop: WatchedShop, number: str) -> dict[str, Any]:
    raws = shop.world.world.stores[STORE]
    return next(dict(r["snapshotJson"]) for r in raws if str(r["bookingId"]) == number)


def starts_of(shop: WatchedShop, number: str) -> datetime:
    return datetime.fromisoformat(snapshot_of(shop, number)["startDateTime"])


def move(shop: WatchedShop, number: str, start: datetime) -> None:
    changed = {**snapshot_of(shop, number), "startDateTime": f"{start:%Y-%m-%dT%H:%M:00Z}"}
    shop.change(number, snapshotJson=changed)


def kinds_to(shop: WatchedShop, phone: str) -> list[str]:
    return [kind_of(m) for m in shop.world.messages() if m["to"] == phone]


def test_forecast_lists_what_comes_with_masked_phones_and_cost(shop: WatchedShop) -> None:
    shop.run()
    number = shop.book(20 * 60, 9001)
    env = {**shop.env, **shop.world.environment(), "NAVERPLACE_PRICES__SMS": "10"}
    env["NAVERPLACE_PRICES__LMS"] = "33"

    result = CliRunner().invoke(app, ["forecast", "--json"], env=env)
    found: dict[str, Any] = json.loads(result.stdout)

    ours = [m for m in found["messages"] if m["booking"].endswith(f"_{number}")]
    assert [(m["kind"], m["to"]) for m in ours] == [
        ("confirmation", "010-****-9001"),
        ("guide", "010-****-9001"),
    ]
    assert found["won"] == 33 * len(found["messages"])
    table = CliRunner().invoke(app, ["forecast", "--hours", "1", "--store", STORE], env=env).stdout
    assert "010-****-9001" in table
    assert "1 messages will be sent (33원)" in table


def test_a_day_without_messages_has_no_score() -> None:
    assert score_words({}) == ""
    assert score_words({"sent": 2, "new": 2}) == (
        "예보 0건 가운데 0건 맞음 (정밀도 -, 재현율 0%); 빗나감: 새 예약 2"
    )
