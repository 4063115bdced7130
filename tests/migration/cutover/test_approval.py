"""Which verdict allows a cut-over."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from naverplace.base.errors import Permanent
from naverplace.migration.cutover.approval import approval_blockers
from naverplace.migration.parity.report import read_parity
from tests.migration.cutover.reports import parity_report
from tests.rule_builders import NOW, STORE

ROW = {
    "store_id": STORE,
    "kind": "guide",
    "decisions": 900,
    "sent": 400,
    "unexplained": 0,
    "needed": 300,
    "needed_sent": 100,
}


def against(*stores: str, row: dict[str, Any] | None = None, **changes: Any) -> list[str]:
    report = parity_report([{**ROW, **(row or {})}], made_at=NOW.isoformat(), rules_version="r1")
    return list(
        approval_blockers(
            read_parity(json.dumps({**report, **changes})),
            stores or (STORE,),
            now=NOW + timedelta(hours=1),
            max_age=timedelta(hours=72),
            rules_version="r1",
        )
    )


def test_a_fresh_go_with_evidence_for_the_store_is_enough() -> None:
    assert against() == []
    assert against(rules_version="") == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"verdict": "NO-GO"}, "the verdict is NO-GO"),
        ({"verdict": "NOT ENOUGH"}, "the verdict is NOT ENOUGH"),
        ({"kind": "golden"}, "a golden set of invented bookings"),
        ({"made_at": (NOW - timedelta(hours=72)).isoformat()}, "too old"),
        ({"made_at": (NOW + timedelta(hours=2)).isoformat()}, "lies ahead"),
        ({"rules_version": "r0"}, "the rules have changed"),
        ({"evidence": []}, "no evidence"),
        ({"row": {"decisions": 299}}, "not enough evidence about its guide"),
        ({"row": {"sent": 99}}, "not enough evidence about its guide"),
        ({"row": {"unexplained": 1}}, "unexplained differences of its guide"),
    ],
)
def test_anything_less_is_refused_with_its_reason(changes: dict[str, Any], words: str) -> None:
    (why,) = against(**changes)

    assert words in why


def test_evidence_about_another_store_is_none() -> None:
    (why,) = against(STORE, "951291")

    assert "951291" in why


@pytest.mark.parametrize("made_at", ["2025-10-22T14:02:15", None])
def test_a_report_must_say_when_it_was_made_and_in_which_zone(made_at: str | None) -> None:
    with pytest.raises(Permanent, match="is no parity report"):
        against(made_at=made_at)


@pytest.mark.parametrize("text", ["[]", "{}", "no JSON"])
def test_what_is_no_report_is_none(text: str) -> None:
    with pytest.raises(Permanent, match="is no parity report"):
        read_parity(text)
