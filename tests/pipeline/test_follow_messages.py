"""An afternoon: what SENS took is followed by the next run, and what failed is told at once."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.cli.app import app
from naverplace.jobs.reconciliation.job import run_reconciliation
from naverplace.ledger.run_memory import forget_contacts
from naverplace.pipeline.explain import explain_booking
from naverplace.pipeline.local_runner import run_once
from naverplace.reporting.report import RunReport
from naverplace.reporting.summary import for_owner
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.naver.bookings import a_booking
from sandbox.sens_delivery import NEVER_DONE
from sandbox.server import Sandbox
from trials.campaign.shop import SEOUL

STORE = "1051707"
AFTERNOON = datetime(2025, 10, 22, 14, 20, 15, tzinfo=SEOUL)
START = datetime(2025, 10, 22, 15, 40, tzinfo=SEOUL)
DEAD, ALIVE = "01000009901", "01000000002"  # of the first no message arrives
PERIOD = timedelta(minutes=20)


@dataclass
class Afternoon:
    """A shop with two bookings at 15:40, one of them with a number that is not in use."""

    world: Sandbox
    env: dict[str, str]
    runs: int = 0

    @property
    def settings(self) -> Settings:
        return load_settings(env={**self.env, **self.world.environment()}, env_file=None)

    def book(self, number: int, phone: str, start: datetime = START) -> None:
        self.cancel(number)
        raw = a_booking(STORE, 910_000_000 + number, start, name="나무늘보", phone=phone)
        self.world.world.stores[STORE].append(raw)

    def cancel(self, number: int) -> None:
        bookings = self.world.world.stores.setdefault(STORE, [])
        bookings[:] = [raw for raw in bookings if raw["bookingId"] != 910_000_000 + number]

    def run(self, **options: Any) -> RunReport:
        self.runs += 1
        return run_once(self.settings, run_id=f"run-{self.runs}", door="cli", **options)

    def next_run(self, **options: Any) -> RunReport:
        self.world.world.advance(PERIOD.total_seconds())
        return self.run(**options)

    def told(self, words: str = "전화해 주세요") -> list[str]:
        return [m["text"] for m in self.world.world.telegram if words in m["text"]]

    def states(self, number: int) -> dict[str, str]:
        return {
            f"{item['phone']} {name.removeprefix('message_')}": entry["state"]
            for item in self.world.sms_items()
            if item["booking_num"] == booking(number)
            for name, entry in item.items()
            if name.startswith("message_")
        }

    def awaiting(self) -> dict[str, str]:
        items = [i for i in self.world.session_items() if i["id"] == f"naverplace-store-{STORE}"]
        return dict(items[0].get("awaiting") or {})

    def texts_to(self, phone: str) -> list[str]:
        return [m["subject"] for m in self.world.messages() if m["to"] == phone]

    def lists(self) -> list[str]:
        """List the questions about SENS's log by time since the last were looked at."""
        seen = [r.target for r in self.world.world.requests if r.service == "sens"]
        self.world.world.requests.clear()
        return [path for path in seen if "requestStartTime" in path]


def booking(number: int) -> str:
    return f"{STORE}_{910_000_000 + number}"


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str]) -> Afternoon:
    world.reset("empty", now=AFTERNOON)
    world.log_in()
    world.world.sens.deliver_seconds = 170
    afternoon = Afternoon(world, world_env)
    afternoon.book(1, DEAD)
    afternoon.book(2, ALIVE)
    return afternoon


def test_a_guide_that_sens_fails_is_an_alert_in_the_next_run_and_told_once(shop: Afternoon) -> None:
    assert sum(shop.run().messages.values()) == 4
    assert shop.told() == []

    report = shop.next_run()

    (alert,) = shop.told()
    assert alert.startswith("🚨 10/22 14:40 출입 안내 문자가 고객에게 닿지 않았습니다")
    assert "예약 910000001 안내 010-****-9901: 10/22 15:40 시작까지 59분: 3001 결번" in alert
    assert f"naverplace contact {booking(1)}" in alert
    assert "고객에게 전화해 주세요" in alert
    assert DEAD not in alert.replace("-", "")
    assert (report.status, report.receipts) == (
        "success",
        {"delivered": 2, "failed": 2, "under_way": 0},
    )
    assert {row["kind"] for row in report.undelivered} == {"confirmation", "guide"}
    assert set(shop.states(1).values()) == {"failed"}
    assert set(shop.states(2).values()) == {"delivered"}
    assert all("010-0000-0002" in name for name in shop.awaiting())  # known for a while
    assert shop.next_run().receipts == {}
    assert (len(shop.told()), shop.awaiting()) == (1, {})
    assert len(shop.texts_to(DEAD)) == 2


def test_the_summary_tells_accepted_and_delivered_apart(shop: Afternoon) -> None:
    shop.run()
    shop.book(3, "01000000003")
    report = shop.next_run()

    summary = for_owner(report)
    assert "문자 2건 접수" in summary
    assert "앞서 보낸 문자: 전달 2건 · 전달 실패 2건 · 확인 중 0건" in summary
    assert report.writes_by_action["follow"] == 4
    assert report.contradictions == ()


