from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import presence_of_element_located
from selenium.webdriver.support.ui import WebDriverWait

from sandbox.server import Sandbox

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)


@pytest.fixture
def visitor(world: Sandbox) -> requests.Session:
    world.world.cookies.kill_all()
    return requests.Session()


def send_form(
    world: Sandbox,
    session: requests.Session,
    *,
    keep: bool = True,
    password: str | None = None,
    **more: str,
) -> requests.Response:
    account = world.world.account
    form = {"id": account.username, "pw": password or account.password, "url": world.urls["www"]}
    if keep:
        form["keep"] = "on"
    return session.post(f"{world.urls['nid']}/nidlogin.login", data={**form, **more}, timeout=10)


def my_info(world: Sandbox, session: requests.Session) -> requests.Response:
    url = f"{world.urls['nid']}/user2/help/myInfoV2?lang=ko_KR"
    return session.get(url, allow_redirects=False, timeout=5)


def is_logged_in(world: Sandbox, session: requests.Session) -> bool:
    return my_info(world, session).status_code == 200


def test_the_page_has_the_ids_that_people_rely_on(
    world: Sandbox, visitor: requests.Session
) -> None:
    page = visitor.get(
        f"{world.urls['nid']}/nidlogin.login",
        params={"mode": "form", "url": world.urls["www"]},
        timeout=5,
    ).text

    for wanted in ('id="frmNIDLogin"', 'id="id"', 'id="pw"', 'id="log.login"', 'id="keep"'):
        assert wanted in page
    assert world.urls["www"] in page
    assert "NNB" in visitor.cookies


def test_a_right_login_sets_the_cookies_and_returns_to_the_address(
    world: Sandbox, visitor: requests.Session
) -> None:
    answer = send_form(world, visitor)

    assert answer.url.startswith(world.urls["www"])
    assert {"NID_AUT", "NID_SES", "NNB"} <= set(visitor.cookies.keys())
    assert is_logged_in(world, visitor)


def test_the_cookies_are_http_only_host_only_and_last_when_kept(
    world: Sandbox, visitor: requests.Session
) -> None:
    send_form(world, visitor, keep=True)
    kept = {c.name: c for c in visitor.cookies}

    other = requests.Session()
    send_form(world, other, keep=False)
    unkept = {c.name: c for c in other.cookies}

    for name in ("NID_AUT", "NID_SES"):
        assert kept[name].has_nonstandard_attr("HttpOnly")
        assert not kept[name].domain_specified
        assert kept[name].expires is not None
        assert unkept[name].expires is None


def test_a_login_works_for_the_booking_api_too(world: Sandbox, visitor: requests.Session) -> None:
    send_form(world, visitor)

    answer = visitor.get(
        f"{world.urls['partner']}/api/businesses/1051707/bookings", timeout=5, allow_redirects=False
    )

    assert answer.status_code == 200


@pytest.mark.parametrize("mode", ["ok", "new_device", "captcha", "two_step", "protected"])
def test_a_wrong_password_is_told_in_navers_words(
    world: Sandbox, visitor: requests.Session, mode: str
) -> None:
    world.world.account.mode = mode

    page = send_form(world, visitor, password="falsch")

    assert 'id="err_common"' in page.text
    assert "비밀번호가 잘못 되었습니다" in page.text
    assert "/nidlogin.login" in page.url
    assert not is_logged_in(world, visitor)


def test_the_mode_wrong_password_refuses_the_right_one(
    world: Sandbox, visitor: requests.Session
) -> None:
    world.world.account.mode = "wrong_password"

    page = send_form(world, visitor)

    assert 'class="error_message"' in page.text
    assert not is_logged_in(world, visitor)


@pytest.mark.parametrize("save", ["0", "1"])
def test_the_new_device_page_lets_both_buttons_through(
    world: Sandbox, visitor: requests.Session, save: str
) -> None:
    world.world.account.mode = "new_device"
    page = send_form(world, visitor)
    assert 'id="new.save"' in page.text
    assert 'id="new.dontsave"' in page.text
    assert not is_logged_in(world, visitor)
    ticket = page.text.split('name="ticket" value="')[1].split('"')[0]

    visitor.post(
        f"{world.urls['nid']}/nidlogin.new", data={"ticket": ticket, "save": save}, timeout=5
    )

    assert is_logged_in(world, visitor)


def test_a_captcha_comes_with_a_picture_and_wants_its_answer(
    world: Sandbox, visitor: requests.Session
) -> None:
    world.world.account.mode = "captcha"
    page = send_form(world, visitor)
    picture = visitor.get(f"{world.urls['nid']}/captcha.png", timeout=5)

    assert 'id="captchaimg"' in page.text
    assert 'id="captcha"' in page.text
    assert "영수증" in page.text
    assert picture.content.startswith(b"\x89PNG")
    send_form(world, visitor, captcha="wrong")
    assert not is_logged_in(world, visitor)
    send_form(world, visitor, captcha=world.world.account.captcha_answer)
    assert is_logged_in(world, visitor)


def test_the_second_step_waits_for_the_owners_phone(
    world: Sandbox, visitor: requests.Session
) -> None:
    world.world.account.mode = "two_step"
    page = send_form(world, visitor)
    again = page.text.split('class="two_factor_again" href="')[1].split('"')[0]

    assert "2단계 인증" in page.text
    visitor.get(world.urls["nid"] + again, timeout=5)
    assert not is_logged_in(world, visitor)
    world.world.account.two_step_approved = True
    visitor.get(world.urls["nid"] + again, timeout=5)
    assert is_logged_in(world, visitor)


