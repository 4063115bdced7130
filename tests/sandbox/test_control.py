"""The control API says what happened, and changes the world; the page shows the phones."""

from __future__ import annotations

import re
from typing import Any

import pytest
import requests

from sandbox.server import Sandbox
from tests.sandbox.signing import Caller


def ask(world: Sandbox, method: str, path: str, body: Any = None) -> requests.Response:
    return requests.request(method, world.urls["control"] + path, json=body, timeout=10)


def test_the_state_names_time_urls_and_counts(world: Sandbox) -> None:
    Caller(world).send()

    state = ask(world, "GET", "/state").json()

    assert state["scenario"] == "quiet"
    assert state["now"].startswith("2025-10-22T14:02:")
    assert state["urls"]["sens"] == world.urls["sens"]
    assert (state["messages"], state["requests"]) == (1, 1)
    assert state["expected"]["messages"] == world.expected["messages"]


def test_the_messages_of_all_three_channels_are_listed(world: Sandbox) -> None:
    Caller(world).send()

    messages = ask(world, "GET", "/messages").json()

    assert [m["status"] for m in messages["sms"]] == ["READY"]
    assert (messages["telegram"], messages["slack"]) == ([], [])


def test_the_requests_of_one_service_can_be_asked(world: Sandbox) -> None:
    Caller(world).send()
    requests.get(world.urls["nid"] + "/www", timeout=10)

    [seen] = ask(world, "GET", "/requests?service=sens").json()

    assert (seen["method"], seen["status"]) == ("POST", 202)
    assert '"to": "01000000001"' in seen["body"]
    assert len(ask(world, "GET", "/requests").json()) == 2
    assert ask(world, "GET", "/requests?service=fax").status_code == 400


def test_faults_are_added_listed_and_taken_away(world: Sandbox) -> None:
    faults = [{"service": "sens", "kind": "status:503", "times": None}, {"service": "nid"}]
    assert ask(world, "POST", "/faults", faults).status_code == 201
    assert Caller(world).send().status_code == 503
    assert [fault["hits"] for fault in ask(world, "GET", "/faults").json()] == [1, 0]

    assert ask(world, "DELETE", "/faults").status_code == 204

    assert Caller(world).send().status_code == 202


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/faults", {"service": "sens", "kind": "explode"}),
        ("/faults", {"kind": "status:500"}),
        ("/faults", {"service": "sens", "colour": "red"}),
        ("/reset", {"scenario": "nonsense"}),
        ("/reset", {}),
        ("/reset", []),
        ("/clock", {}),
        ("/clock", {"now": "2025-10-22T14:00:00"}),
        ("/clock", {"now": "noon"}),
        ("/account", {"mode": "happy"}),
        ("/account", {"expired_variant": "teapot"}),
        ("/bookings", {"action": "add", "store": "1"}),
        ("/bookings", {"action": "burn", "store": "1051707"}),
        ("/bookings", {"action": "cancel", "store": "1051707", "booking_id": 1}),
        ("/bookings", {"store": "1051707"}),
    ],
)
def test_an_order_that_makes_no_sense_is_refused_with_words(
    world: Sandbox, path: str, body: Any
) -> None:
    answer = ask(world, "POST", path, body)

    assert answer.status_code == 400
    assert answer.json()["error"]


def test_a_web_pages_form_gives_no_orders(world: Sandbox) -> None:
    # A browser sends forms to any port of this machine, but not JSON.
    answer = requests.post(
        world.urls["control"] + "/reset", data='{"scenario": "empty"}', timeout=10
    )

    assert answer.status_code == 415


def test_a_reset_begins_another_scenario_at_another_time(world: Sandbox) -> None:
    order = {"scenario": "empty", "now": "2026-01-01T00:00:00+09:00"}

    state = ask(world, "POST", "/reset", order).json()

    assert state["scenario"] == "empty"
    assert state["now"].startswith("2026-01-01T00:00:0")


def test_the_clock_is_set_and_moved(world: Sandbox) -> None:
    ask(world, "POST", "/clock", {"now": "2025-10-22T20:05:00+09:00"})
    moved = ask(world, "POST", "/clock", {"advance_seconds": 60}).json()

    assert moved["now"].startswith("2025-10-22T20:06:0")


def test_the_account_is_switched(world: Sandbox) -> None:
    order = {"mode": "captcha", "expired_variant": "html", "log_out": True}

    account = ask(world, "POST", "/account", order).json()

    assert account == {
        "mode": "captcha",
        "attempts": 0,
        "logged_in": 0,
        "expired_variant": "html",
    }


def test_a_booking_comes_changes_and_is_cancelled(world: Sandbox) -> None:
    store, order = "1051707", {"store": "1051707", "start": "2025-10-23T15:00:00+09:00"}
    before = len(world.world.stores[store])

    added = ask(world, "POST", "/bookings", {**order, "action": "add", "name": "새손님"}).json()
    known = {"store": store, "booking_id": added["bookingId"]}
    changes = {"name": "바뀐이"}
    changed = ask(
        world, "POST", "/bookings", {**known, "action": "change", "changes": changes}
    ).json()
    cancelled = ask(world, "POST", "/bookings", {**known, "action": "cancel"}).json()

    assert len(world.world.stores[store]) == before + 1
    assert added["snapshotJson"]["startDateTime"] == "2025-10-23T06:00:00Z"
    assert (added["bookingStatusCode"], changed["name"]) == ("RC03", "바뀐이")
    assert (cancelled["bookingStatusCode"], cancelled["cancelledDateTime"][-6:]) == (
        "RC04",
        "+09:00",
    )


def test_the_page_shows_one_phone_for_each_number(world: Sandbox) -> None:
    raw = world.world.stores["1051707"][0]
    for text in ("첫 문자", "<b>둘째</b>"):
        Caller(world).send(messages=[{"to": raw["phone"]}], content=text)
    Caller(world).send(messages=[{"to": "01000009901"}], content="⬇")
    world.world.advance(10)

    page = ask(world, "GET", "/")

    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert page.text.count('class="phone"') == 2
    assert raw["name"] in page.text
    assert raw["businessName"] in page.text
    assert "&lt;b&gt;둘째&lt;/b&gt;" in page.text  # a text never becomes markup
    assert "실패 2002" in page.text


def test_the_page_shows_what_the_owner_got(world: Sandbox) -> None:
    token, chat = world.world.bot.token, world.world.bot.chat_id
    url = f"{world.urls['telegram']}/bot{token}/sendMessage"
    requests.post(url, json={"chat_id": chat, "text": "요약입니다"}, timeout=10)
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "A &amp; B"}}]
    hook = world.urls["slack"] + world.world.hook.path
    requests.post(hook, json={"blocks": blocks}, timeout=10)

    page = ask(world, "GET", "/").text

    assert "요약입니다" in page
    assert "A &amp; B" in page
    assert "아직 받은 문자가 없습니다" in page


def test_the_page_loads_nothing_from_elsewhere(world: Sandbox) -> None:
    page = ask(world, "GET", "/").text

    assert not re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", page)
