"""The sandbox's Telegram keeps the Bot API's rules (outside-services: Telegram sendMessage)."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox.server import Sandbox


def call(world: Sandbox, method: str, *, token: str = "", **values: Any) -> requests.Response:
    url = f"{world.urls['telegram']}/bot{token or world.world.bot.token}/{method}"
    return requests.post(url, json=values, timeout=10)


def send(world: Sandbox, text: Any, **values: Any) -> requests.Response:
    return call(world, "sendMessage", **{"chat_id": world.world.bot.chat_id, "text": text} | values)


def test_a_message_is_stored_and_answered(world: Sandbox) -> None:
    answer = send(world, "안녕하세요").json()

    assert answer["ok"] is True
    assert answer["result"]["message_id"] == 1
    assert answer["result"]["date"] == int(world.world.now().timestamp())
    assert world.world.telegram[0]["text"] == "안녕하세요"


def test_the_bot_and_its_chat_can_be_asked(world: Sandbox) -> None:
    assert call(world, "getMe").json()["result"]["is_bot"] is True
    chat = call(world, "getChat", chat_id=world.world.bot.chat_id).json()["result"]
    assert str(chat["id"]) == world.world.bot.chat_id


@pytest.mark.parametrize(
    ("token", "status"), [("1000000001:guessed", 401), ("no-token-at-all", 404), ("1:a b", 404)]
)
def test_a_wrong_token_is_refused(world: Sandbox, token: str, status: int) -> None:
    answer = call(world, "getMe", token=token)

    assert (answer.status_code, answer.json()["error_code"]) == (status, status)


def test_an_unknown_method_is_not_found(world: Sandbox) -> None:
    assert call(world, "sendPigeon").json()["description"] == "Not Found"


def test_an_unknown_chat_is_refused(world: Sandbox) -> None:
    answer = send(world, "x", chat_id="42")

    assert (answer.status_code, answer.json()["description"]) == (
        400,
        "Bad Request: chat not found",
    )


@pytest.mark.parametrize("text", ["", "  \n ", None])
def test_an_empty_text_is_refused(world: Sandbox, text: Any) -> None:
    assert send(world, text).json()["description"] == "Bad Request: message text is empty"
    assert world.world.telegram == []


@pytest.mark.parametrize(
    ("text", "status"),
    [("가" * 4096, 200), ("가" * 4097, 400), ("🙂" * 2048, 200), ("🙂" * 2049, 400)],
)
def test_length_is_counted_in_utf_16_units(world: Sandbox, text: str, status: int) -> None:
    assert send(world, text).status_code == status


@pytest.mark.parametrize(
    ("mode", "text", "status"),
    [
        (None, "_*[`<b>", 200),
        ("Markdown", "홍_길동", 400),
        ("Markdown", "홍\\_길동 *굵게*", 200),
        ("MarkdownV2", "10-22", 400),
        ("MarkdownV2", "10\\-22 *굵게*", 200),
        ("MarkdownV2", "*열림", 400),
        ("HTML", "<b>굵게</b> &lt;", 200),
        ("HTML", "<b>열림", 400),
        ("HTML", "a < b", 400),
        ("HTML", "<blink>x</blink>", 400),
        ("HTML", "<b><i>x</b></i>", 400),
        ("LaTeX", "x", 400),
    ],
)
def test_markup_must_parse_in_its_mode(
    world: Sandbox, mode: str | None, text: str, status: int
) -> None:
    assert send(world, text, parse_mode=mode).status_code == status


def test_the_byte_offset_of_an_open_entity_is_named(world: Sandbox) -> None:
    answer = send(world, "홍_길동", parse_mode="Markdown").json()

    assert answer["description"].endswith("starting at byte offset 3")


def test_a_bot_that_was_blocked_is_forbidden(world: Sandbox) -> None:
    world.world.bot.blocked = True

    assert send(world, "x").status_code == 403


def test_a_group_that_moved_says_where_to(world: Sandbox) -> None:
    world.world.bot.migrated_to = -1009999999999

    answer = send(world, "x").json()

    assert answer["parameters"] == {"migrate_to_chat_id": -1009999999999}


def test_too_many_messages_a_minute_must_wait(world: Sandbox) -> None:
    world.world.bot.per_minute = 2
    statuses = [send(world, "x").status_code for _ in range(3)]
    asked = send(world, "x").json()["parameters"]["retry_after"]

    world.world.advance(asked)

    assert statuses == [200, 200, 429]
    assert 50 < asked <= 61
    assert send(world, "x").status_code == 200


def test_values_may_come_as_a_form_or_in_the_query(world: Sandbox) -> None:
    url = f"{world.urls['telegram']}/bot{world.world.bot.token}/sendMessage"
    values = {"chat_id": world.world.bot.chat_id, "text": "x"}

    assert requests.post(url, data=values, timeout=10).ok
    assert requests.get(url, params=values, timeout=10).ok
    assert requests.post(url, json=["x"], timeout=10).status_code == 400
