"""A report that does not balance says so; every check is shown to be able to fail."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from naverplace.base.clock import SEOUL
from naverplace.domain.effects import CreateRecord, RecordKey, SendSms
from naverplace.domain.results import ActionResult, Decisions, Outcome, RuleVerdict
from naverplace.reporting.markdown import table
from naverplace.reporting.report import find_contradictions, make_report
from naverplace.reporting.run_facts import RunFacts, StoreFacts
from naverplace.reporting.summary import for_engineer, for_owner

NOW = datetime(2025, 10, 22, 14, 2, 15, tzinfo=SEOUL)
KEY = RecordKey("1051707_1", "010-0000-0001")


def a_send(kind: str = "confirmation", key: RecordKey = KEY) -> SendSms:
    return SendSms(
        key=key,
        rule="new-booking",
        kind=kind,
        store_id="1051707",
        template=kind,
        sender="0200000000",
        to="01000000001",
        subject="안내",
        text="본문",
    )


def a_result(kind: str = "confirmation", **changes: Any) -> ActionResult:
    values = {
        "rule": "new-booking",
        "action": "send_sms",
        "booking_num": KEY.booking_num,
        "store_id": "1051707",
        "outcome": Outcome.ACCEPTED,
        "kind": kind,
        "request_id": f"request-{kind}",
        "writes": 2,
    }
    return ActionResult(**{**values, **changes})


def facts(**changes: Any) -> RunFacts:
    """One booking of one store: its record made, its confirmation and its guide accepted."""
    create = CreateRecord(key=KEY, rule="new-booking", item={})
    made = a_result("", action="create_db_record", outcome=Outcome.WRITTEN, writes=1, request_id="")
    verdict = RuleVerdict(KEY.booking_num, "1051707", "new-booking", fired=True)
    whole = RunFacts(
        run_id="run-1",
        execution_id="run-1/1",
        door="cli",
        now=NOW,
        dry_run=False,
        stores=(StoreFacts("1051707", "화성점", confirmed=1, passed=1),),
        rules=("new-booking",),
        bookings_decided=1,
        decisions=Decisions((verdict,), (create, a_send(), a_send("guide"))),
        results=(made, a_result(), a_result("guide")),
        browser_opened=False,
        table_writes=5,
        measurements={"phases": {"session": 0.5}, "seconds": 2.0, "memory_mb": 100.0},
    )
    return replace(whole, **changes)


def test_a_run_that_balances_is_a_success() -> None:
    report = make_report(facts())

    assert (report.status, report.balanced, report.problems) == ("success", True, ())
    assert report.messages == {"confirmation": 1, "guide": 1, "event": 0}
    assert report.writes == 5
    assert report.writes_by_action == {"create_db_record": 1, "send_sms": 4}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"table_writes": 4}, "table writes"),
        ({"bookings_decided": 2}, "verdicts"),
        ({"stores": (StoreFacts("1051707", "화성점", confirmed=2, passed=1),)}, "received"),
        ({"stores": (StoreFacts("951291", "안산점"),)}, "known stores"),
        ({"results": (a_result(), a_result("guide"))}, "effects owed"),
        ({"results": facts().results[:2]}, "planned, messages with an outcome"),
        ({"results": (*facts().results[:2], a_result())}, "guide of booking 1051707_1"),
        (
            {
                "results": (
                    *facts().results[:2],
                    a_result("guide", request_id="request-confirmation"),
                )
            },
            "request ids",
        ),
        ({"results": (*facts().results[:2], a_result("guide", request_id=""))}, "request ids"),
        ({"dry_run": True}, "dry run"),
    ],
)
def test_every_sum_that_does_not_balance_is_named(changes: dict[str, Any], words: str) -> None:
    report = make_report(facts(**changes))

    assert any(words in found for found in report.contradictions), report.contradictions
    assert (report.status, report.balanced) == ("failed", False)


def test_errors_that_cancel_out_in_the_sum_are_still_found() -> None:
    other = RecordKey("1051707_2", "010-0000-0002")
    decisions = replace(facts().decisions, effects=(*facts().decisions.effects, a_send(key=other)))
    results = (*facts().results, a_result("event", request_id="request-event"))

    found = find_contradictions(facts(decisions=decisions, results=results))

    assert any("confirmation of booking 1051707_2: planned 1 times, has 0" in f for f in found)
    assert any("event of booking 1051707_1: planned 0 times, has 1" in f for f in found)


@pytest.mark.parametrize("outcome", [Outcome.REFUSED, Outcome.IN_DOUBT, Outcome.FAILED])
def test_a_message_that_was_not_accepted_makes_the_run_failed(outcome: Outcome) -> None:
    lost = a_result("guide", outcome=outcome, message="SENS said no", request_id="")
    report = make_report(facts(results=(*facts().results[:2], lost)))

    assert report.status == "failed"
    assert report.balanced
    assert report.outcomes == {"accepted": 1, outcome.value: 1}
    assert f"guide of booking 1051707_1 is {outcome.value}: SENS said no" in report.problems


def test_a_store_that_failed_is_named_and_not_counted_as_empty() -> None:
    broken = StoreFacts("951291", "안산점", error="ServiceUnavailable: booking API")
    report = make_report(facts(stores=(*facts().stores, broken)))

    assert report.status == "failed"
    assert report.problems == (
        "안산점 (951291) could not be read: ServiceUnavailable: booking API",
    )


def test_the_owner_reads_korean_with_the_sums_by_kind_and_store() -> None:
    text = for_owner(make_report(facts()))

    assert text.splitlines()[:3] == [
        "✅ 10/22 14:02 문자 2건 접수",
        "예약확정 1 · 안내 1",
        "- 화성점: 예약확정 1, 안내 1",
    ]


def test_the_owner_reads_the_legacys_words_when_nothing_was_owed() -> None:
    quiet = facts(decisions=Decisions(facts().decisions.verdicts, ()), results=(), table_writes=0)

    assert "문자 발송 대상 없음" in for_owner(make_report(quiet))


def test_the_owner_hears_of_a_failure_first() -> None:
    text = for_owner(make_report(facts(table_writes=99)))

    assert text.startswith("🚨")
    assert "합계가 맞지 않습니다" in text


def test_a_dry_run_says_that_nothing_was_sent() -> None:
    report = make_report(facts(dry_run=True, results=(), table_writes=0))

    assert report.balanced
    assert "보낼 문자 2건 (보내지 않음)" in for_owner(report)
    assert "nothing was sent" in for_engineer(report)


def test_many_problems_are_counted_not_listed() -> None:
    rows = tuple(
        {"store_id": "1051707", "booking_id": str(n), "reasons": "phone: missing; start: x"}
        for n in range(40)
    )
    store = StoreFacts("1051707", "화성점", confirmed=41, passed=1, quarantined=rows)

    text = for_owner(make_report(facts(stores=(store,))))

    assert "확인할 예약 40건" in text
    assert "- 화성점 예약 0: 전화번호, 이용 시각 이상" in text
    assert "… 외 25건" in text


def test_the_engineers_page_shows_every_store_and_verdict() -> None:
    page = for_engineer(make_report(facts()))

    assert "| 화성점 (1051707) | 1 | 0 | 0 | 1 | 1 | 0 |  |" in page
    assert "| new-booking | fired | 1 |" in page
    assert "All sums balance." in page


def test_a_bar_in_a_cell_does_not_break_a_table() -> None:
    assert table(["a"], [["x|y\nz"]]).splitlines()[-1] == "| x\\|y z |"
