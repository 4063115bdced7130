"""Caps in real runs: whatever is broken before the send, SENS gets no more than they allow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from naverplace.ledger.message_ledger import Claim, MessageLedger
from sandbox.server import Sandbox
from tests.pipeline.duty import BIG, Duty

ROOT = Path(__file__).resolve().parents[2]
PHONE = "01000077771"


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Duty:
    monkeypatch.chdir(ROOT)
    world.reset("first-run")
    world.world.stores = {store_id: [] for store_id in world.world.stores}
    world.log_in()
    return Duty(world, {n: v for n, v in world_env.items() if n not in world.environment()})


@pytest.fixture
def runaway(monkeypatch: pytest.MonkeyPatch) -> None:
    """Record no acceptance: every run owes everything again."""

    def accept(self: MessageLedger, claim: Claim, *, request_id: str, now: Any) -> bool:
        self.release_claim(claim, "planted", now=now)
        return True

    monkeypatch.setattr(MessageLedger, "accept", accept)


@pytest.mark.usefixtures("runaway")
def test_a_runaway_sends_a_phone_no_more_than_its_cap(shop: Duty) -> None:
    shop.env["NAVERPLACE_CAPS__PER_PHONE"] = "2"
    booking = f"{BIG}_{shop.book(BIG, phone=PHONE)['bookingId']}"

    reports = []
    for _ in range(4):
        reports.append(shop.run(only=[BIG]))
        shop.later(minutes=20)

    assert shop.texts_to(PHONE) == 2
    (row,) = reports[-1].caps
    assert (row["scope"], row["held"], row["store_id"]) == ("phone", 1, BIG)
    assert "at most 2" in reports[-1].problems[-1]
    assert "한 번호로 24시간 동안 너무 많은 문자가 나가서" in shop.told()
    assert PHONE[-8:] not in shop.told()
    assert "its phone has reached its cap" in shop.explain(booking)[0]

    assert "its count begins anew" in shop.type("release", PHONE)
    shop.run(only=[BIG])
    assert shop.texts_to(PHONE) == 3


def test_a_booking_that_naver_gives_another_number_each_time_gets_no_more_either(
    shop: Duty,
) -> None:
    shop.env["NAVERPLACE_CAPS__PER_PHONE"] = "2"
    shop.book(BIG, phone=PHONE)
    for _ in range(4):
        shop.run(only=[BIG])
        shop.later(minutes=20)
        (raw,) = shop.world.world.stores[BIG]
        raw["bookingId"] += 1

    assert shop.texts_to(PHONE) == 2


@pytest.mark.usefixtures("runaway")
def test_a_runaway_of_many_phones_ends_at_the_stores_cap(shop: Duty) -> None:
    shop.env |= {"NAVERPLACE_CAPS__FLOOR": "7", "NAVERPLACE_CAPS__PER_PHONE": "99"}
    for at in range(5):
        shop.book(BIG, phone=f"0100007778{at}")

    reports = []
    for _ in range(3):
        reports.append(shop.run(only=[BIG]))
        shop.later(minutes=20)

    assert [sum(report.messages.values()) for report in reports] == [5, 2, 0]
    assert len(shop.world.messages()) == 7
    assert (reports[-1].caps[0]["scope"], reports[-1].caps[0]["held"]) == ("store", 5)
    assert "REACHED" in shop.type("stores")
    assert "5 messages in a run, 12 in a day" in shop.type("release", "화성점")
    shop.run(only=[BIG])
    assert len(shop.world.messages()) == 12


@pytest.mark.usefixtures("runaway")
def test_a_runaway_of_all_stores_ends_at_two_thirds_of_what_they_may_one_by_one(shop: Duty) -> None:
    shop.env |= {"NAVERPLACE_CAPS__FLOOR": "4"}
    for store_id in shop.world.world.stores:
        for at in range(3):
            shop.book(store_id, phone=f"0100{store_id:0>5.5}{at}8")

    report = shop.run()

    assert len(shop.world.messages()) == 22  # of eight stores with four each
    assert {row["scope"] for row in report.caps} == {"all"}
    assert "release all" in shop.told()
    shop.type("release", "all")
    shop.later(minutes=20)
    shop.run()
    assert len({message["to"] for message in shop.world.messages()}) == 24


def test_what_sens_refuses_takes_no_place_under_the_cap(shop: Duty) -> None:
    shop.env["NAVERPLACE_CAPS__PER_PHONE"] = "1"
    shop.book(BIG, phone=PHONE)
    shop.world.world.faults.append(shop.refusal())
    assert shop.run(only=[BIG]).outcomes == {"refused": 1}

    shop.later(minutes=20)
    shop.run(only=[BIG])

    assert shop.texts_to(PHONE) == 1
