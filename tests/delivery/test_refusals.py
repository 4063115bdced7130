"""A message that the provider refuses: tried again later and later, given up, always named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.base.clock import SEOUL
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, attribute
from naverplace.domain.results import Outcome
from naverplace.ledger.message_ledger import (
    FIRST_BACK_OFF,
    MAX_REFUSALS,
    Claim,
    ClaimRefused,
    interpret_claim,
    next_try,
)
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.delivery_builders import a_send, deliver_with, quick

NOON = datetime(2025, 10, 22, 12, 0, tzinfo=SEOUL)
KEY = RecordKey("1051707_900000001", "010-0000-0001")
Later = Callable[[float], Settings]


@pytest.fixture
def later(world: Sandbox, world_env: dict[str, str]) -> Later:
    """Move the world's clock by minutes, and load the settings that a run has then."""

    def move(minutes: float) -> Settings:
        world.world.advance(minutes * 60)
        return quick(load_settings(env={**world_env, **world.environment()}, env_file=None))

    return move


def asked(world: Sandbox) -> int:
    return len([seen for seen in world.world.requests if seen.service == "sens"])


def test_a_refused_message_is_tried_again_by_the_next_run_and_not_before(
    world: Sandbox, later: Later
) -> None:
    world.world.faults.append(Fault("sens", "POST", "status:400"))
    now = later(0)
    (first,) = deliver_with(now, [a_send(now, 1)], run_id="first")
    soon = later(8)
    (second,) = deliver_with(soon, [a_send(soon, 1)], run_id="second")
    assert (first.outcome, second.outcome) == (Outcome.REFUSED, Outcome.REFUSED)
    assert "again from 14:11" in second.message
    assert asked(world) == 1

    next_run = later(12)
    (third,) = deliver_with(next_run, [a_send(next_run, 1)], run_id="third")

    assert third.outcome is Outcome.ACCEPTED
    assert len(world.world.messages) == 1


def test_a_changed_text_need_not_wait(world: Sandbox, later: Later) -> None:
    now = later(0)
    deliver_with(now, [replace(a_send(now, 1), sender="0319999999")])

    (result,) = deliver_with(now, [a_send(now, 1)], run_id="mended")

    assert result.outcome is Outcome.ACCEPTED


def test_a_message_that_is_refused_for_ever_is_given_up_but_named_in_every_run(
    world: Sandbox, later: Later
) -> None:
    for run in range(MAX_REFUSALS):
        now = later(60 * 2**run)
        bad = replace(a_send(now, 1), sender="0319999999")
        (result,) = deliver_with(now, [bad], run_id=f"run-{run}")
        assert result.outcome is Outcome.REFUSED
    assert asked(world) == MAX_REFUSALS

    now = later(60 * 24 * 7)
    (result,) = deliver_with(now, [bad], run_id="one-more")

    assert result.outcome is Outcome.REFUSED
    assert "given up" in result.message
    assert asked(world) == MAX_REFUSALS
    (mended,) = deliver_with(now, [a_send(now, 1)], run_id="mended")
    assert mended.outcome is Outcome.ACCEPTED


def test_wrong_keys_never_use_a_messages_attempts_up(world: Sandbox, later: Later) -> None:
    world.world.faults.append(Fault("sens", "POST", "status:401", times=MAX_REFUSALS * 2))
    fast = later(0)
    for run in range(MAX_REFUSALS * 2):
        (result,) = deliver_with(fast, [a_send(fast, 1)], run_id=f"run-{run}")
        assert result.outcome is Outcome.REFUSED

    (result,) = deliver_with(fast, [a_send(fast, 1)], run_id="mended")

    assert result.outcome is Outcome.ACCEPTED


def test_the_waits_double() -> None:
    waits = [
        next_try(LedgerEntry(MessageStatus.REFUSED, refusals=n, settled_at=NOON))
        for n in range(1, MAX_REFUSALS)
    ]

    assert waits == [NOON + FIRST_BACK_OFF * factor for factor in (1, 2, 4, 8)]
    assert timedelta(minutes=20) > FIRST_BACK_OFF  # or every run but each second one is too early


def test_a_message_freed_after_a_refusal_need_not_wait() -> None:
    freed = LedgerEntry(
        MessageStatus.OWED,
        token="t",
        refusals=2,
        settled_at=NOON,
        content_hash="h",
        claimed_at=NOON,
    )
    claim = Claim(
        KEY, "guide", LedgerEntry(MessageStatus.CLAIMED, content_hash="h", claimed_at=NOON)
    )

    met = interpret_claim(claim, {**KEY._asdict(), attribute("guide"): freed.as_map()})

    assert met == freed


@given(
    refusals=st.integers(-3, 10**9),
    waited=st.timedeltas(timedelta(), timedelta(days=300)),
    same=st.booleans(),
)
def test_a_refused_message_is_free_when_it_is_changed_or_its_wait_is_over(
    refusals: int, waited: timedelta, same: bool
) -> None:
    refused = LedgerEntry(
        MessageStatus.REFUSED, refusals=refusals, settled_at=NOON, content_hash="h"
    )
    wanted = LedgerEntry(
        MessageStatus.CLAIMED, content_hash="h" if same else "new", claimed_at=NOON + waited
    )

    met = interpret_claim(
        Claim(KEY, "guide", wanted), {**KEY._asdict(), attribute("guide"): refused.as_map()}
    )

    again = next_try(refused)
    early = again is not None and NOON + waited < again
    if same and refusals >= MAX_REFUSALS:
        assert met == ClaimRefused("given_up", refused)
    elif same and early:
        assert met == ClaimRefused("backing_off", refused)
    else:
        assert met == refused
