"""What has happened to others, played with ours: docs/incidents.md tells each with its source."""

from __future__ import annotations

import logging
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from naverplace.base.errors import BadResponse
from naverplace.jobs.reconciliation.findings import nothing_to_compare
from naverplace.jobs.reconciliation.matching import match_messages
from naverplace.ledger.message_ledger import Claim, MessageLedger
from tests.handback_world import Now
from tests.jobs.reconciliation.test_matching import WINDOW, an_entry
from tests.model.shop import (
    ShopWorld,
    a_run,
    finish,
    known,
    later_runs,
    repeatable,
    waiting_takes_time,
)
from tests.quality.test_frames import raw
from tests.quality.test_validation import check
from tests.rule_builders import at

NOON = at("2025-10-22 12:00")
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    repeatable(monkeypatch)
    waiting_takes_time(monkeypatch)
    monkeypatch.setattr(logging.root.manager, "disable", logging.CRITICAL)


def a_shop(customers: int = 1) -> ShopWorld:
    world = ShopWorld(NOON)
    for number in range(1, customers + 1):
        known(world, Now(number, NOON + timedelta(hours=10), phone=number))
    return world


def sent_to_phones(world: ShopWorld) -> Counter[str]:
    return Counter(message.to for message in world.log)


def run_each_minute(world: ShopWorld, minutes: int) -> None:
    later_runs(world, [NOON + n * MINUTE for n in range(1, minutes + 1)])


def test_what_breaks_after_the_send_sends_seven_customers_one_message_each_and_not_570(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def accept(self: MessageLedger, claim: Claim, **words: Any) -> bool:
        raise BadResponse("the price of the message cannot be read")

    monkeypatch.setattr(MessageLedger, "accept", accept)
    world = a_shop(customers=7)
    run_each_minute(world, 60)

    assert sorted(sent_to_phones(world).values()) == [1] * 7


def test_and_a_ledger_that_calls_what_was_sent_owed_sends_them_six_at_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def accept(self: MessageLedger, claim: Claim, **words: Any) -> bool:
        return self.release_claim(claim, "planted", now=words["now"])

    monkeypatch.setattr(MessageLedger, "accept", accept)
    world = a_shop(customers=7)
    run_each_minute(world, 60)

    assert sorted(sent_to_phones(world).values()) == [6] * 7


@pytest.mark.parametrize("empty", ["", " ", None])
def test_a_booking_with_an_empty_id_is_quarantined_and_never_served(empty: object) -> None:
    checked = check(raw(), raw(bookingId=empty))

    assert (len(checked.good), len(checked.quarantined)) == (1, 1)


@pytest.mark.parametrize("answer", ["accepted, and no answer", "lost"])
def test_a_send_without_an_answer_reaches_the_phone_once(answer: str) -> None:
    world = a_shop()
    world.answers = [answer]
    run_each_minute(world, 40)

    assert sent_to_phones(world) == {"01000000001": 1}


@pytest.mark.parametrize("steps", range(1, 7))
@pytest.mark.parametrize("minutes", [4, 20])  # the lease is over; and the claim is free
def test_a_job_that_is_handed_to_a_second_worker_while_the_first_goes_on_sends_once(
    steps: int, minutes: int
) -> None:
    world = a_shop()
    first = a_run("first")
    for _ in range(steps):
        if not first.over:
            stepped = first.step(world)
            assert stepped
            first = stepped
    world.now += minutes * MINUTE
    finish(a_run("second"), world)
    if not first.over:
        finish(first, world)
    later_runs(world, [world.now + 20 * MINUTE])

    assert sent_to_phones(world) == {"01000000001": 1}


def test_a_comparison_that_checked_0_of_147_says_so_and_fails() -> None:
    ledger = [an_entry(f"R{number}") for number in range(147)]

    (problem,) = nothing_to_compare(match_messages(ledger, [], window=WINDOW), WINDOW)

    assert "checked none of more than none: the ledger counts 147 messages" in problem
