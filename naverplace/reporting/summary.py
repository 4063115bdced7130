"""A report in words: Korean for the owner's phone, Markdown for the engineer's screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from naverplace.domain.message_kinds import kind_label
from naverplace.reporting.markdown import render_page
from naverplace.reporting.report import RunReport, stop_line

REASON_WORDS = {
    "phone": "전화번호",
    "start": "이용 시각",
    "end": "종료 시각",
    "booking id": "예약 번호",
    "status": "예약 상태",
    "store": "매장",
}
MAX_LINES = 15  # more problems or rows than this are counted, not listed, on the phone


def for_owner(report: RunReport) -> str:
    """Write the one message that the owner reads after a run."""
    aliases = {store["store_id"]: store["alias"] for store in report.stores}
    told = {  # by the problem of a store that is stopped
        stop_line(store["alias"], store["store_id"], store["problem"]): (
            f"⛔ {store['alias']}: {store['told']}"
        )
        for store in report.stores
        if store.get("told")
    }
    return render_page(
        "owner_message.txt.j2",
        report=report,
        when=f"{datetime.fromisoformat(report.now):%m/%d %H:%M}",
        kind_label=kind_label,
        quarantine=[_quarantine_line(row, aliases) for row in report.quarantine],
        problems=[told.get(problem, problem) for problem in report.problems],
        most=MAX_LINES,
    ).removesuffix("\n")


def _quarantine_line(row: Mapping[str, Any], aliases: Mapping[str, str]) -> str:
    fields = dict.fromkeys(str(r).partition(":")[0] for r in str(row["reasons"]).split("; "))
    wrong = ", ".join(REASON_WORDS.get(field, field) for field in fields)
    return f"{aliases[row['store_id']]} 예약 {row['booking_id']}: {wrong} 이상"


def for_engineer(report: RunReport) -> str:
    """Write the Markdown page of a run, as Prefect's artifact shows it."""
    writes = ", ".join(f"{action} {count}" for action, count in report.writes_by_action.items())
    return render_page("run_page.md.j2", report=report, writes=writes)