def test_one_question_serves_the_deliveries_and_the_doubts(shop: Afternoon) -> None:
    shop.world.world.faults.append(Fault("sens", "POST", "drop_after", times=1, after=1))
    shop.world.world.faults.append(Fault("sens", "GET", "status:503", times=None))
    assert shop.run().outcomes == {"accepted": 3, "in_doubt": 1}
    shop.world.world.faults.clear()
    shop.lists()

    report = shop.next_run()

    assert len(shop.lists()) == 1
    assert report.settled == {"adopted": 1}
    assert shop.next_run().receipts["under_way"] == 0
    assert {*shop.states(1).values(), *shop.states(2).values()} == {"delivered", "failed"}


def test_a_quiet_run_asks_sens_nothing(shop: Afternoon) -> None:
    shop.run()
    shop.next_run()
    shop.lists()

    shop.next_run()

    assert shop.lists() == []


def test_the_message_of_a_cancelled_booking_is_followed_as_well(shop: Afternoon) -> None:
    shop.run()
    shop.cancel(1)

    shop.next_run()

    assert len(shop.told()) == 1
    assert set(shop.states(1).values()) == {"failed"}


def test_another_number_gets_the_messages_and_the_failed_one_none(shop: Afternoon) -> None:
    shop.run()
    shop.book(1, "01000000004")

    shop.next_run()
    shop.book(1, DEAD)
    shop.next_run()

    assert len(shop.texts_to("01000000004")) == 2
    assert len(shop.texts_to(DEAD)) == 2
    assert shop.states(1) == {
        "010-0000-9901 confirmation": "failed",
        "010-0000-9901 guide": "failed",
        "010-0000-0004 confirmation": "delivered",
        "010-0000-0004 guide": "delivered",
    }


def test_a_failed_guide_of_a_moved_booking_is_followed_and_opens_no_door(shop: Afternoon) -> None:
    shop.run()
    shop.world.world.sens.deliver_seconds = 25 * 60
    shop.book(1, DEAD, START + timedelta(hours=3))
    assert shop.next_run().receipts["under_way"] == 4

    report = shop.next_run()

    assert "010-0000-9901 guide_at_20251022T1540" in shop.states(1)
    assert report.receipts["failed"] == 2
    assert not any(row["access"] for row in report.undelivered)


def test_a_log_that_cannot_be_read_stops_nothing_and_is_named_after_an_hour(
    shop: Afternoon,
) -> None:
    shop.run()
    shop.world.world.faults.append(Fault("sens", "GET", "status:503", times=None))
    shop.book(3, "01000000003")

    report = shop.next_run()

    assert sum(report.messages.values()) == 2
    assert not any("deliveries" in problem for problem in report.problems)
    shop.world.world.advance(2 * PERIOD.total_seconds())
    assert any("deliveries were not followed" in p for p in shop.next_run().problems)
    shop.world.world.faults.clear()
    shop.next_run()
    assert len(shop.told()) == 1


@pytest.mark.parametrize("empty", ["no such message", "still under way"])
def test_what_the_log_does_not_tell_is_asked_for_three_hours(empty: str, shop: Afternoon) -> None:
    shop.book(1, NEVER_DONE)
    shop.run()
    if empty == "no such message":
        shop.world.world.messages.clear()

    assert shop.next_run().receipts["under_way"] == (4 if empty == "no such message" else 2)
    assert shop.awaiting()
    shop.world.world.advance(3 * 3600)
    shop.next_run()
    assert (shop.awaiting(), shop.told()) == ({}, [])
    assert set(shop.states(1).values()) == {"accepted"}  # the reconciliation goes on


def test_an_alert_that_no_channel_took_is_told_by_the_next_run(shop: Afternoon) -> None:
    shop.run()
    shop.world.world.faults.append(Fault("telegram", kind="status:500", times=None))
    shop.next_run()
    assert shop.told() == []
    shop.world.world.faults.clear()

    shop.next_run()
    shop.next_run()

    assert len(shop.told()) == 1


def test_nobody_need_be_logged_in_for_an_alert(shop: Afternoon) -> None:
    shop.run()
    shop.world.world.cookies.alive.clear()
    shop.world.remember_failed_login("captcha")

    assert shop.next_run().status == "failed"

    assert len(shop.told()) == 1


@pytest.mark.parametrize(
    "lost", [Fault("aws", "PutItem", "status:503", times=None, after=n) for n in (1, 2, 3)]
)
def test_a_run_that_loses_its_table_after_the_acceptance_leaves_its_messages_to_the_next(
    lost: Fault, shop: Afternoon
) -> None:
    shop.world.world.faults.append(lost)
    shop.run()
    shop.world.world.faults.clear()

    for _ in range(3):
        shop.next_run()

    assert len(shop.told()) == 1
    assert {*shop.states(1).values(), *shop.states(2).values()} == {"failed", "delivered"}
    assert shop.awaiting() == {}


