"""A report in words: Korean for the owner's phone, Markdown for the engineer's screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from naverplace.domain.message_kinds import kind_label
from naverplace.reporting.markdown import render_page
from naverplace.reporting.report import RunReport, cap_line, expired_line, stop_line

REASON_WORDS = {
    "phone": "전화번호",
    "start": "이용 시각",
    "end": "종료 시각",
    "booking id": "예약 번호",
    "status": "예약 상태",
    "store": "매장",
}


def for_owner(report: RunReport) -> str:
    """Write the one message that the owner reads after a run."""
    aliases = {store["store_id"]: store["alias"] for store in report.stores}
    told = {  # by the problem of a store that is stopped
        stop_line(store["alias"], store["store_id"], store["problem"]): (
            f"⛔ {store['alias']}: {store['told']}"
        )
        for store in report.stores
        if store.get("told")
    } | {cap_line(row): f"⛔ {row['alias']}: {cap_words(row)}" for row in report.caps}
    lost = set(map(expired_line, report.expired))  # listed by themselves
    return render_page(
        "owner_message.txt.j2",
        report=report,
        when=f"{datetime.fromisoformat(report.now):%m/%d %H:%M}",
        quarantine=[_quarantine_line(row, aliases) for row in report.quarantine],
        problems=[told.get(p, p) for p in report.problems if p not in lost],
    ).removesuffix("\n")


def in_one_line(report: RunReport) -> str:
    """Say what a run did, in the line that Prefect's list of runs has room for."""
    counts = report.planned if report.dry_run else report.messages
    kinds = " · ".join(f"{kind_label(kind)} {count}" for kind, count in counts.items() if count)
    return ("시험 실행: " if report.dry_run else "") + (kinds or "보낼 문자 없음")


def cap_words(row: Mapping[str, Any]) -> str:
    """Say to the owner which cap was reached, and how it is released."""
    what = f"문자 {row['held']}건을 보내지 않고 멈췄습니다. "
    if row["scope"] == "phone":
        return (
            f"한 번호로 24시간 동안 너무 많은 문자가 나가서 {what}"
            "예약이 맞으면 naverplace release 전화번호"
        )
    who = row["store_id"] if row["scope"] == "store" else "all"
    many = "문자가 평소보다 너무 많아" if who != "all" else "모든 매장의 문자가 평소보다 너무 많아"
    return f"{many} {what}예약이 맞으면 naverplace release {who}"


def _quarantine_line(row: Mapping[str, Any], aliases: Mapping[str, str]) -> str:
    return f"{aliases[row['store_id']]} 예약 {row['booking_id']}: {quarantine_words(row)} 이상"


def quarantine_words(row: Mapping[str, Any]) -> str:
    """Name in Korean what is wrong with a booking that is in quarantine."""
    fields = dict.fromkeys(str(r).partition(":")[0] for r in str(row["reasons"]).split("; "))
    return ", ".join(REASON_WORDS.get(field, field) for field in fields)


def for_engineer(report: RunReport) -> str:
    """Write the Markdown page of a run, as Prefect's artifact shows it."""
    writes = ", ".join(f"{action} {count}" for action, count in report.writes_by_action.items())
    return render_page("run_page.md.j2", report=report, writes=writes)
