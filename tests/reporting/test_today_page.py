"""The owner's page: its figures, what it never shows, and how it looks in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver

from naverplace.domain.due_messages import DueMessage
from naverplace.domain.effects import RecordKey, SendSms
from naverplace.domain.record_matching import MatchedBooking
from naverplace.domain.records import LedgerEntry
from naverplace.domain.results import ActionResult, Decisions, Outcome
from naverplace.domain.troubles import Trouble, TroubleKind
from naverplace.ledger.pauses import Pause
from naverplace.naver.browser import Programs, open_browser
from naverplace.reporting.run_facts import PauseFacts, RunFacts, StoreFacts
from naverplace.reporting.today_page import Outlook, TodayPage, render_today, today_page
from naverplace.rules.rulebook_version import RulebookVersion
from tests.rule_builders import NOW, STORE, a_booking, a_record

LATER = NOW + timedelta(hours=3)
OTHER = "951291"
BAD = {
    "store_id": STORE,
    "booking_id": "77",
    "phone": "010-****-0077",
    "reasons": "start: is no time",
}


def a_send(number: int) -> SendSms:
    return SendSms(
        key=a_booking(number).key,
        rule="guide",
        kind="guide",
        store_id=STORE,
        template="guide",
        sender="0200000000",
        to=f"0100000{number:04}",
        subject="",
        text="안내",
    )


def a_result(number: int, outcome: Outcome) -> ActionResult:
    return ActionResult(
        "guide", "send_sms", a_booking(number).booking_num, STORE, outcome, kind="guide"
    )


def sent(number: int, state: str, days_ago: int = 0) -> MatchedBooking:
    """A booking whose confirmation was settled so many days ago."""
    booking = a_booking(number)
    entry = LedgerEntry(state, settled_at=NOW - timedelta(days=days_ago, hours=1), token="t")
    messages = {"confirmation": replace(entry, content_hash="h")}
    return MatchedBooking(booking, replace(a_record(booking), messages=messages))


def facts(**changes: Any) -> RunFacts:
    """A run of two stores: one has accepted a guide and could not send another."""
    whole = RunFacts(
        run_id="run-1",
        execution_id="run-1/1",
        door="cli",
        now=NOW,
        dry_run=False,
        stores=(
            StoreFacts(STORE, "화성점", quarantined=(BAD,), owner="new"),
            StoreFacts(OTHER, "<안산점>", stopped="half are bad", told="목록이 이상합니다"),
        ),
        rules=("guide",),
        bookings_decided=4,
        decisions=Decisions((), (a_send(5), a_send(6))),
        results=(a_result(5, Outcome.ACCEPTED), a_result(6, Outcome.REFUSED)),
        browser_opened=False,
        table_writes=0,
        pauses=(PauseFacts(OTHER, "<안산점>", Pause(NOW, reason="공사"), frozenset([OTHER])),),
        rulebook_version=RulebookVersion("4f2a9c1b7d", NOW),
    )
    return replace(whole, **changes)


OUTLOOK = Outlook(
    matches=(
        sent(1, "accepted"),
        sent(2, "delivered"),
        sent(3, "failed"),
        sent(4, "expired"),
        sent(7, "delivered", days_ago=1),
    ),
    coming=(
        DueMessage(RecordKey(f"{STORE}_8", "010-0000-0008"), "guide", LATER),
        DueMessage(RecordKey(f"{STORE}_9", "010-0000-0009"), "guide", NOW + timedelta(hours=20)),
        DueMessage(RecordKey(f"{STORE}_10", "010-0000-0010"), "guide", NOW + timedelta(hours=25)),
        DueMessage(a_booking(5).key, "guide", NOW),
    ),
    troubles=(
        Trouble(TroubleKind.STORE_UNREAD, OTHER, "<안산점>", "Naver answered 503"),
        Trouble(TroubleKind.LOGIN_REFUSED),
        Trouble(TroubleKind.BAD_BOOKING, f"{STORE}_77 start", "화성점 예약 77"),
    ),
    cost="12,340원",
)


def page(**changes: Any) -> TodayPage:
    return today_page(facts(**changes), OUTLOOK)


def test_the_messages_of_today_are_those_of_the_ledger_of_this_run_and_what_is_still_to_come() -> (
    None
):
    ours, stopped = page().stores

    # Accepted, delivered and failed by earlier runs, and one by this one; yesterday's is not.
    assert (ours.sent, ours.arrived) == (4, 1)
    assert ours.failed == 2  # one that SENS could not deliver, and one that is too late
    assert ours.owed == 4 + 1 + 2  # the refused one waits, and one is due this afternoon
    assert ours.next == "지금"
    assert (stopped.owed, stopped.note) == (None, "멈췄습니다")


def test_what_goes_to_a_visitor_shows_the_visitors_masked_phone() -> None:
    to_visitor = OUTLOOK.coming[0]._replace(visitor="01000000777")
    hours = today_page(facts(), replace(OUTLOOK, coming=(to_visitor,))).hours

    assert [m.phone for hour in hours for m in hour.messages][-1] == "010-****-0777"


def test_the_next_24_hours_have_what_waits_and_what_comes_but_nothing_that_is_out() -> None:
    shown = [(hour.label, [m.time for m in hour.messages]) for hour in page().hours]

    assert shown == [("지금", ["14:02"]), ("17시", ["17:02"]), ("내일 10시", ["10:02"])]


def test_a_store_that_others_send_for_has_no_figures() -> None:
    (store,) = page(stores=(StoreFacts(STORE, "화성점", owner="legacy"),)).stores

    assert (store.sent, store.note) == (None, "이전 프로그램이 보냅니다")


def test_a_run_that_failed_shows_no_figures_that_it_does_not_have() -> None:
    assert {s.sent for s in page(failure="Naver is down").stores} == {None}


def test_the_page_loads_nothing_and_escapes_what_it_shows() -> None:
    html = render_today(page())

    assert not re.search(r"<script|\bsrc=|<link|url\(|https?:", html)
    assert "&lt;안산점&gt;" in html
    assert "<안산점>" not in html


WIDTHS = (390, 1280)


@pytest.fixture(scope="module")
def browser() -> Iterator[WebDriver]:
    programs = Programs(Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver"))
    with open_browser(programs, page_seconds=20) as driver:
        yield driver


@pytest.mark.browser
def test_a_browser_shows_the_page_on_a_phone_and_on_a_screen(
    browser: WebDriver, tmp_path: Path
) -> None:
    (tmp_path / "today.html").write_text(render_today(page()), "utf-8")

    for width in WIDTHS:
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get((tmp_path / "today.html").as_uri())
        text = browser.find_element(By.TAG_NAME, "body").text

        # Nothing is cut off, and nobody must scroll sideways.
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        for words in (
            *("10월 22일 14:02 기준", "화성점 7 4 1 2 지금", "<안산점> 멈췄습니다"),
            *("사람이 볼 것 2건", "네이버가 비밀번호를 거절했습니다", "naverplace login"),
            *("화성점 77 이용 시각 이상 010-****-0077", "사유: 공사"),
            *("이번 달 비용: 12,340원", "규칙집 4f2a9c1b (10/22 14:02부터)"),
        ):
            assert words in text, f"{width}: {text}"
        assert "010-****-0008" not in text  # an hour shows its messages when it is touched
        hour = next(d for d in browser.find_elements(By.TAG_NAME, "summary") if "17시" in d.text)
        hour.click()
        assert "17:02 화성점 안내 010-****-0008" in " ".join(
            browser.find_element(By.ID, "coming").text.split()
        )
