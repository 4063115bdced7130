"""The Telegram client against the sandbox's Bot API."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from naverplace.base.errors import (
    NaverPlaceError,
    OutcomeUnknown,
    Refused,
    ServiceUnavailable,
    Throttled,
)
from naverplace.messaging.telegram import LIMIT, Telegram, split_text, units
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.delivery_builders import quick


@pytest.fixture
def telegram(settings: Settings) -> Telegram:
    return a_bot(settings)


def a_bot(settings: Settings, **changes: Any) -> Telegram:
    return Telegram(quick(settings).telegram.model_copy(update=changes))


def texts(world: Sandbox) -> list[str]:
    return [str(message["text"]) for message in world.world.telegram]


def asked(world: Sandbox) -> int:
    return len([seen for seen in world.world.requests if seen.service == "telegram"])


@pytest.mark.parametrize("text", ["문자 23건 접수", "a_b *c* [d](e) <f> `g` \\h!", "🚨 가\n나"])
def test_a_text_arrives_as_it_is(text: str, world: Sandbox, telegram: Telegram) -> None:
    telegram.send(text)

    assert texts(world) == [text]


def test_a_long_text_arrives_in_parts_at_line_ends(world: Sandbox, telegram: Telegram) -> None:
    lines = [f"{n:03} " + "가" * 90 for n in range(100)]

    telegram.send("\n".join(lines))

    assert len(texts(world)) == 3
    assert "\n".join(texts(world)).split("\n") == lines


@given(st.text(alphabet=st.sampled_from("ab 가🚨\n"), max_size=200), st.integers(2, 40))
def test_no_part_is_too_long_and_no_sign_is_lost(text: str, limit: int) -> None:
    parts = split_text(text, limit)

    assert all(units(part) <= limit for part in parts)
    assert all(part.strip() for part in parts)
    assert "".join("".join(parts).split()) == "".join(text.split())


def test_a_text_that_just_fits_stays_whole() -> None:
    assert split_text("가" * LIMIT) == ["가" * LIMIT]
    assert [len(part) for part in split_text("🚨" * (LIMIT // 2 + 1))] == [LIMIT // 2, 1]


@pytest.mark.parametrize("text", ["", " \n "])
def test_an_empty_text_is_refused_before_it_is_sent(
    text: str, world: Sandbox, telegram: Telegram
) -> None:
    with pytest.raises(Refused, match="no text"):
        telegram.send(text)

    assert asked(world) == 0


def test_a_wait_that_telegram_asks_for_is_kept(world: Sandbox, telegram: Telegram) -> None:
    world.world.faults.append(Fault("telegram", "", "status:429", value=1))

    telegram.send("하나")

    first, second = [seen.at for seen in world.world.requests if seen.service == "telegram"]
    assert (second - first).total_seconds() >= 1
    assert texts(world) == ["하나"]


def test_a_wait_that_is_too_long_is_not_kept(world: Sandbox, telegram: Telegram) -> None:
    world.world.faults.append(Fault("telegram", "", "status:429", value=3600, times=None))

    with pytest.raises(Throttled) as error:
        telegram.send("하나")

    assert error.value.retry_after == 3600
    assert asked(world) == 1


@pytest.mark.parametrize(
    "kind",
    [
        "timeout_before",
        "timeout_after",
        "drop_before",
        "drop_after",
        "status:502",
        "html",
        "truncate_text",
    ],
)
def test_what_may_have_been_taken_is_not_sent_again(
    kind: str, world: Sandbox, settings: Settings
) -> None:
    world.world.faults.append(Fault("telegram", "", kind, times=None))

    with pytest.raises(OutcomeUnknown):
        a_bot(settings, timeout=0.5).send("하나")

    assert asked(world) == 1


def test_half_of_a_text_counts_as_unknown(world: Sandbox, telegram: Telegram) -> None:
    world.world.faults.append(Fault("telegram", "", "status:403", after=1))

    with pytest.raises(OutcomeUnknown, match="only 1 of 2 parts"):
        telegram.send("가" * (LIMIT + 1))


def test_a_wrong_token_is_refused_with_advice(world: Sandbox, settings: Settings) -> None:
    bot = a_bot(settings, bot_token=SecretStr("1:wrong"))

    for act in (bot.check, lambda: bot.send("하나")):
        with pytest.raises(Refused, match="BOT_TOKEN"):
            act()


def test_an_unknown_chat_is_refused_with_advice(world: Sandbox, settings: Settings) -> None:
    bot = a_bot(settings, chat_id="-42")

    for act in (bot.check, lambda: bot.send("하나")):
        with pytest.raises(Refused, match="CHAT_ID"):
            act()


def test_a_check_sends_nothing(world: Sandbox, telegram: Telegram) -> None:
    telegram.check()

    assert texts(world) == []


@pytest.mark.parametrize(
    "kind", ["status:401", "status:404", "status:500", "status:429", "drop_before", "html"]
)
def test_no_error_holds_the_token(kind: str, world: Sandbox, settings: Settings) -> None:
    world.world.faults.append(Fault("telegram", "", kind, times=None, value=0))
    bot = a_bot(settings)
    token = bot.settings.bot_token.get_secret_value()

    with pytest.raises(NaverPlaceError) as error:
        bot.send("하나")

    shown = "".join(traceback.format_exception(error.value))
    assert token not in shown
    assert token.partition(":")[2].partition("+")[0] not in shown


def test_an_unreachable_telegram_was_never_sent_anything(settings: Settings) -> None:
    bot = a_bot(settings, url="http://127.0.0.1:9")

    with pytest.raises(ServiceUnavailable, match="nothing was sent") as error:
        bot.send("하나")

    assert bot.settings.bot_token.get_secret_value() not in "".join(
        traceback.format_exception(error.value)
    )
