"""What the watchdog calls late and silent, after runs that really were."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from naverplace.ledger.store_state import PREFIX
from naverplace.pipeline.context import open_run
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.aws_calls import TABLE, recorded
from tests.rule_builders import ROOT, STORE, stores
from tests.watched_shop import WatchedShop

OTHER = "951291"
RICH = """
- rule: rich
  description: dear customers hear from us three hours before
  when:
    - booking_status: RC03
    - time_before_booking: 3
    - field: {name: total_price, at_least: 50000}
  then:
    - send_sms: {template: profile_tips, once: rich}
"""


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str]) -> WatchedShop:
    """At noon, in a world with a few bookings, from where runs come every 20 minutes."""
    fixed = {n: v for n, v in world_env.items() if n not in world.environment()}
    return WatchedShop(world, fixed)


def test_quiet_hours_with_runs_have_nothing_late_and_no_silent_store(shop: WatchedShop) -> None:
    shop.book(175, 77)  # its guide falls due between two runs
    for _ in range(4):
        assert shop.run().status == "success"
        shop.later(3)
        assert shop.look().fine
        shop.later(10)
        assert shop.look().fine
        shop.later(7)

    assert [m["to"] for m in shop.world.messages()].count("01000000077") == 2


def test_a_guide_is_late_when_the_run_that_had_to_send_it_is_ten_minutes_late(
    shop: WatchedShop,
) -> None:
    number = shop.book(145, 77)
    shop.run(only=[STORE])

    shop.later(25)  # it was due a moment ago, and the next run after that is at 40
    assert shop.late() == []
    shop.later(24)
    assert shop.late() == []
    shop.later(2)
    seen = shop.look()

    (late,) = seen.overdue
    assert (late.booking_num, late.kind) == (f"{STORE}_{number}", "guide")
    assert late.why == "no run has begun it"
    assert late.expires is not None
    assert (late.expires - late.due).total_seconds() == 2 * 3600
    assert seen.records == 1


def test_after_its_start_nothing_is_late_any_more(shop: WatchedShop) -> None:
    shop.book(145, 77)
    shop.run(only=[STORE])

    shop.later(146)

    assert shop.late() == []


def test_what_a_later_run_has_sent_is_not_late(shop: WatchedShop) -> None:
    shop.book(145, 77)
    shop.run(only=[STORE])
    shop.later(60)
    assert shop.late() == [("77", "guide")]

    shop.run(only=[STORE])

    assert shop.late() == []


def test_a_booking_that_was_cancelled_is_not_late_once_a_run_has_seen_it(shop: WatchedShop) -> None:
    number = shop.book(145, 77)
    shop.run(only=[STORE])
    shop.change(number)  # cancels it
    shop.later(20)
    shop.run(only=[STORE])

    shop.later(40)

    assert [late for late in shop.late() if late[0] == number] == []


def test_a_booking_that_is_cancelled_while_a_run_is_about_to_send_is_not_late(
    shop: WatchedShop,
) -> None:
    shop.env["NAVERPLACE_LEDGER__FRESH_SECONDS"] = "0.001"
    number = shop.book(100, 77)

    shop.run(only=[STORE], before_delivery=lambda: shop.change(number))
    shop.later(15)

    assert shop.late() == []


def test_a_moved_booking_is_late_for_its_new_time_only(shop: WatchedShop) -> None:
    number = shop.book(145, 77)
    shop.run(only=[STORE])
    booked = next(raw for raw in shop.world.world.stores[STORE] if raw["bookingId"] == 77)
    evening = {"startDateTime": "2025-10-22T10:00:00Z", "endDateTime": "2025-10-22T11:00:00Z"}
    shop.change(number, snapshotJson={**booked["snapshotJson"], **evening})
    shop.later(20)
    shop.run(only=[STORE])

    shop.later(120)
    assert shop.late() == []
    shop.later(80)

    assert shop.late() == [(number, "guide")]


def test_rules_see_the_whole_booking_with_its_fields(shop: WatchedShop, tmp_path: Path) -> None:
    rules = Path(shutil.copytree(ROOT / "rules", tmp_path / "rules"))
    (rules / "rich.yaml").write_text(RICH, "utf-8")
    shop.env["NAVERPLACE_RULES_DIR"] = str(rules)
    shop.book(300, 77)  # 45,000 won
    shop.book(300, 78, options=[["셀프 보정 20분", 1], ["인원 추가 (1인)", 1]])
    shop.run(only=[STORE])

    shop.later(60)
    assert shop.late() == []
    shop.later(95)

    assert shop.late() == [("78", "rich")]


def test_a_booking_that_nobody_has_served_yet_is_told_as_a_silent_store(shop: WatchedShop) -> None:
    shop.run()
    last = shop.now
    shop.book(600, 77)

    shop.later(29)
    assert shop.look().fine
    shop.later(2)
    seen = shop.look()

    assert (seen.overdue, set(seen.silent)) == ((), set(stores()))
    assert all(at and abs((at - last).total_seconds()) < 60 for at in seen.silent.values())


def test_only_the_store_that_cannot_be_read_is_silent_and_its_guide_late(shop: WatchedShop) -> None:
    shop.book(145, 77)
    shop.book(145, 78, store=OTHER)
    shop.run()
    shop.world.world.faults.append(Fault("partner", match=STORE, kind="status:500", times=None))
    for _ in range(3):
        shop.later(20)
        shop.run()

    shop.later(1)
    seen = shop.look()

    assert list(seen.silent) == [STORE]
    assert [(m.booking_num, m.kind) for m in seen.overdue] == [(f"{STORE}_77", "guide")]


def test_a_halted_store_is_not_silent_and_what_was_due_there_is_late(shop: WatchedShop) -> None:
    for number in range(70, 80):
        shop.book(2000, number)
    shop.book(145, 99)
    shop.run()
    shop.world.world.stores[STORE].clear()
    for _ in range(3):
        shop.later(20)
        assert any("is stopped" in problem for problem in shop.run().problems)

    shop.later(3)
    seen = shop.look()

    assert seen.silent == {}
    assert [(m.booking_num, m.kind) for m in seen.overdue] == [(f"{STORE}_99", "guide")]


def test_what_a_run_could_not_send_is_late_with_its_reason(shop: WatchedShop) -> None:
    shop.book(100, 77)
    shop.world.world.faults.append(Fault("sens", match="POST", kind="status:400", times=None))
    shop.run(only=[STORE])
    shop.later(11)

    late = {(m.booking_num, m.kind): m.why for m in shop.look().overdue}

    assert late[f"{STORE}_77", "guide"].startswith("refused after attempt 1: ")
    assert late[f"{STORE}_77", "confirmation"].startswith("refused after attempt 1: ")


def test_what_a_dead_run_has_decided_is_late_and_not_while_another_one_sends(
    shop: WatchedShop,
) -> None:
    shop.book(600, 77)
    shop.die_before_delivery()
    shop.later(9)
    assert shop.late() == []
    shop.later(2)
    assert ("77", "confirmation") in shop.late()

    run = open_run(shop.settings, run_id="busy", door="cli")
    holding = run.store_locks.acquire(STORE, wait=False)
    assert ("77", "confirmation") not in shop.late()
    holding.release([])
    assert ("77", "confirmation") in shop.late()


def test_a_run_of_one_store_speaks_of_no_other_and_a_dry_one_of_none(shop: WatchedShop) -> None:
    shop.run(dry_run=True)
    assert set(shop.look().silent.values()) == {None}

    shop.run(only=[STORE])

    assert set(shop.look().silent) == set(stores()) - {STORE}


def test_a_quiet_run_leaves_one_small_write(shop: WatchedShop) -> None:
    for _ in range(3):  # what was sent is forgotten after half an hour
        shop.run()
        shop.later(20)

    with recorded() as asked:
        shop.run()

    update = ("dynamodb:UpdateItem", TABLE + "session")
    assert [call for call in asked if call[0] == "dynamodb:UpdateItem"] == [update]
    assert [call for call in asked if call[0] == "dynamodb:PutItem"] == []


def test_a_booking_that_is_over_before_a_run_first_sees_it_owes_nothing(shop: WatchedShop) -> None:
    """No run makes it a record, without which no event is owed (L13)."""
    shop.later((20 * 60 + 1) - (14 * 60 + 2))  # the hour of the event has begun
    review: dict[str, Any] = {"status": "RC08", "options": [["원본 파일 전체 받기", 1]]}
    number = shop.book(-90, 78, **review)
    for _ in range(2):
        report = shop.run(only=[STORE])
        assert report.messages["event"] == 0
        shop.later(15)
        assert (number, "event") not in shop.late()
        shop.later(5)


def test_a_look_reads_what_is_due_and_never_the_table(shop: WatchedShop) -> None:
    """Hundreds of old records, and one guide that is late."""
    shop.book(145, 77)
    shop.run(only=[STORE])
    for number in range(300):
        shop.world.put_sms_item(old_record(number))
    shop.later(60)

    with recorded() as asked:
        seen = shop.look()

    assert [m.kind for m in seen.overdue] == ["guide"]
    assert seen.records == 1
    assert asked == {
        ("dynamodb:BatchGetItem", TABLE + "session"): 2,
        ("dynamodb:GetItem", TABLE + "session"): 2,
        ("dynamodb:BatchGetItem", TABLE + "sms"): 1,
    }


def old_record(number: int) -> dict[str, Any]:
    return {
        "booking_num": f"{STORE}_{2_000_000 + number}",
        "phone": f"010-0000-{number:04}",
        "booking_time": "2025-10-30 15:00:00",
        **dict.fromkeys(("confirm_sms", "remind_sms", "option_sms"), False),
    }


def test_what_runs_leave_holds_no_name_and_stays_out_of_the_leases_item(shop: WatchedShop) -> None:
    shop.book(600, 77, name="김하나")
    shop.run(only=[STORE])

    left = [i for i in shop.world.session_items() if str(i["id"]).startswith("naverplace-")]

    assert {str(item["id"]) for item in left} >= {"naverplace-last-read", f"naverplace-due-{STORE}"}
    assert "김하나" not in str(left)
    item = next(item for item in left if item["id"] == PREFIX + STORE)
    assert "messages" not in item
