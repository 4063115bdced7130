"""The legacy's login and cookie check with Selenium (L1-L4)."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import boto3
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from legacy.death import Ended, ending
from legacy.settings import LegacySettings

Cookies = list[dict[str, Any]]
KEY = {"id": "1"}


def cookies_for(settings: LegacySettings, browser: Any = None) -> Cookies:
    """Give cookies that the legacy believes in, logging in when it must; closes the browser.

    Raises Ended: the text is no JSON (L1), the login or the check fails (L2, L3), a second run in
    one process finds its browser closed (L30).
    """
    driver = browser
    try:
        stored = _stored(settings)
        if settings.warm_start:
            raise Ended("L30") from ConnectionError("the first run has closed the browser")
        if stored and not driver:
            return stored
        with ending("L2"):
            driver = driver or open_browser(settings)
        if not stored or _expired(driver, settings, stored):
            with ending("L2"):
                _log_in(driver, settings)
                _store(settings, driver.get_cookies())
        cookies: Cookies = driver.get_cookies()
        return cookies
    finally:
        if driver:
            driver.quit()


def _table(settings: LegacySettings) -> Any:
    resource = boto3.resource(
        "dynamodb", region_name=settings.region, endpoint_url=settings.aws_endpoint
    )
    return resource.Table(settings.session_table)


def _stored(settings: LegacySettings) -> Cookies:
    """Read the cookies; any read error counts as none, but a text that is no JSON does not (L1)."""
    try:
        text = _table(settings).get_item(Key=KEY)["Item"]["cookies"]
    except Exception:  # noqa: BLE001 - L1
        return []
    with ending("L1"):
        cookies: Cookies = json.loads(text) if text else []
    return cookies


def _store(settings: LegacySettings, cookies: Cookies) -> None:
    _table(settings).put_item(Item={**KEY, "cookies": json.dumps(cookies)})


def open_browser(settings: LegacySettings) -> Any:
    """Start the browser."""
    options = webdriver.ChromeOptions()
    options.binary_location = settings.chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    return webdriver.Chrome(options=options, service=Service(settings.chromedriver))


def _expired(driver: Any, settings: LegacySettings, cookies: Cookies) -> bool:
    """Add the cookies on the shop's page, open the user's page, and read the URL (L3)."""
    with ending("L3"):
        driver.get(f"{settings.smartplace_url}/")
        for cookie in cookies:
            driver.add_cookie(cookie)
        driver.get(f"{settings.nid_url}/user2/help/myInfoV2?lang=ko_KR")
        time.sleep(3 if settings.pause else 0)
        return "login" in str(driver.current_url)


def _log_in(driver: Any, settings: LegacySettings) -> None:
    """Fill the form by JavaScript; a refused login goes unnoticed (L2)."""
    driver.get(f"{settings.nid_url}/nidlogin.login?mode=form&url={settings.www_url}/")
    driver.refresh()
    for name, value in (("id", settings.username), ("pw", settings.password)):
        # Pasted as it is: a quote or a backslash in it breaks the script (L2).
        script = f"document.querySelector('#{name}').setAttribute('value', '{value}')"
        driver.execute_script(script)
        _wait(settings, 0.34, 0.54)
    button = driver.find_element(By.CSS_SELECTOR, "#log\\.login")
    button.click()
    _wait(settings, 0.64, 0.94)
    _wait(settings, 1.0, 1.0)
    if not settings.pause:  # these pauses are all that lets the cookies arrive (L2)
        # While the page changes, chromedriver has other errors than "stale" for its elements.
        leaving = WebDriverWait(driver, 10, ignored_exceptions=[WebDriverException])
        leaving.until(staleness_of(button))
    # True at once: the login page's own address holds it as well, so nothing is waited for (L2).
    WebDriverWait(driver, 10).until(lambda d: settings.arrived in d.current_url)


def _wait(settings: LegacySettings, least: float, most: float) -> None:
    time.sleep(random.uniform(least, most) if settings.pause else 0)  # noqa: S311 - no secret
