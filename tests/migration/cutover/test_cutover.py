"""Cut-over and rollback by the command line, over the sandbox; who may, and what stays of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from typer.testing import CliRunner

from legacy import run as legacy_run
from legacy.settings import from_sandbox
from naverplace.cli.app import app
from sandbox.faults import Fault
from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox
from tests.delivery_builders import STORE
from tests.killing import kill_command
from tests.migration.cutover.reports import parity_report
from tests.pipeline.store_runs import Shop

ROOT = Path(__file__).resolve().parents[3]
OTHER = "951291"
REVIEW = [("무료 인화지 (네이버 포토리뷰 약속 시)", 1)]
Typed = Callable[..., dict[str, Any]]


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop that a legacy serves, whose rule starts it."""
    monkeypatch.chdir(ROOT)
    world.world.booking_switches.max_range_days = None
    world.log_in()
    made = Shop(world, world_env)
    made.env |= {
        "NAVERPLACE_CUTOVER__DEFAULT_OWNER": "legacy",
        "NAVERPLACE_CUTOVER__LEGACY_RULE": "legacy-every-20-minutes",
    }
    rules(made).put_rule(Name="legacy-every-20-minutes", ScheduleExpression="rate(20 minutes)")
    return made


def rules(shop: Shop) -> Any:
    return boto3.client(
        "events",
        endpoint_url=shop.env["NAVERPLACE_AWS__ENDPOINT_URL"],
        region_name="ap-northeast-2",
    )


def rule_is_on(shop: Shop) -> bool:
    state = rules(shop).describe_rule(Name="legacy-every-20-minutes")["State"]
    return bool(state == "ENABLED")


@pytest.fixture
def typed(shop: Shop) -> Typed:
    """Type a command with --json; it must end as `code` says."""

    def type_it(*words: str, code: int = 0) -> dict[str, Any]:
        env = {**shop.env, **shop.world.environment()}
        result = CliRunner().invoke(app, [*words, "--json"], env=env)
        assert result.exit_code == code, result.output
        return json.loads(result.stdout) if code < 2 else {"said": result.output}

    return type_it


def all_stores(typed: Typed) -> list[str]:
    return [row["store_id"] for row in typed("owners")["stores"]]


def a_go(tmp_path: Path, shop: Shop, *stores: str, **changes: Any) -> str:
    row = {"kind": "guide", "decisions": 900, "sent": 400, "unexplained": 0}
    evidence = [{"store_id": s, **row, "needed": 300, "needed_sent": 100} for s in stores]
    made = parity_report(evidence, made_at=shop.world.world.now().isoformat())
    path = tmp_path / "parity.json"
    path.write_text(json.dumps({**made, **changes}), "utf-8")
    return str(path)


def book(shop: Shop, number: int, *, minutes: int, store: str = STORE) -> str:
    phone = f"0100001{number:04}"
    start = (shop.world.world.now() + timedelta(minutes=minutes)).replace(second=0, microsecond=0)
    raw = a_booking(store, 920_000_000 + number, start, phone=phone, options=REVIEW)
    shop.world.world.stores[store].append(raw)
    return phone


def legacy(shop: Shop) -> None:
    assert legacy_run.run(from_sandbox(shop.world.environment())) == "success"


def got(shop: Shop) -> Counter[str]:
    return Counter(str(message["to"]) for message in shop.world.messages())


def test_without_a_go_nothing_is_taken_over(shop: Shop, typed: Typed, tmp_path: Path) -> None:
    refused = {
        "give --verdict": (),
        "the verdict is NO-GO": ("--verdict", a_go(tmp_path, shop, STORE, verdict="NO-GO")),
    }
    for words, given in refused.items():
        assert words in typed("cutover", STORE, *given, code=2)["said"]

    assert {row["owner"] for row in typed("owners")["stores"]} == {"legacy"}
    assert rule_is_on(shop)


def test_a_go_moves_one_store_and_the_legacy_goes_on_for_the_others(
    shop: Shop, typed: Typed, tmp_path: Path
) -> None:
    verdict = a_go(tmp_path, shop, STORE)

    ended = typed("cutover", STORE, "--verdict", verdict, "--by", "captain")

    assert ended["done"]
    told = typed("owners")
    (mine,) = (row for row in told["stores"] if row["store_id"] == STORE)
    assert (mine["owner"], mine["epoch"], mine["by"]) == ("new", 1, "captain")
    assert mine["how"] == "beside the legacy: reserves"
    assert rule_is_on(shop)
    steps = [entry["step"] for entry in told["switches"]]
    assert (steps[0], steps[-1]) == ("begun", "done")
    assert {len(entry["verdict"]) for entry in told["switches"]} == {64}


