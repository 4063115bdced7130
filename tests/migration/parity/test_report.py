"""The report of a comparison: for machines, for a pull request, and in a real browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from typer.testing import CliRunner

from naverplace.base.clock import SEOUL
from naverplace.base.errors import Permanent
from naverplace.cli.app import app
from naverplace.migration.parity.accepted_differences import load_accepted
from naverplace.migration.parity.report import (
    as_markdown,
    as_page,
    parity_json,
    read_parity,
    write_parity_report,
)
from naverplace.migration.parity.values import GO, NO_GO, Difference, Evidence, Parity
from naverplace.reporting.thresholds import Measured, check_thresholds

ROOT = Path(__file__).resolve().parents[3]
ACCEPTED = load_accepted(ROOT / "deployments/accepted-differences.yaml")
NOW = datetime(2025, 10, 22, 14, 2, tzinfo=SEOUL)
KNOWN = Difference(
    *("run-1", "1051707", "decision", "guide", "1051707_7", NOW, "does not send", "sends"),
    because="exactly-two-hours-before",
)
WRONG = replace(KNOWN, because="", legacy="<b>sends</b>", new="a | b")
RESULT = Parity(
    kind="replay",
    made_at=NOW,
    first=NOW,
    last=NOW,
    runs=1,
    rules_version="r1",
    verdict=GO,
    why=("0 unexplained in 3000 decisions",),
    aa_differences=0,
    decisions=3000,
    unexplained=0,
    accepted={"exactly-two-hours-before": 4},
    noise=1,
    bound_95=0.001,
    evidence=(Evidence("1051707", "guide", 300, 9, 0, 100, 10),),
    differences=(KNOWN,),
    table=({"aspect": "SMS sent", "legacy": "20", "new": "23", "match": "see"},),
    thresholds=check_thresholds(Measured()),
    stores=(
        {
            "store_id": "1051707",
            "alias": "화성점",
            **{"decisions": 300, "legacy": 20, "new": 23, "accepted": 4, "unexplained": 0},
        },
    ),
    mutants=50,
    caught=49,
    survivors=("one",),
    seconds=1.5,
    notes=("a note",),
    legacy_died=1,
    fatal_rows=("store 1051707: booking 9 (RC03): has no name",),
)
BAD = replace(RESULT, verdict=NO_GO, unexplained=1, differences=(WRONG, KNOWN), bound_95=None)


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for word in ("--headless=new", "--no-sandbox", "--window-size=1200,900"):
        options.add_argument(word)
    driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
    yield driver
    driver.quit()


@pytest.mark.parametrize("result", [RESULT, BAD], ids=["go", "no-go"])
def test_the_form_for_machines_is_read_back_whole(result: Parity) -> None:
    assert read_parity(parity_json(result)) == result


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"verdict": "GO"}', '{"evidence": 3}'])
def test_what_is_no_report_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(Permanent, match="is no parity report in JSON"):
        read_parity(text, where="x.json")


def test_the_markdown_says_what_was_found_and_what_was_not_measured() -> None:
    page = as_markdown(RESULT, ACCEPTED)

    assert page.startswith("# Parity: GO (전환 가능)")
    assert "| SMS sent | 20 | 23 | see |" in page
    assert "| Total Duration | not measured | < 300s | not measured |" in page
    assert "at most 0.1000% of such decisions differ" in page
    assert "| exactly-two-hours-before | 4 | L11 L12 |" in page
    assert "| 1051707 | 안내 | 300 of 100 | 9 of 10 | 0 | ❌ |" in page
    assert "korean-time-always" in page
    assert "In 1 of 1 runs the legacy sent nothing" in page
    assert "- store 1051707: booking 9 (RC03): has no name" in page


def test_a_difference_without_class_stands_first_and_cannot_break_the_table() -> None:
    page = as_markdown(BAD, ACCEPTED)

    assert "| <b>sends</b> | a \\| b | **none** |" in page
    assert page.index("**none**") < page.index("Examples of accepted differences")


def test_a_person_sees_verdict_charts_and_differences_in_a_browser(
    browser: webdriver.Chrome, tmp_path: Path
) -> None:
    _, _, page = write_parity_report(BAD, tmp_path, ACCEPTED)
    browser.get(page.as_uri())

    assert browser.find_element(By.ID, "verdict").text == "NO-GO · 전환 불가"
    bars = browser.find_elements(By.CSS_SELECTOR, "#stores .bar")
    old, new = (bar.size["width"] for bar in bars)
    assert old / new == pytest.approx(20 / 23, abs=0.02)
    full, thin = browser.find_elements(By.CSS_SELECTOR, "#evidence .bar")
    assert "good" in str(full.get_attribute("class"))
    assert "bad" in str(thin.get_attribute("class"))
    assert "has no name" in browser.find_element(By.ID, "fatal").text
    assert "<b>sends</b>" in browser.find_element(By.TAG_NAME, "body").text
    assert browser.execute_script(
        "return performance.getEntriesByType('resource').length"
    ) == 0  # fmt: skip


def test_the_page_names_nothing_from_elsewhere() -> None:
    page = as_page(RESULT, ACCEPTED)
    assert "http" not in page
    assert "src=" not in page


def test_the_command_shows_a_report_and_ends_with_one_unless_it_is_a_go(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(parity_json(RESULT), "utf-8")
    bad.write_text(parity_json(BAD), "utf-8")

    shown = CliRunner().invoke(app, ["parity", "show", str(good)])
    assert (shown.exit_code, "GO (전환 가능)" in shown.output) == (0, True)
    assert "49 of 50 wrong systems" in shown.output
    assert CliRunner().invoke(app, ["parity", "show", str(bad)]).exit_code == 1
    told = CliRunner().invoke(app, ["parity", "show", str(good), "--json"])
    assert json.loads(told.output)["verdict"] == GO
    gone = CliRunner().invoke(app, ["parity", "show", str(tmp_path / "none.json")])
    assert gone.exit_code != 0
    assert "cannot be read" in gone.output
