"""The real browser and the stored session together: what one process learns, the next one uses."""

from __future__ import annotations

import json

import pytest

from naverplace.base.errors import CaptchaRequired, CoolingDown, NoScreen, WrongPassword
from naverplace.domain.booking import BookingStatus
from naverplace.naver.booking_client import BookingClient
from naverplace.naver.login import NaverAuthenticator
from naverplace.naver.session import log_in_now
from naverplace.naver.session_store import LOGIN_ID
from naverplace.settings.schema import Settings
from sandbox.server import Sandbox
from tests.naver.naver_reading import STORE, open_it


def forget_everything(world: Sandbox) -> None:
    world.forget_session()
    world.world.cookies.kill_all()


def stored(world: Sandbox, key: str) -> dict[str, object]:
    return next((item for item in world.session_items() if item["id"] == key), {})


@pytest.mark.browser
def test_the_first_run_logs_in_and_the_second_opens_no_browser(
    world: Sandbox, settings: Settings
) -> None:
    forget_everything(world)

    first = open_it(settings, NaverAuthenticator(settings.naver))
    second = open_it(settings, NaverAuthenticator(settings.naver))

    assert (first.browser_opened, second.browser_opened) == (True, False)
    assert world.world.login_attempts == 1
    client = BookingClient(second, settings.naver, settings.make_clock())
    assert client.count(STORE, BookingStatus.CONFIRMED) == 3


@pytest.mark.browser
def test_a_session_that_ends_half_way_is_renewed_by_a_real_browser(
    world: Sandbox, settings: Settings
) -> None:
    session = open_it(settings, NaverAuthenticator(settings.naver))
    client = BookingClient(session, settings.naver, settings.make_clock())
    world.world.cookies.kill_all()

    assert len(client.bookings(STORE, BookingStatus.CONFIRMED)) == 3
    assert session.browser_opened
    assert world.world.login_attempts == 1


@pytest.mark.browser
def test_the_strict_check_takes_good_cookies_from_the_table(
    world: Sandbox, settings: Settings
) -> None:
    strict = settings.naver.model_copy(update={"session_check": "browser"})

    session = open_it(settings, NaverAuthenticator(strict), naver=strict)

    assert session.browser_opened
    assert world.world.login_attempts == 0


@pytest.mark.browser
def test_a_login_by_command_ignores_and_ends_a_cool_down(
    world: Sandbox, settings: Settings
) -> None:
    forget_everything(world)
    world.world.account.mode = "wrong_password"

    with pytest.raises(WrongPassword):
        open_it(settings, NaverAuthenticator(settings.naver))
    with pytest.raises(CoolingDown, match="wrong_password"):
        open_it(settings, NaverAuthenticator(settings.naver))
    assert world.world.login_attempts == 1

    world.world.account.mode = "ok"
    count = log_in_now(settings, headed=False)

    assert world.world.login_attempts == 2
    assert count == len(json.loads(str(stored(world, "1")["cookies"])))
    assert stored(world, LOGIN_ID)["failures"] == 0
    assert not open_it(settings, NaverAuthenticator(settings.naver)).browser_opened


@pytest.mark.browser
def test_a_refused_login_by_command_starts_a_cool_down(world: Sandbox, settings: Settings) -> None:
    forget_everything(world)
    world.world.account.mode = "captcha"

    with pytest.raises(CaptchaRequired):
        log_in_now(settings, headed=False)

    assert stored(world, LOGIN_ID)["reason"] == "captcha"
    assert stored(world, "1") == {}


def test_a_login_by_hand_without_a_screen_starts_no_cool_down(
    world: Sandbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)

    with pytest.raises(NoScreen):
        log_in_now(settings, headed=True)

    assert stored(world, LOGIN_ID) == {}
