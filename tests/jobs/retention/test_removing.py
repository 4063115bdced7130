"""Removing personal data from every place, in a sandbox that a year has passed in."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.base.errors import SessionExpired
from naverplace.cli.app import app
from naverplace.jobs.retention.folders import mark_begin
from naverplace.jobs.retention.job import Retention, retain
from naverplace.jobs.retention.result import LocationResult, RetentionResult
from naverplace.ledger.scan import LedgerScan
from sandbox.control_bookings import change_bookings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.reconciliation_builders import DAY, Shop


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], tmp_path: Path) -> Shop:
    """A shop that has sent its messages, and was left alone for more than a year."""
    env = {
        **world_env,
        "NAVERPLACE_REPORT_DIR": str(tmp_path / "reports"),
        "NAVERPLACE_PARITY__REPORT_DIR": str(tmp_path / "parity"),
        "NAVERPLACE_CAPTURE__WHERE": str(tmp_path / "bundles"),
        "NAVERPLACE_CAPTURE__KEY": "k" * 32,
        "NAVERPLACE_CAPTURE__ENABLED": "true",
        "NAVERPLACE_RETENTION__LOG_DIR": str(tmp_path),
    }
    mark_begin(tmp_path / "worker.log", "worker starts", datetime.now(UTC))
    shop = Shop(world, env)
    world.log_in()
    shop.run()
    shop.later(500 * DAY)  # files bear the real time, which is ahead of the scenario's
    world.log_in()
    return shop


def complete_everything(world: Sandbox) -> None:
    """Let no booking be confirmed any more, as after so long."""
    for store, raws in world.world.stores.items():
        for raw in raws:
            changes = {"bookingStatusCode": "RC08"}
            order = {"action": "change", "store": store, "booking_id": raw["bookingId"]}
            change_bookings(world.world, {**order, "changes": changes})


def confirmed_numbers(world: Sandbox) -> set[str]:
    return {
        f"{store}_{raw['bookingId']}"
        for store, raws in world.world.stores.items()
        for raw in raws
        if raw["bookingStatusCode"] == "RC03"
    }


def place(done: RetentionResult, name: str) -> LocationResult:
    (found,) = (p for p in done.places if p.name == name)
    return found


def test_what_is_old_goes_from_every_place_and_the_second_look_finds_nothing(shop: Shop) -> None:
    complete_everything(shop.world)
    items = len(shop.world.sms_items())
    assert items > 0

    done = retain(shop.settings, dry_run=False)

    assert shop.world.sms_items() == []
    assert place(done, "table sms").removed == items
    for name in ("run reports", "captured runs", "logs of this machine"):
        assert (place(done, name).removed > 0, place(done, name).left) == (True, 0)
    assert done.clean
    assert done.look(datetime.now(UTC)).troubles == ()
    again = retain(shop.settings, dry_run=False)
    assert [p.old for p in again.places] == [0] * len(again.places)


def test_a_dry_run_counts_the_same_and_removes_nothing(shop: Shop) -> None:
    complete_everything(shop.world)
    items = shop.world.sms_items()

    counted = retain(shop.settings, dry_run=True)

    assert shop.world.sms_items() == items
    assert place(counted, "table sms").left == len(items)
    assert not counted.clean
    removed = retain(shop.settings, dry_run=False)
    assert [p.old for p in removed.places] == [p.old for p in counted.places]


def test_a_booking_that_is_still_confirmed_stays_and_is_nobodys_problem(shop: Shop) -> None:
    numbers = confirmed_numbers(shop.world)
    listed = [i for i in shop.world.sms_items() if i["booking_num"] in numbers]
    assert listed

    done = retain(shop.settings, dry_run=False)

    assert shop.world.sms_items() == listed
    assert place(done, "table sms").kept == {"still listed by Naver": len(listed)}
    assert (place(done, "table sms").left, done.problems) == (0, ())


def test_a_store_that_cannot_be_read_keeps_its_bookings_and_fails_the_retention(shop: Shop) -> None:
    complete_everything(shop.world)
    stores = {str(item["booking_num"]).partition("_")[0] for item in shop.world.sms_items()}
    broken = sorted(stores)[0]
    kind = "status:422"
    fault = Fault("partner", match=f"businesses/{broken}/", kind=kind, times=None)
    shop.world.world.faults.append(fault)

    done = retain(shop.settings, dry_run=False)

    left = {str(item["booking_num"]).partition("_")[0] for item in shop.world.sms_items()}
    assert left == {broken}
    assert "could not be read" in done.problems[0]
    (trouble,) = done.look(datetime.now(UTC)).troubles
    assert "could not be read" in trouble.detail


def test_without_a_session_nothing_is_removed_and_nobody_logs_in(shop: Shop) -> None:
    complete_everything(shop.world)
    items = shop.world.sms_items()
    shop.world.forget_session()

    with pytest.raises(SessionExpired):
        retain(shop.settings, dry_run=False)

    assert shop.world.sms_items() == items
    assert shop.world.world.login_attempts == 0


def test_an_item_that_somebody_changes_meanwhile_stays(shop: Shop) -> None:
    complete_everything(shop.world)
    this = Retention(shop.settings, dry_run=False)
    looked = this.look()
    changed = {**shop.world.sms_items()[0], "remind_sms": "touched"}
    shop.world.put_sms_item(changed)

    done = this.bookings(looked, this.ask(looked))

    assert shop.world.sms_items() == [changed]
    assert (done.removed, done.left) == (len(looked.old) - 1, 1)


def test_an_answer_that_was_lost_counts_as_removed(shop: Shop) -> None:
    settings = shop.settings
    table = LedgerScan(open_dynamodb(settings.aws), settings.aws.sms_table)
    old = next(iter(table.scan()))

    assert table.delete(old)
    assert table.delete(old)  # botocore's second try meets an item that is gone


def test_phones_of_open_messages_go_also_from_a_store_that_is_gone(shop: Shop) -> None:
    long_ago = (shop.settings.make_clock().now() - timedelta(days=499)).isoformat()
    item = {"id": "naverplace-store-999", "version": 3, "epoch": 2}
    opened = {"999_1|010-0000-0042|guide": long_ago}
    shop.world.put_session_item({**item, "open": opened})

    done = retain(shop.settings, dry_run=False)

    found = place(done, "table session, open messages")
    assert (found.old, found.removed, found.left) == (3, 3, 0)
    assert "010-0000-" not in str(shop.world.session_items())


def test_files_of_other_people_in_our_folders_are_left_alone(shop: Shop, tmp_path: Path) -> None:
    own = tmp_path / "reports" / "notes.md"
    own.write_text("mine", "utf-8")
    report = tmp_path / "parity" / "shadow" / "parity.json"
    report.parent.mkdir(parents=True)
    report.write_text("{}", "utf-8")
    os.utime(report, (0, 0))
    os.utime(own, (0, 0))

    done = retain(shop.settings, dry_run=False)

    assert own.exists()
    assert not report.exists()
    assert place(done, "parity reports").removed == 1


def test_the_command_counts_and_removes_only_when_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    complete_everything(shop.world)
    for name, value in {**shop.env, **shop.world.environment()}.items():
        monkeypatch.setenv(name, value)

    looked = CliRunner().invoke(app, ["retention"])
    removed: dict[str, Any] = json.loads(
        CliRunner().invoke(app, ["retention", "--remove", "--json"]).output
    )
    clean = CliRunner().invoke(app, ["retention"])

    assert looked.exit_code == 1
    assert "naverplace retention --remove" in looked.output
    assert (removed["clean"], removed["left"]) == (True, 0)
    assert clean.exit_code == 0
