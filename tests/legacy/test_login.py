"""The modelled legacy's login (L1-L3): a real browser where it uses one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from legacy import run as legacy_run
from legacy.login import Cookies, cookies_for, open_browser
from legacy.settings import LegacySettings, from_sandbox
from sandbox.faults import Fault
from sandbox.server import Sandbox


@pytest.fixture
def plain(world: Sandbox) -> Sandbox:
    """A shop whose password can be pasted into JavaScript."""
    world.world.account.password = "plain-0000"
    return world


def with_browser(world: Sandbox) -> LegacySettings:
    return from_sandbox(world.environment(), check_in_browser=True)


def log_in(world: Sandbox) -> Cookies:
    settings = with_browser(world)
    return cookies_for(settings, open_browser(settings))


def stored(world: Sandbox) -> set[str]:
    (item,) = [item for item in world.session_items() if item["id"] == "1"]
    return {cookie["name"] for cookie in json.loads(item["cookies"])}


def opened(world: Sandbox) -> list[str]:
    return [seen.path for seen in world.world.requests if seen.service == "nid"]


def test_l1_the_cookies_stand_in_the_table_as_selenium_gave_them(world: Sandbox) -> None:
    cookies = cookies_for(from_sandbox(world.environment()))

    assert {cookie["name"] for cookie in cookies} >= {"NID_AUT", "NID_SES"}
    assert opened(world) == []


@pytest.mark.browser
def test_l2_l3_a_real_browser_checks_good_cookies_and_logs_in_without_them(plain: Sandbox) -> None:
    world = plain
    log_in(world)

    # On the shop's page first, then the page that asks for a login (L3); none was needed.
    assert "/user2/help/myInfoV2" in opened(world)
    assert world.world.login_attempts == 0

    world.forget_session()
    world.world.requests.clear()
    log_in(world)

    assert world.world.login_attempts == 1
    assert opened(world)[:3] == ["/nidlogin.login"] * 3  # opened, refreshed, sent
    assert "/user2/help/myInfoV2" not in opened(world)
    assert stored(world) >= {"NID_AUT", "NID_SES"}

    world.world.cookies.kill_all()
    cookies = log_in(world)

    assert world.world.login_attempts == 2
    assert {c["value"] for c in cookies} > {world.world.cookies.alive[-1].ses}


@pytest.mark.browser
def test_l1_a_read_error_counts_as_no_cookies_and_l2_a_refused_login_goes_unnoticed(
    plain: Sandbox,
) -> None:
    plain.world.faults.append(Fault("aws", "GetItem", "status:400", value="Refused"))
    plain.world.account.mode = "wrong_password"

    settings = replace(with_browser(plain), check_in_browser=False)
    assert legacy_run.run(settings) == "success"

    assert plain.world.login_attempts == 1
    assert [text["text"] for text in plain.world.telegram] == ["요청중 오류 발생"]


@pytest.mark.browser
@pytest.mark.parametrize("cookies", ["", "[]", "null", None])
def test_l1_cookies_that_are_empty_are_none_and_it_logs_in(
    plain: Sandbox, cookies: str | None
) -> None:
    plain.put_session_item({"id": "1"} if cookies is None else {"id": "1", "cookies": cookies})

    cookies_for(from_sandbox(plain.environment()))

    assert plain.world.login_attempts == 1
    assert stored(plain) >= {"NID_AUT", "NID_SES"}


@pytest.mark.browser
@pytest.mark.parametrize("password", ["it's-0000", "plain-0000\\", "sa\"nd\\b'ox-1"])
def test_l2_a_password_with_a_quote_or_a_backslash_fails_without_a_form_sent(
    world: Sandbox, password: str
) -> None:
    world.world.account.password = password
    world.forget_session()

    outcome = legacy_run.observed(from_sandbox(world.environment()))

    assert outcome.died
    assert outcome.died.cause == "L2"
    assert world.world.login_attempts == 0
    assert outcome.telegram == ("요청중 오류 발생",)
    assert world.session_items() == []