def test_a_protected_account_ends_on_its_own_page(
    world: Sandbox, visitor: requests.Session
) -> None:
    world.world.account.mode = "protected"

    page = send_form(world, visitor)

    assert "idSafetyRelease" in page.url
    for text in ("비정상적인 활동", "보호(잠금) 조치", "이용제한", "본인 확인"):
        assert text in page.text
    assert not is_logged_in(world, visitor)


def test_a_hanging_login_gives_no_answer_until_it_is_released(
    world: Sandbox, visitor: requests.Session
) -> None:
    account = world.world.account
    account.mode = "hang"

    with pytest.raises(requests.ReadTimeout):
        visitor.post(
            f"{world.urls['nid']}/nidlogin.login",
            data={"id": account.username, "pw": account.password},
            timeout=0.3,
        )
    account.released.set()

    assert account.attempts == 1


def test_every_attempt_is_counted_per_account(world: Sandbox, visitor: requests.Session) -> None:
    account = world.world.account

    send_form(world, visitor, password="falsch")
    send_form(world, visitor, id="jemand")
    send_form(world, visitor)

    assert account.attempts == 3
    assert account.attempts_by_id == {account.username: 2, "jemand": 1}


def test_my_info_sends_a_stranger_to_the_login(world: Sandbox, visitor: requests.Session) -> None:
    answer = my_info(world, visitor)

    assert answer.status_code == 302
    assert "/nidlogin.login" in answer.headers["location"]


def test_log_ins_end_by_the_worlds_clock_and_by_a_log_in_elsewhere(
    world: Sandbox, visitor: requests.Session
) -> None:
    send_form(world, visitor)
    world.world.offset += timedelta(days=29)
    assert is_logged_in(world, visitor)
    world.world.offset += timedelta(days=2)
    assert not is_logged_in(world, visitor)

    send_form(world, visitor)
    assert is_logged_in(world, visitor)
    world.world.cookies.kill_all()
    assert not is_logged_in(world, visitor)


def test_a_login_never_leads_off_this_machine(world: Sandbox, visitor: requests.Session) -> None:
    answer = send_form(world, visitor, url="https://www.naver.com/")

    assert answer.url.startswith(world.urls["nid"])


@pytest.fixture
def chromium() -> Iterator[webdriver.Chrome]:
    folder = tempfile.mkdtemp(prefix="sandbox-chromium-")
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in (*FLAGS, f"--user-data-dir={folder}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
    driver.set_page_load_timeout(30)
    yield driver
    driver.quit()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.browser
def test_a_real_browser_logs_in_the_way_the_legacy_did(
    world: Sandbox, visitor: requests.Session, chromium: webdriver.Chrome
) -> None:
    account, nid, www = world.world.account, world.urls["nid"], world.urls["www"]
    chromium.get(f"{world.urls['smartplace']}/")
    chromium.get(f"{nid}/nidlogin.login?mode=form&url={www}")

    for field, value in (("id", account.username), ("pw", account.password)):
        chromium.execute_script(
            "document.querySelector(arguments[0]).setAttribute('value', arguments[1])",
            f"#{field}",
            value,
        )
    chromium.find_element(By.ID, "keep").click()
    chromium.find_element(By.ID, "log.login").click()
    WebDriverWait(chromium, 10).until(lambda driver: driver.current_url.startswith(www))

    cookies = {cookie["name"]: cookie for cookie in chromium.get_cookies()}
    assert {"NID_AUT", "NID_SES", "NNB"} <= set(cookies)
    assert cookies["NID_SES"]["httpOnly"]
    assert "expiry" in cookies["NID_SES"]
    chromium.get(f"{nid}/user2/help/myInfoV2?lang=ko_KR")
    assert "login" not in chromium.current_url
    assert account.attempts == 1
    chromium.delete_all_cookies()
    for cookie in world.world.cookies.issue(world.world.now()).selenium_cookies():
        chromium.add_cookie(cookie)
    chromium.get(f"{nid}/user2/help/myInfoV2?lang=ko_KR")
    assert "login" not in chromium.current_url


@pytest.mark.browser
def test_a_real_browser_sees_each_interruption(
    world: Sandbox, visitor: requests.Session, chromium: webdriver.Chrome
) -> None:
    account, nid, www = world.world.account, world.urls["nid"], world.urls["www"]
    seen = {
        "wrong_password": (By.CSS_SELECTOR, "#err_common .error_message"),
        "captcha": (By.ID, "captchaimg"),
        "two_step": (By.CSS_SELECTOR, "[class*=two_factor]"),
        "protected": (By.CLASS_NAME, "btn_next"),
        "new_device": (By.ID, "new.dontsave"),
    }
    for mode, place in seen.items():
        account.mode = mode
        chromium.get(f"{nid}/nidlogin.login?mode=form&url={www}")
        chromium.find_element(By.ID, "id").send_keys(account.username)
        chromium.find_element(By.ID, "pw").send_keys(account.password)
        chromium.find_element(By.ID, "log.login").click()
        found = WebDriverWait(chromium, 10).until(presence_of_element_located(place))
        assert found.is_displayed(), mode

    found.click()
    WebDriverWait(chromium, 10).until(lambda driver: driver.current_url.startswith(www))
    session_cookie = chromium.get_cookie("NID_AUT")
    assert session_cookie is not None
    assert "expiry" not in session_cookie
