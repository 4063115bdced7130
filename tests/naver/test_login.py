"""A real Chromium logs in to the sandbox, is refused, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

from naverplace.base.errors import (
    BrowserMissing,
    CaptchaRequired,
    LoginFailed,
    NewDevice,
    NoScreen,
    PageChanged,
    Protected,
    ServiceUnavailable,
    TwoStep,
    WrongPassword,
)
from naverplace.naver.browser import PLACE, PREFIX, Programs, has_sandbox, open_browser
from naverplace.naver.login import NaverAuthenticator
from naverplace.naver.login_page import Page, find_obstacle
from naverplace.naver.session_store import Cookie
from naverplace.settings.schema import NaverSettings, Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox

OURS = f"{PREFIX}{os.getpid()}-"  # other test runs may have browsers of their own
SHORT = {"login_timeout": 8.0}


@pytest.fixture
def naver(world: Sandbox, settings: Settings) -> NaverSettings:
    world.world.cookies.kill_all()
    return settings.naver.model_copy(update=SHORT)


@pytest.fixture
def clean() -> Iterator[None]:
    """Hold the test to leaving no browser and no directory behind."""
    before = directories()
    yield
    assert browsers() == []
    assert directories() == before


def directories() -> set[str]:
    return {str(path) for path in Path(PLACE).glob(f"{OURS}*")}


def browsers() -> list[str]:
    """List what runs below us, or in a directory of ours, other than what is dead already."""
    mine = {child.pid for child in psutil.Process().children(recursive=True)}
    found = []
    for process in psutil.process_iter(["pid", "name", "cmdline", "status"]):
        seen = process.info
        words = " ".join(seen["cmdline"] or [])
        is_chrome = "chrom" in seen["name"] and (seen["pid"] in mine or OURS in words)
        if is_chrome and seen["status"] != psutil.STATUS_ZOMBIE:
            found.append(f"{seen['pid']} {words[:80]}")
    return found


def programs(naver: NaverSettings) -> Programs:
    return Programs(naver.chromium_path, naver.chromedriver_path)


def everything_said(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
def test_a_login_brings_the_cookies_home_and_they_pass_the_legacys_check(
    world: Sandbox, naver: NaverSettings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="naverplace")
    authenticator = NaverAuthenticator(naver)

    cookies = authenticator.log_in()

    by_name = {cookie["name"]: cookie for cookie in cookies}
    login = world.world.cookies.alive[-1]
    assert by_name["NID_AUT"]["value"] == login.aut
    assert by_name["NID_SES"]["value"] == login.ses
    assert all(type(cookie.get("expiry", 0)) is int for cookie in cookies)
    assert world.world.login_attempts == 1
    assert authenticator.check_in_browser(cookies)
    assert world.world.login_attempts == 1
    assert login.ses not in caplog.text
    assert world.world.account.password not in caplog.text


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
def test_cookies_that_naver_forgot_fail_the_legacys_check(
    world: Sandbox, naver: NaverSettings
) -> None:
    world.log_in()
    cookies: list[Cookie] = [
        dict(cookie) for cookie in world.world.cookies.alive[-1].selenium_cookies()
    ]
    foreign = {"name": "else", "value": "x", "domain": ".example.org", "path": "/"}
    world.world.cookies.kill_all()

    assert not NaverAuthenticator(naver).check_in_browser([*cookies, foreign])
    assert world.world.login_attempts == 0


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("wrong_password", WrongPassword),
        ("captcha", CaptchaRequired),
        ("new_device", NewDevice),
        ("two_step", TwoStep),
        ("protected", Protected),
    ],
)
def test_a_page_that_wants_a_person_is_named_and_never_answered(
    world: Sandbox, naver: NaverSettings, mode: str, expected: type[LoginFailed]
) -> None:
    world.world.account.mode = mode

    with pytest.raises(expected) as caught:
        NaverAuthenticator(naver).log_in()

    assert type(caught.value) is expected
    assert world.world.login_attempts == 1
    said = everything_said(caught.value)
    assert world.world.account.password not in said
    assert world.world.account.username not in said
    assert caught.value.__cause__ is None


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
def test_a_login_that_is_never_answered_ends_in_time(world: Sandbox, naver: NaverSettings) -> None:
    world.world.account.mode = "hang"
    started = time.monotonic()

    with pytest.raises(PageChanged):
        NaverAuthenticator(naver.model_copy(update={"login_timeout": 3.0})).log_in()

    assert time.monotonic() - started < 30
    assert world.world.login_attempts == 1


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("kind", ["status:503", "drop_before"])
def test_a_login_site_that_is_down_is_transient_and_no_attempt(
    world: Sandbox, naver: NaverSettings, kind: str
) -> None:
    world.world.faults.append(Fault("nid", "GET /nidlogin.login", kind, times=None))

    with pytest.raises(ServiceUnavailable) as caught:
        NaverAuthenticator(naver).log_in()

    assert world.world.login_attempts == 0
    assert "?" not in str(caught.value)


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
def test_a_page_without_the_form_is_a_changed_page_and_gets_no_password(
    world: Sandbox, naver: NaverSettings
) -> None:
    world.world.faults.append(Fault("nid", "GET /nidlogin.login", "html", times=None))

    with pytest.raises(PageChanged):
        NaverAuthenticator(naver.model_copy(update={"login_timeout": 2.0})).log_in()

    assert world.world.login_attempts == 0


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
def test_a_person_may_take_several_steps(world: Sandbox, naver: NaverSettings) -> None:
    world.world.account.mode = "new_device"
    authenticator = NaverAuthenticator(naver)

    with open_browser(programs(naver), page_seconds=8) as driver:
        done = threading.Event()
        person = threading.Thread(target=act_as_person, args=(world, driver, done))
        person.start()
        try:
            cookies = authenticator.wait_for_person(driver, seconds=20)
        finally:
            done.set()
            person.join()

    assert {"NID_AUT", "NID_SES"} <= {cookie["name"] for cookie in cookies}
    assert world.world.login_attempts == 1


def act_as_person(world: Sandbox, driver: WebDriver, done: threading.Event) -> None:
    """Type, send, and answer the question about the device, each as soon as it is shown."""
    account = world.world.account
    while not done.wait(0.1):
        try:
            if field := driver.find_elements(By.ID, "id"):
                field[0].clear()
                field[0].send_keys(account.username)
                driver.find_element(By.ID, "pw").send_keys(account.password)
                driver.find_element(By.ID, "log.login").click()
            elif button := driver.find_elements(By.ID, "new.dontsave"):
                button[0].click()
        except WebDriverException:
            continue  # the page has just changed under the person's hands


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
def test_nothing_is_left_when_the_visit_ends_with_an_exception(naver: NaverSettings) -> None:
    def break_off() -> None:
        with open_browser(programs(naver), page_seconds=8) as driver:
            driver.get(f"{naver.nid_url}/nidlogin.login")
            assert browsers()
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        break_off()


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
def test_nothing_is_left_when_the_driver_was_killed(naver: NaverSettings) -> None:
    with open_browser(programs(naver), page_seconds=8) as driver:
        driver.get(f"{naver.nid_url}/nidlogin.login")
        for child in psutil.Process().children():
            if "chromedriver" in child.name():
                child.kill()
                child.wait(5)


KILLED = """
import os, signal
from pathlib import Path
from naverplace.naver.browser import Programs, open_browser
with open_browser(Programs(Path("{chromium}"), Path("{driver}")), page_seconds=8):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
def test_the_next_visit_removes_what_a_killed_process_left(naver: NaverSettings) -> None:
    code = KILLED.format(chromium=naver.chromium_path, driver=naver.chromedriver_path)
    killed = subprocess.Popen([sys.executable, "-c", code])
    assert killed.wait(60) == -9
    left = f"{PREFIX}{killed.pid}-"
    assert list(Path(PLACE).glob(f"{left}*"))

    with open_browser(programs(naver), page_seconds=8):
        assert not list(Path(PLACE).glob(f"{left}*"))
        alive = [one for one in psutil.process_iter(["cmdline", "status"]) if left in words_of(one)]

    assert [one for one in alive if one.info["status"] != psutil.STATUS_ZOMBIE] == []


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """Make a folder whose name leaves room for the name of Chromium's socket (108 signs)."""
    with tempfile.TemporaryDirectory(prefix="np", dir=PLACE) as folder:
        yield Path(folder)


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
def test_only_folders_of_our_own_making_are_swept_and_devtools_has_no_port(
    naver: NaverSettings, short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("naverplace.naver.browser.PLACE", str(short_folder))
    swept, link = short_folder / f"{PREFIX}4194303-abc_1", short_folder / f"{PREFIX}4194303-link"
    odd = [short_folder / f"{PREFIX}{name}" for name in ("²-x", "9" * 30 + "-x", "1-X", "-", "x")]
    for folder in (swept, *odd):
        folder.mkdir()
    link.symlink_to(odd[0])
    foreign = short_folder / f"{PREFIX}4194302-other"
    foreign.mkdir()
    if os.geteuid() == 0:
        os.chown(foreign, 65534, 65534)

    with open_browser(programs(naver), page_seconds=8):
        home = next(short_folder.glob(f"{PREFIX}{os.getpid()}-*"))
        mode = home.stat().st_mode & 0o777
        browser = {one.pid for one in psutil.Process().children(recursive=True)}
        listening = {
            one.pid for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN
        }
        names = [psutil.Process(pid).name() for pid in browser & listening]

    assert mode == 0o700
    assert "chromedriver" in names
    assert "chromium" not in names
    assert not swept.exists()
    assert link.is_symlink()
    assert all(folder.is_dir() for folder in odd)
    assert foreign.exists() is (os.geteuid() == 0)


def test_chromium_keeps_its_sandbox_unless_it_is_root_or_has_no_namespaces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    locked_in = ["unshare", "--user", "--map-root-user", "--net", "chroot", "/", "true"]
    may = subprocess.run(locked_in, check=False).returncode == 0
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert has_sandbox.__wrapped__() is may

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert not has_sandbox.__wrapped__()


def words_of(process: psutil.Process) -> str:
    return " ".join(process.info["cmdline"] or [])


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
def test_the_browser_knows_none_of_our_secrets(
    naver: NaverSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAVERPLACE_NAVER__PASSWORD", "invented-password")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "invented-key")

    with open_browser(programs(naver), page_seconds=8):
        told = []
        for child in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):  # some live for a moment only
                if "chrom" in child.name():  # this session may have a Prefect server as well
                    told.append(child.environ())

    assert told
    assert not [name for env in told for name in env if name.startswith(("NAVERPLACE_", "AWS_"))]


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("missing", ["chromium_path", "chromedriver_path"])
def test_a_missing_program_is_named_with_advice(
    world: Sandbox, naver: NaverSettings, missing: str
) -> None:
    broken = naver.model_copy(update={missing: Path("/nowhere/program")})

    with pytest.raises(BrowserMissing, match="/nowhere/program") as caught:
        NaverAuthenticator(broken).log_in()

    assert caught.value.reason == "browser_missing"
    assert "apt-get install chromium" in caught.value.advice
    assert world.world.login_attempts == 0


@pytest.mark.usefixtures("clean")
def test_a_driver_that_ends_at_once_is_a_missing_browser(naver: NaverSettings) -> None:
    broken = naver.model_copy(update={"chromedriver_path": Path("/bin/false")})

    with pytest.raises(BrowserMissing, match="did not start"):
        NaverAuthenticator(broken).log_in()


@pytest.mark.browser
@pytest.mark.usefixtures("clean")
def test_a_browser_that_ends_at_once_is_a_missing_browser(naver: NaverSettings) -> None:
    broken = naver.model_copy(update={"chromium_path": Path("/bin/false")})

    with pytest.raises(BrowserMissing, match="did not start"):
        NaverAuthenticator(broken).log_in()


@pytest.mark.usefixtures("clean")
def test_a_login_by_hand_needs_a_screen(
    naver: NaverSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)

    with pytest.raises(NoScreen, match="DISPLAY"):
        NaverAuthenticator(naver).log_in_by_hand()


LOGIN = "https://nid.naver.com/nidlogin.login"


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (Page(LOGIN, ready=True, form=True), None),
        (Page(LOGIN, ready=False, form=True, error=True), None),
        (Page(LOGIN, ready=True, form=True, error=True), WrongPassword),
        (Page(LOGIN, ready=True, form=True, error=True, captcha=True), CaptchaRequired),
        (Page(LOGIN, ready=True, locked=True), Protected),
        (Page("https://nid.naver.com/user2/help/idsafetyrelease"), Protected),
        (Page("https://www.naver.com/", ready=True, two_step=True, locked=True), None),
    ],
)
def test_a_page_is_judged_by_what_it_shows(page: Page, expected: type[LoginFailed] | None) -> None:
    found = find_obstacle(page)

    assert (type(found) if found else None) is expected


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (Page("https://www.naver.com/", ready=True), True),
        (Page("https://www.naver.com/", ready=False), False),
        (Page("https://www.naver.com/", ready=True, form=True), False),
        (Page(LOGIN, ready=True), False),
        (Page("https://nid.naver.com/signin/v3/finalize", ready=True), False),
        (Page("chrome-error://chromewebdata/", ready=True), False),
        (Page(), False),
    ],
)
def test_a_step_of_the_login_does_not_count_as_logged_in(page: Page, expected: bool) -> None:
    assert page.left_login is expected
