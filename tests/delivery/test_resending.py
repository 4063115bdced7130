"""In doubt near the deadline while SENS's log cannot be read: the rule says which risk it takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from naverplace.domain.effects import SendSms
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.results import ActionResult, Outcome
from naverplace.ledger.store_state import PendingMessage
from naverplace.pipeline import store_delivery
from naverplace.pipeline.context import RunContext
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.delivery_builders import STORE, key_of
from tests.in_doubt_scenes import FIRST
from tests.pipeline.store_runs import Shop

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def shop(world: Sandbox, world_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Shop:
    monkeypatch.chdir(ROOT)
    return Shop(world, world_env)


def a_message(shop: Shop, *, in_doubt: str, minutes: float) -> SendSms:
    """Give a message that expires in so many minutes."""
    expires = shop.settings.make_clock().now() + timedelta(minutes=minutes)
    return replace(shop.message(), in_doubt=in_doubt, expires=expires)


def deliver(shop: Shop, effect: SendSms) -> ActionResult:
    run = RunContext(shop.settings, run_id="next", door="cli", dry_run=False)
    (result,) = store_delivery.deliver_store(run, None, STORE, [effect])
    return result


def unreadable(shop: Shop) -> None:
    shop.world.world.faults.append(Fault("sens", "GET", "status:503", times=None))


@pytest.mark.parametrize(
    ("in_doubt", "minutes", "outcome", "received"),
    [
        ("resend", 24.5, Outcome.ACCEPTED, 1),
        ("resend", 25.5, Outcome.IN_DOUBT, 0),
        ("wait", 24.5, Outcome.IN_DOUBT, 0),
        ("wait", 25.5, Outcome.IN_DOUBT, 0),
    ],
)
def test_what_a_dead_run_left_is_sent_again_only_near_the_deadline_and_only_if_the_rule_says_so(
    in_doubt: str, minutes: float, outcome: Outcome, received: int, shop: Shop
) -> None:
    shop.crash(shop.message(), sent=False)
    shop.later(20 * 60)
    unreadable(shop)

    result = deliver(shop, a_message(shop, in_doubt=in_doubt, minutes=minutes))

    assert (result.outcome, len(shop.received())) == (outcome, received)
    is_open = PendingMessage(key_of(FIRST), "guide") in shop.open_messages()
    assert is_open == (outcome is Outcome.IN_DOUBT)
    if received:
        assert "by the rule's choice" in result.message
        assert result.settled == "freed"


def test_the_rules_choice_risks_a_second_one_and_no_third(shop: Shop) -> None:
    shop.crash(shop.message(), sent=True)
    shop.later(20 * 60)
    unreadable(shop)
    effect = a_message(shop, in_doubt="resend", minutes=24)

    first, second = deliver(shop, effect), deliver(shop, effect)

    assert (first.outcome, second.outcome) == (Outcome.ACCEPTED, Outcome.SKIPPED)
    assert len(shop.received()) == 2


@pytest.mark.parametrize(("in_doubt", "received"), [("resend", 1), ("wait", 0)])
def test_a_time_out_near_the_deadline_is_waited_out_in_the_same_run_for_no_other_may_come(
    in_doubt: str, received: int, shop: Shop
) -> None:
    shop.settle_seconds = 1.0
    shop.world.world.faults.append(Fault("sens", "POST", "drop_before"))
    unreadable(shop)

    result = deliver(shop, a_message(shop, in_doubt=in_doubt, minutes=10))

    assert len(shop.received()) == received
    assert result.outcome is (Outcome.ACCEPTED if received else Outcome.IN_DOUBT)


def test_a_log_that_can_be_read_again_after_the_wait_is_believed_and_not_the_rule(
    shop: Shop,
) -> None:
    shop.settle_seconds = 1.0
    shop.world.world.faults.append(Fault("sens", "POST", "drop_after"))
    attempts = shop.settings.sens.attempts
    shop.world.world.faults.append(Fault("sens", "GET", "status:503", times=attempts))

    result = deliver(shop, a_message(shop, in_doubt="resend", minutes=10))

    assert (result.outcome, len(shop.received())) == (Outcome.ADOPTED, 1)


def test_what_sens_may_still_take_is_not_risked_whatever_the_rule_says(shop: Shop) -> None:
    shop.crash(shop.message(), sent=False)
    shop.later(5 * 60)  # a frozen process could still send it
    unreadable(shop)

    result = deliver(shop, a_message(shop, in_doubt="resend", minutes=10))

    assert (result.outcome, shop.received()) == (Outcome.IN_DOUBT, [])
    assert shop.ledger().state == MessageStatus.CLAIMED


def test_an_unclear_doubt_is_not_risked_for_the_log_can_be_read(shop: Shop) -> None:
    shop.crash(shop.message(), sent=False)
    shop.send(shop.message().to, "아무도 모르는 문자")
    shop.later(20 * 60)

    result = deliver(shop, a_message(shop, in_doubt="resend", minutes=10))

    assert result.outcome is Outcome.IN_DOUBT
    assert result.settled == "unclear"
    assert len(shop.received()) == 1
