"""The sandbox's Slack keeps an incoming webhook's rules (outside-services: Slack webhook)."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from sandbox.server import Sandbox


def post(world: Sandbox, payload: Any) -> requests.Response:
    return requests.post(world.urls["slack"] + world.world.hook.path, json=payload, timeout=10)


def section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def test_a_message_is_stored_and_answered_with_a_bare_ok(world: Sandbox) -> None:
    answer = post(world, {"text": "요약", "blocks": [section("*문자* 23건")]})

    assert (answer.status_code, answer.text) == (200, "ok")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert world.world.slack[0]["blocks"][0]["text"]["text"] == "*문자* 23건"


def test_a_form_with_a_payload_is_taken_as_well(world: Sandbox) -> None:
    url = world.urls["slack"] + world.world.hook.path

    answer = requests.post(url, data={"payload": json.dumps({"text": "요약"})}, timeout=10)

    assert answer.text == "ok"
    assert world.world.slack[0]["text"] == "요약"


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ({}, "no_text"),
        ({"text": "  "}, "no_text"),
        ([], "invalid_payload"),
        ({"text": 5}, "invalid_payload"),
        ({"text": "x", "blocks": "x"}, "invalid_blocks_format"),
        ({"text": "x", "blocks": [section("x")] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("x" * 3001)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("")]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "section"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "poem"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": ["x"]}, "invalid_blocks"),
        ({"text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
        ({"text": "x", "attachments": "x"}, "invalid_payload"),
    ],
)
def test_a_payload_against_the_rules_is_refused_in_plain_text(
    world: Sandbox, payload: Any, problem: str
) -> None:
    answer = post(world, payload)

    assert (answer.status_code, answer.text) == (400, problem)
    assert world.world.slack == []


def test_a_header_holds_plain_text_of_150_characters(world: Sandbox) -> None:
    def header(text: str) -> dict[str, Any]:
        return {"type": "header", "text": {"type": "plain_text", "text": text}}

    assert post(world, {"blocks": [header("가" * 150), {"type": "divider"}]}).text == "ok"
    assert post(world, {"blocks": [header("가" * 151)]}).text == "invalid_blocks"


def test_text_that_is_not_json_is_an_invalid_payload(world: Sandbox) -> None:
    url = world.urls["slack"] + world.world.hook.path

    answer = requests.post(url, data=b"{text", timeout=10)

    assert (answer.status_code, answer.text) == (400, "invalid_payload")


def test_another_path_is_no_service(world: Sandbox) -> None:
    answer = requests.post(f"{world.urls['slack']}/services/T/B/x", json={"text": "x"}, timeout=10)

    assert (answer.status_code, answer.text) == (404, "no_service")


def test_only_post_is_allowed(world: Sandbox) -> None:
    assert requests.get(world.urls["slack"] + world.world.hook.path, timeout=10).status_code == 405


@pytest.mark.parametrize(
    ("state", "status"), [("no_service", 404), ("channel_is_archived", 410), ("no_text", 400)]
)
def test_a_webhook_that_is_not_alive_says_why(world: Sandbox, state: str, status: int) -> None:
    world.world.hook.state = state

    answer = post(world, {"text": "x"})

    assert (answer.status_code, answer.text) == (status, state)
    assert world.world.slack == []