def test_a_store_of_the_legacy_gets_nothing_from_us_and_no_item_is_written(
    shop: Shop, typed: Typed
) -> None:
    book(shop, 1, minutes=90)
    before = shop.world.sms_items()

    report = shop.run()

    assert report.status == "success", report.problems
    assert set(report.outcomes) == {"skipped"}
    assert {row["owner"] for row in report.stores} == {"legacy"}
    assert (shop.received(), shop.world.sms_items()) == ([], before)


def test_beside_the_legacy_everybody_gets_everything_once(shop: Shop, typed: Typed) -> None:
    typed("cutover", STORE, "--without-go", "test")
    mine, theirs = book(shop, 1, minutes=200), book(shop, 2, minutes=200, store=OTHER)

    for _ in range(10):
        shop.run()
        legacy(shop)
        shop.later(20 * 60)

    assert (got(shop)[mine], got(shop)[theirs]) == (2, 2)
    assert max(got(shop).values()) == 2
    item = next(i for i in shop.world.sms_items() if i["booking_num"] == f"{STORE}_920000001")
    assert (item["confirm_sms"], item["remind_sms"], item["option_sms"]) == (True, True, 1)


def test_with_the_last_store_the_legacy_is_switched_off_and_a_rollback_switches_it_on(
    shop: Shop, typed: Typed
) -> None:
    stores = all_stores(typed)
    typed("cutover", *stores, "--without-go", "test")
    assert not rule_is_on(shop)
    shop.later(3600)
    assert {row["how"] for row in typed("owners")["stores"]} == {""}
    phone = book(shop, 1, minutes=90)
    shop.run("alone")
    assert got(shop)[phone] == 2
    later = book(shop, 2, minutes=600)
    shop.run("alone-again")
    assert got(shop)[later] == 1

    ended = typed("rollback", STORE, "--why", "test")

    assert ended["done"]
    assert rule_is_on(shop)
    rows = {row["store_id"]: row for row in typed("owners")["stores"]}
    assert rows[STORE]["owner"] == "legacy"
    assert rows[OTHER]["how"] == "beside the legacy: reserves"
    for _ in range(2):
        legacy(shop)
        shop.run()
        shop.later(20 * 60)
    assert (got(shop)[phone], got(shop)[later]) == (2, 1)


def test_what_we_have_reserved_the_legacy_confirms_after_a_rollback(
    shop: Shop, typed: Typed
) -> None:
    typed("cutover", STORE, "--without-go", "test")
    phone = book(shop, 1, minutes=300)
    shop.run()
    assert got(shop)[phone] == 0

    typed("rollback", STORE)
    legacy(shop)

    assert got(shop)[phone] == 1
    shop.run()
    legacy(shop)
    assert got(shop)[phone] == 1


def test_what_is_in_doubt_stops_a_rollback_and_the_legacy_stays_away_from_it(
    shop: Shop, typed: Typed
) -> None:
    typed("cutover", *all_stores(typed), "--without-go", "test")
    shop.later(3600)
    phone = book(shop, 1, minutes=90)
    begun = shop.begin()
    (confirmation,) = (s for s in begun.sends if s.to == phone and s.kind == "confirmation")
    shop.crash(confirmation, sent=True)
    shop.world.world.faults.append(Fault("sens", "GET", "status:503", times=None))
    shop.env["NAVERPLACE_SENS__ATTEMPTS"] = "1"

    stopped = typed("rollback", STORE, "--wait", "0", code=1)

    assert "in doubt" in stopped["left"][0]
    assert not rule_is_on(shop)
    shop.world.world.faults.clear()
    shop.later(15 * 60)
    assert typed("rollback", STORE)["done"]
    assert rule_is_on(shop)
    legacy(shop)
    assert got(shop)[phone] == 2


def test_stores_that_nobody_has_switched_must_not_count_as_ours_while_a_legacy_runs(
    shop: Shop, typed: Typed
) -> None:
    shop.env["NAVERPLACE_CUTOVER__DEFAULT_OWNER"] = "new"

    assert (
        "DEFAULT_OWNER=legacy first" in typed("cutover", STORE, "--without-go", "x", code=2)["said"]
    )


def test_the_legacy_reads_later_stores_as_before_when_one_has_moved(
    shop: Shop, typed: Typed
) -> None:
    """L8: a store without an open item ends the reading of all stores after it."""
    shop.world.world.stores[STORE].clear()
    typed("cutover", STORE, "--without-go", "test")

    kept = [item for item in shop.world.sms_items() if item["booking_num"].startswith(STORE)]

    assert any(item["option_sms"] is False for item in kept)
    typed("rollback", STORE)
    left = [item["booking_num"] for item in shop.world.sms_items()]
    assert f"{STORE}_0" not in left


