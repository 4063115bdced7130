"""A page of Prefect's UI, as a person reads and clicks it."""

from __future__ import annotations

from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By

from trials.working import seen


class Page:
    """A window of Chromium on the UI."""

    def __init__(self, url: str, images: Path) -> None:
        self.url, self.images = url, images
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1500,1100"):
            options.add_argument(word)
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))

    def open(self, path: str) -> None:
        """Go to a page."""
        self.driver.get(self.url + path)

    def rest(self) -> None:
        """Leave the page while something else is waited for: it draws and asks all the time."""
        self.driver.get("about:blank")

    def shows(self, *words: str) -> bool:
        """Wait until the page shows all of these words."""
        return bool(seen(lambda: all(word in self.text() for word in words), within=60))

    def text(self) -> str:
        """Read what the page shows."""
        return str(self.driver.execute_script("return document.body.innerText"))

    def click(self, words: str, *, last: bool = False) -> None:
        """Click what bears exactly these words; the last of them is the one in a dialogue."""
        path = f"//*[self::button or self::a][normalize-space(.)='{words}']"
        found = seen(lambda: self.driver.find_elements(By.XPATH, path))
        assert found, f"nothing to click that says {words!r}: {self.text()[:500]}"
        self.driver.execute_script("arguments[0].click()", found[-1 if last else 0])

    def switch_on(self) -> None:
        """Turn the one switch on that the page has."""
        (switch,) = self.driver.find_elements(By.CSS_SELECTOR, "[role=switch]")
        switch.click()
        assert seen(lambda: switch.get_attribute("aria-checked") == "true")

    def picture(self, name: str) -> None:
        """Keep a picture of what is there."""
        self.images.mkdir(parents=True, exist_ok=True)
        self.driver.save_screenshot(str(self.images / f"ui-{name}.png"))