def test_the_morning_reconciliation_does_not_tell_it_again(shop: Afternoon) -> None:
    run_reconciliation(shop.settings, run_id="first")
    shop.run()
    shop.next_run()
    shop.world.world.advance(18 * 3600)
    before = len(shop.world.world.telegram)

    done = run_reconciliation(shop.settings, run_id="morning")

    assert (done.findings, done.status) == ((), "success")
    assert len(shop.world.world.telegram) == before


def test_what_the_reconciliation_has_told_is_not_told_by_the_next_run(shop: Afternoon) -> None:
    shop.run()
    shop.world.world.advance(15 * 60)
    done = run_reconciliation(shop.settings, run_id="morning")
    assert done.failed == 2
    (told,) = shop.told()

    shop.next_run()

    assert (shop.told(), shop.awaiting()) == ([told], {})


def test_a_dry_run_follows_and_tells_nothing(shop: Afternoon) -> None:
    shop.run()

    assert shop.next_run(dry_run=True).receipts == {}

    assert set(shop.states(1).values()) == {"accepted"}
    assert shop.told() == []


def test_explain_tells_how_far_each_message_came_also_of_a_cancelled_booking(
    shop: Afternoon,
) -> None:
    shop.run()
    shop.next_run()
    shop.cancel(1)

    lines = explain_booking(shop.settings, booking(1)).lines()

    assert "is neither among the confirmed bookings" in lines[0]
    (sent,) = [line for line in lines if line.startswith("confirmation to 010-****-9901: failed (")]
    assert re.search(r"since 10/22 14:20:\d\d, by SENS's clock 10/22 14:23:\d\d, run ", sent)
    assert "3001 결번" in sent


Contact = Callable[..., Any]


@pytest.fixture
def contact(shop: Afternoon, monkeypatch: pytest.MonkeyPatch) -> Contact:
    for name, value in {**shop.env, **shop.world.environment()}.items():
        monkeypatch.setenv(name, value)
    return lambda *words: CliRunner().invoke(app, ["contact", *words])


def asked(shop: Afternoon) -> list[dict[str, str]]:
    items = [i for i in shop.world.session_items() if i["id"] == "naverplace-contacts"]
    return [entry for item in items for name, entry in item.items() if name.startswith("asked_")]


def test_contact_shows_the_number_and_notes_who_asked(
    shop: Afternoon, contact: Contact, caplog: pytest.LogCaptureFixture
) -> None:
    shop.run()
    caplog.set_level("DEBUG")

    shown = contact(booking(1), "--reason", "안내 실패", "--by", "김하나", "--json")

    found = json.loads(shown.stdout)
    assert (found["name"], found["phone"], found["source"]) == (
        "나무늘보",
        "010-0000-9901",
        "Naver",
    )
    (entry,) = asked(shop)
    assert (entry["by"], entry["booking"], entry["reason"]) == ("김하나", booking(1), "안내 실패")
    assert DEAD not in str(asked(shop)).replace("-", "")
    assert DEAD not in caplog.text.replace("-", "")


def test_contact_reads_the_ledger_when_naver_does_not_tell(
    shop: Afternoon, contact: Contact
) -> None:
    shop.run()
    shop.cancel(1)
    assert "from the ledger" in contact(booking(1), "--reason", "x").stdout
    shop.world.world.cookies.alive.clear()

    shown = contact(booking(1), "--reason", "x").stdout

    assert "010-0000-9901 (from the ledger)" in shown
    assert "Naver could not be asked" in shown


@pytest.mark.parametrize("number", ["1051707_1", "1051707", "nonsense", "999_910000001"])
def test_contact_refuses_an_unknown_booking_and_notes_nothing(
    number: str, shop: Afternoon, contact: Contact
) -> None:
    refused = contact(number, "--reason", "x")

    assert refused.exit_code == 2
    assert f"no booking '{number}'" in refused.stderr
    assert asked(shop) == []


def test_who_asked_a_year_ago_is_forgotten(shop: Afternoon, contact: Contact) -> None:
    shop.run()
    contact(booking(1), "--reason", "old")
    table = StateTable(open_dynamodb(shop.settings.aws), shop.settings.aws.session_table)
    now = shop.settings.make_clock().now()

    assert forget_contacts(table, before=now - timedelta(days=1)) == 0
    assert forget_contacts(table, before=now + timedelta(days=1)) == 1

    assert asked(shop) == []


def test_contact_shows_nothing_without_a_reason_or_a_note(
    shop: Afternoon, contact: Contact
) -> None:
    shop.run()
    assert contact(booking(1), "--reason", " ").exit_code == 2
    shop.world.world.faults.append(Fault("aws", "UpdateItem", "status:503", times=None))

    refused = contact(booking(1), "--reason", "x")

    assert refused.exit_code == 2
    assert "9901" not in refused.output