def an_unreadable_row(shop: Shop, store: str, *, completed: bool = False) -> None:
    """Let Naver list a row that ends every run of the legacy (L27)."""
    start = shop.world.world.now() + timedelta(hours=-3 if completed else 30)
    status = "RC08" if completed else "RC03"
    raw = a_booking(store, 920_000_900, start, phone=None, status=status)
    shop.world.world.stores[store].append(raw)


@pytest.mark.parametrize("listed_for", [STORE, OTHER])
def test_a_rollback_to_a_legacy_that_would_die_is_refused_and_names_the_row(
    shop: Shop, typed: Typed, listed_for: str
) -> None:
    """Of whatever store: one row ends the run for all."""
    typed("cutover", STORE, "--without-go", "test")
    an_unreadable_row(shop, listed_for)
    row = f"store {listed_for}: booking 920000900 (RC03): has no phone"
    before = typed("owners")

    said = typed("rollback", STORE, "--why", "test", code=2)["said"]

    assert row in said
    assert "--although-it-would-die" in said
    assert before["the_legacy_would_die"] == [row]
    assert typed("owners") == before  # not even the trail
    legacy(shop)
    assert shop.world.world.telegram[-1]["text"] == "요청중 오류 발생"
    assert got(shop) == {}
    assert typed("rollback", STORE, "--why", "test", "--although-it-would-die")["done"]

    after = typed("owners")
    (mine,) = (r for r in after["stores"] if r["store_id"] == STORE)
    assert mine["owner"] == "legacy"
    assert after["switches"][-1]["why"] == "test; although it would die: 1 reasons"


def test_a_legacy_that_would_live_is_handed_to_without_a_word(shop: Shop, typed: Typed) -> None:
    typed("cutover", STORE, "--without-go", "test")

    assert typed("owners")["the_legacy_would_die"] == []
    assert typed("rollback", STORE)["done"]


def test_a_completed_row_counts_where_the_legacy_reads_it(shop: Shop, typed: Typed) -> None:
    """Its range goes from the first to the last open item (L8)."""
    typed("cutover", STORE, "--without-go", "test")
    an_unreadable_row(shop, OTHER, completed=True)
    for item in shop.world.sms_items():
        if item["booking_num"].startswith(OTHER):
            shop.world.put_sms_item({**item, "option_sms": True})
    assert typed("owners")["the_legacy_would_die"] == []

    now = shop.world.world.now()
    for number, days in enumerate((-2, 2)):
        when = f"{now + timedelta(days=days):%Y-%m-%d %H:%M:%S}"
        flags = {"confirm_sms": True, "remind_sms": True, "option_sms": False}
        item = {"booking_num": f"{OTHER}_{number}", "phone": "010-0000-0000", **flags}
        shop.world.put_sms_item({**item, "name": "-", "booking_time": when, "option_time": ""})

    assert typed("owners")["the_legacy_would_die"] == [
        f"store {OTHER}: booking 920000900 (RC08): has no phone"
    ]


def test_when_naver_cannot_be_read_a_rollback_is_refused_as_well(shop: Shop, typed: Typed) -> None:
    """Nobody knows then whether the legacy would live; L9 and L28 say that it would not."""
    typed("cutover", STORE, "--without-go", "test")
    shop.world.world.faults.append(Fault("partner", kind="status:422", times=None))
    shop.env["NAVERPLACE_NAVER__ATTEMPTS"] = "1"

    assert "could not be" in typed("rollback", STORE, code=2)["said"]

    assert typed("rollback", STORE, "--although-it-would-die")["done"]


def kill_at(shop: Shop, fault: Fault, *words: str) -> None:
    kill_command(shop.world, {**shop.env, **shop.world.environment()}, fault, *words)


def test_killed_while_they_switch_the_legacy_off_and_on_both_are_typed_again(
    shop: Shop, typed: Typed
) -> None:
    stores = all_stores(typed)
    given = ("cutover", *stores, "--without-go", "test")
    kill_at(shop, Fault("aws", "DisableRule", "timeout_before"), *given)
    assert rule_is_on(shop)
    assert typed(*given)["done"]
    assert not rule_is_on(shop)

    kill_at(shop, Fault("aws", "EnableRule", "timeout_after"), "rollback", *stores)
    assert typed("rollback", *stores)["done"]

    assert rule_is_on(shop)
    assert {row["epoch"] for row in typed("owners")["stores"]} == {2}
    assert [e["step"] for e in typed("owners")["switches"]].count("done") == 2
