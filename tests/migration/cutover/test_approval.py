"""Which verdict allows a cut-over."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from naverplace.migration.cutover.approval import approval_blockers, read_verdict
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
    made = {"verdict": "GO", "made_at": NOW.isoformat(), "rules_version": "r1"}
    report = {**made, "evidence": [{**ROW, **(row or {})}], **changes}
    return list(
        approval_blockers(
            read_verdict(json.dumps(report)),
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
        ({"made_at": "2025-10-22T14:02:15"}, "does not say when"),
        ({"made_at": None}, "does not say when"),
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


@pytest.mark.parametrize("text", ["[]", "{}", "no JSON"])
def test_what_is_no_report_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"verdict|Expecting"):
        read_verdict(text)
