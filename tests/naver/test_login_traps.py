"""Pages on which no password may be typed, and what the browser must never say aloud."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from flask import Flask, redirect, request
from werkzeug.serving import make_server
from werkzeug.wrappers import Response

from naverplace.base.errors import CaptchaRequired, PageChanged
from naverplace.naver.browser import Programs, open_browser
from naverplace.naver.login import NaverAuthenticator, _origin
from naverplace.settings.schema import NaverSettings, Settings
from sandbox.server import Sandbox

FORM = """<form method="post"><input id="id" name="id"><input id="pw" name="pw" type="password">
{}<button id="log.login">go</button></form>"""
CAPTCHA = '<p id="captchaimg">picture</p><input id="captcha" name="captcha">'

Page = Callable[[], str | Response]


@contextmanager
def a_site(page: Page) -> Iterator[tuple[str, list[str]]]:
    """Serve one login page, and list what is posted to it."""
    app, posted = Flask("trap"), list[str]()

    @app.route("/nidlogin.login", methods=["GET", "POST"])
    def login() -> str | Response:
        if request.method == "POST":
            posted.append(request.get_data(as_text=True))
        return page()

    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", posted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def log_in_at(url: str, naver: NaverSettings) -> None:
    NaverAuthenticator(naver.model_copy(update={"nid_url": url, "login_timeout": 5.0})).log_in()


@pytest.mark.browser
def test_no_password_is_sent_where_a_captcha_waits_from_the_start(settings: Settings) -> None:
    with a_site(lambda: FORM.format(CAPTCHA)) as (url, posted):
        with pytest.raises(CaptchaRequired):
            log_in_at(url, settings.naver)

        assert posted == []


@pytest.mark.browser
def test_no_password_is_sent_to_another_host_than_the_login_sites(settings: Settings) -> None:
    with a_site(lambda: FORM.format("")) as (elsewhere, posted):
        foreign = elsewhere.replace("127.0.0.1", "localhost") + "/nidlogin.login"
        with a_site(lambda: redirect(foreign)) as (url, _), pytest.raises(PageChanged) as caught:
            log_in_at(url, settings.naver)

        assert "led to http://localhost:" in str(caught.value)
        assert posted == []


@pytest.mark.browser
def test_no_password_is_sent_by_a_form_that_posts_to_another_origin(settings: Settings) -> None:
    with a_site(lambda: FORM.format("")) as (elsewhere, posted):
        form = FORM.format("").replace("<form", f'<form action="{elsewhere}/nidlogin.login"')
        with a_site(lambda: form) as (url, _), pytest.raises(PageChanged, match="no password"):
            log_in_at(url, settings.naver)

        assert posted == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://nid.naver.com", "https://nid.naver.com:443/nidlogin.login?mode=form", True),
        ("https://nid.naver.com", "https://NID.naver.com/", True),
        ("https://nid.naver.com", "http://nid.naver.com/nidlogin.login", False),
        ("https://nid.naver.com", "http://nid.naver.com:443/nidlogin.login", False),
        ("https://nid.naver.com", "https://nid.naver.com:8443/nidlogin.login", False),
        ("https://nid.naver.com", "https://nid.naver.com@elsewhere.example/", False),
        ("https://nid.naver.com", "https://nid.naver.com:x/", False),
    ],
)
def test_the_login_site_is_its_scheme_host_and_port(one: str, other: str, same: bool) -> None:
    assert (_origin(one) == _origin(other)) is same


@pytest.mark.browser
def test_selenium_does_not_log_what_is_typed_or_which_cookies_come_back(
    world: Sandbox, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    NaverAuthenticator(settings.naver).log_in()

    login = world.world.cookies.alive[-1]
    for secret in (login.aut, login.ses, world.world.account.password):
        assert secret not in caplog.text


@pytest.mark.browser
def test_a_second_browser_waits_until_the_first_is_gone(settings: Settings) -> None:
    naver = settings.naver
    programs = Programs(naver.chromium_path, naver.chromedriver_path)
    order: list[str] = []

    def second() -> None:
        with open_browser(programs, page_seconds=5):
            order.append("second is there")

    with open_browser(programs, page_seconds=5):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(2)
        order.append("first ends")
    thread.join()

    assert order == ["first ends", "second is there"]
