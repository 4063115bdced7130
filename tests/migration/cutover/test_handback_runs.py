"""Hand-back safety over HTTP: whole runs of ours and of the modelled legacy on one table."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from legacy import run as legacy_run
from legacy.settings import from_sandbox
from naverplace.cli.app import app
from sandbox.faults import Fault
from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox
from tests.delivery_builders import STORE
from tests.pipeline.store_runs import Shop

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop whose owner's session is alive, and a Naver that takes a range of any length."""
    monkeypatch.chdir(ROOT)
    world.world.booking_switches.max_range_days = None
    world.log_in()
    return Shop(world, world_env)


def legacy(shop: Shop) -> None:
    assert legacy_run.run(from_sandbox(shop.world.environment())) == "success"


def got(shop: Shop) -> Counter[str]:
    """Count the messages of each phone."""
    return Counter(str(message["to"]) for message in shop.world.messages())


def book(shop: Shop, number: int, *, minutes: int) -> str:
    """Book for so many minutes from now; gives the phone."""
    phone = f"0100001{number:04}"
    start = (shop.world.world.now() + timedelta(minutes=minutes)).replace(second=0, microsecond=0)
    raw = a_booking(STORE, 920_000_000 + number, start, phone=phone)
    shop.world.world.stores[STORE].append(raw)
    return phone


def item_of(shop: Shop, phone: str) -> dict[str, Any]:
    cut = f"{phone[:3]}-{phone[3:7]}-{phone[7:]}"
    (found,) = (item for item in shop.world.sms_items() if item["phone"] == cut)
    return found


def drain(shop: Shop) -> dict[str, Any]:
    """Type `naverplace drain`; it sends nothing."""
    before = len(shop.world.messages())
    env = {**shop.env, **shop.world.environment(), "NAVERPLACE_SENS__ATTEMPTS": "1"}
    result = CliRunner().invoke(app, ["drain", "--json"], env=env)
    drained: dict[str, Any] = json.loads(result.stdout)
    assert result.exit_code == (0 if drained["clean"] else 1), result.output
    assert len(shop.world.messages()) == before
    return drained


def die_sending(shop: Shop, *, accepted: bool) -> str:
    """Let a run of ours vanish while SENS has, or has not, a confirmation; gives the phone."""
    phone = book(shop, 1, minutes=90)
    begun = shop.begin()
    (confirmation,) = (s for s in begun.sends if s.to == phone and s.kind == "confirmation")
    shop.crash(confirmation, sent=accepted)
    assert item_of(shop, phone)["confirm_sms"] is False
    return phone


def test_turn_and_turn_about_nobody_gets_anything_twice(shop: Shop) -> None:
    first = book(shop, 1, minutes=300)
    shop.run("one")
    legacy(shop)
    assert got(shop)[first] == 1  # the confirmation

    shop.later(3 * 3600 + 600)
    second = book(shop, 2, minutes=80)
    legacy(shop)
    shop.run("two")
    assert (got(shop)[first], got(shop)[second]) == (2, 2)

    third = book(shop, 3, minutes=80)
    shop.later(600)
    shop.run("three")
    legacy(shop)
    shop.run("four")

    assert {got(shop)[phone] for phone in (first, second, third)} == {2}
    assert max(got(shop).values()) == 2
    assert len(set(shop.received())) == len(shop.received())


@pytest.mark.parametrize("accepted", [True, False])
def test_a_crash_of_ours_is_drained_and_then_the_legacy_sends_what_is_missing(
    shop: Shop, accepted: bool
) -> None:
    phone = die_sending(shop, accepted=accepted)
    shop.later(15 * 60)  # as long as a frozen process might still send

    assert drain(shop)["settled"] == {"adopted" if accepted else "freed": 1}
    legacy(shop)
    shop.run("again")
    legacy(shop)

    assert got(shop)[phone] == 2  # confirmation and guide
    assert item_of(shop, phone)["confirm_sms"] is True


def test_without_the_drain_the_legacy_sends_a_second_time(shop: Shop) -> None:
    """Why the drain comes first: the legacy reads flags, and a doubt has none yet."""
    phone = die_sending(shop, accepted=True)
    shop.later(15 * 60)

    legacy(shop)

    assert got(shop)[phone] == 3  # the confirmation twice, and the guide


def test_a_message_seen_to_fail_is_drained_as_well(shop: Shop) -> None:
    shop.settle_seconds = 3600.0  # longer than the run itself waits for
    phone = book(shop, 1, minutes=90)
    begun = shop.begin()
    (confirmation,) = (s for s in begun.sends if s.to == phone and s.kind == "confirmation")
    shop.die(confirmation, sent=True, seen_to_fail=True)

    assert drain(shop)["settled"] == {"adopted": 1}
    legacy(shop)

    assert got(shop)[phone] == 2


def test_what_the_drain_leaves_forbids_the_hand_back(shop: Shop) -> None:
    phone = die_sending(shop, accepted=True)
    shop.world.world.faults.append(Fault("sens", "GET", "status:503", times=None))

    drained = drain_at_once(shop)

    assert drained["clean"] is False
    assert item_of(shop, phone)["confirm_sms"] is False


def drain_at_once(shop: Shop) -> dict[str, Any]:
    env = {**shop.env, **shop.world.environment(), "NAVERPLACE_SENS__ATTEMPTS": "1"}
    result = CliRunner().invoke(app, ["drain", "--wait", "0", "--json"], env=env)
    assert result.exit_code == 1
    drained: dict[str, Any] = json.loads(result.stdout)
    return drained


def test_what_sens_refuses_ours_stays_owed_and_the_legacy_sends_it(shop: Shop) -> None:
    phone = book(shop, 1, minutes=90)
    senders = set(shop.world.world.sens.senders)
    shop.world.world.sens.senders.clear()
    shop.run("refused")
    shop.world.world.sens.senders |= senders
    assert got(shop)[phone] == 0

    legacy(shop)
    shop.run("again")

    assert got(shop)[phone] == 2


def test_what_expired_with_ours_the_legacy_does_not_confirm_late(shop: Shop) -> None:
    phone = book(shop, 1, minutes=30)
    shop.world.world.faults.append(Fault("sens", "POST", "status:503", times=None))
    shop.run("failed")
    shop.world.world.faults.clear()
    shop.later(3600)
    assert [row["kind"] for row in shop.run("late").expired if "920000001" in str(row)] == [
        "confirmation",
        "guide",
    ]

    legacy(shop)

    assert got(shop)[phone] == 0


def test_taken_over_from_the_legacy_and_handed_back_twice(shop: Shop) -> None:
    legacy(shop)
    before = got(shop)
    for run_id in ("one", "two"):
        shop.run(run_id)
        assert drain(shop)["clean"]
        legacy(shop)

    assert got(shop) == before
