"""A paused store: real runs hold its messages back, say so, and go on when the pause is over."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from naverplace.reporting.report import RunReport
from sandbox.server import Sandbox
from tests.pipeline import store_runs
from tests.pipeline.duty import BIG, SECOND, Duty

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Duty:
    monkeypatch.chdir(ROOT)
    world.reset("first-run")
    world.log_in()
    return Duty(world, {n: v for n, v in world_env.items() if n not in world.environment()})


def test_a_paused_store_sends_nothing_and_says_so_until_it_is_resumed(shop: Duty) -> None:
    shop.type("pause", "화성점", "--reason", "공사", "--by", "김하나")
    waiting = shop.book(BIG, phone="01000077771")
    other = shop.book(SECOND, phone="01000077772")

    report = shop.run()

    assert (report.problems, report.contradictions) == ((), ())
    assert shop.texts_to("01000077771") == 0
    assert shop.texts_to("01000077772") == 1
    assert "⏸ 화성점: 일시 정지" in shop.told()
    assert "공사" in shop.told()
    assert report.pauses[0]["held"] > 0
    assert "paused since" in shop.explain(f"{BIG}_{waiting['bookingId']}")[0]
    assert "paused" not in shop.explain(f"{SECOND}_{other['bookingId']}")[0]
    (row,) = (r for r in json.loads(shop.type("stores", "--json"))["stores"] if r["pause"])
    assert (row["alias"], row["pause"]["by"]) == ("화성점", "김하나")

    assert "sends what is still owed" in shop.type("resume", "화성점")
    after = shop.run()

    assert shop.texts_to("01000077771") == 1
    assert after.pauses == ()


def test_a_pause_that_outlasts_its_time_ends_by_itself_and_that_is_told_once(shop: Duty) -> None:
    shop.type("pause", BIG, "--until", "+2h")
    shop.book(BIG, phone="01000077773")
    shop.run()

    shop.later(hours=1, minutes=50)
    assert shop.run().pauses[0]["over"] is False
    assert shop.texts_to("01000077773") == 0

    shop.later(minutes=20)
    assert shop.run(dry_run=True).pauses == ()
    assert shop.run().pauses[0]["over"] is True
    assert "일시 정지가 끝났습니다" in shop.told()
    assert shop.texts_to("01000077773") == 1
    shop.later(minutes=20)
    assert shop.run().pauses == ()


def test_all_stores_are_paused_by_one_word_and_only_that_word_resumes_them(shop: Duty) -> None:
    shop.type("pause", "all", "--until", "+1d")
    shop.type("pause", BIG)
    shop.book(BIG, phone="01000077774")
    shop.book(SECOND, phone="01000077775")

    report = shop.run()

    assert {row["store_id"] for row in report.pauses} == {"all", BIG}
    assert shop.world.messages() == []
    assert "resume all" in shop.type("resume", SECOND, code=2)
    shop.type("resume", "all")
    assert shop.run().pauses == ()
    assert [shop.texts_to(f"0100007777{n}") for n in (4, 5)] == [1, 1]


def test_a_door_code_that_expires_under_a_pause_is_told_an_hour_before(shop: Duty) -> None:
    booking = f"{BIG}_{shop.book(BIG, phone='01000077776', hours=1.5)['bookingId']}"
    shop.type("pause", BIG, "--until", "+3h")

    def doors(report: RunReport) -> list[str]:
        return [d["booking"] for d in report.pauses[0]["doors"] if d["booking"] == booking]

    assert doors(shop.run()) == []
    shop.later(minutes=40)
    assert doors(shop.run()) == [booking]
    assert "출입 안내를 받지 못한 고객이 있습니다" in shop.told()
    shop.type("pause", BIG, "--until", "+20m")  # it goes out in time after all
    assert doors(shop.run()) == []
    shop.later(hours=2)
    shop.type("pause", BIG)
    expired = shop.run().expired
    assert "guide" in {row["kind"] for row in expired if row["booking"] == booking}


def test_a_pause_without_an_end_is_forgotten_after_a_day(shop: Duty) -> None:
    shop.type("pause", BIG)
    shop.later(hours=26)

    assert shop.run(dry_run=True).pauses[0]["days_forgotten"] == 1
    assert "naverplace resume STORE" in shop.type("doctor", code=1)


def test_a_doubt_is_settled_in_a_paused_store(shop: Duty) -> None:
    world = store_runs.Shop(shop.world, shop.env)
    world.crash(world.message(), sent=True)
    shop.type("pause", "all")
    shop.later(minutes=20)

    assert shop.run().settled == {"adopted": 1}


def test_a_store_of_the_legacy_cannot_be_paused(shop: Duty) -> None:
    shop.env["NAVERPLACE_CUTOVER__DEFAULT_OWNER"] = "legacy"

    assert "the legacy sends there" in shop.type("pause", BIG, code=2)
    assert "the legacy sends there" in shop.type("pause", "all", code=2)


def test_a_time_that_is_none_is_refused_in_words(shop: Duty) -> None:
    assert "--until: '+2w' is no time" in shop.type("pause", BIG, "--until", "+2w", code=2)
