"""The modelled legacy's login (L1-L3): a real browser where it uses one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from legacy import run as legacy_run
from legacy.login import cookies_for
from legacy.settings import LegacySettings, from_sandbox
from sandbox.faults import Fault
from sandbox.server import Sandbox


def with_browser(world: Sandbox) -> LegacySettings:
    return from_sandbox(world.environment(), check_in_browser=True)


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
def test_l2_l3_a_real_browser_checks_good_cookies_and_logs_in_without_them(world: Sandbox) -> None:
    cookies_for(with_browser(world))

    # On the shop's page first, then the page that asks for a login (L3); none was needed.
    assert "/user2/help/myInfoV2" in opened(world)
    assert world.world.login_attempts == 0

    world.forget_session()
    world.world.requests.clear()
    cookies_for(with_browser(world))

    assert world.world.login_attempts == 1
    assert "/nidlogin.login" in opened(world)
    assert "/user2/help/myInfoV2" not in opened(world)
    assert stored(world) >= {"NID_AUT", "NID_SES"}

    world.world.cookies.kill_all()
    cookies = cookies_for(with_browser(world))

    assert world.world.login_attempts == 2
    assert {c["value"] for c in cookies} > {world.world.cookies.alive[-1].ses}


@pytest.mark.browser
def test_l1_a_read_error_counts_as_no_cookies_and_l2_a_refused_login_goes_unnoticed(
    world: Sandbox,
) -> None:
    world.world.faults.append(Fault("aws", "GetItem", "status:400", value="Refused"))
    world.world.account.mode = "wrong_password"

    settings = replace(with_browser(world), check_in_browser=False)
    assert legacy_run.run(settings) == "success"

    assert world.world.login_attempts == 1
    assert [text["text"] for text in world.world.telegram] == ["요청중 오류 발생"]
