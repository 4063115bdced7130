"""A report in words: Korean for the owner's phone, Markdown for the engineer's screen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from naverplace.domain.message_kinds import kind_label
from naverplace.reporting.markdown import render_page
from naverplace.reporting.report import RunReport, stop_line

OUTCOME_WORDS = {
    "accepted": "접수",
    "adopted": "앞서 접수된 것을 확인",
    "skipped": "건너뜀",
    "refused": "거절됨",
    "in_doubt": "확인 필요",
    "failed": "실패",
}
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
    sent = sum(report.messages.values())
    lines = [_headline(report, sent)]
    if sent:
        lines.append(" · ".join(_kinds(report.messages)))
        lines += [
            f"- {store['alias']}: {', '.join(_kinds(store['messages']))}"
            for store in report.stores
            if sum(store["messages"].values())
        ]
    elif not report.dry_run:
        lines.append("문자 발송 대상 없음")  # the legacy's words (L20)
    unsent = {k: v for k, v in report.outcomes.items() if k != "accepted"}
    theirs = [s["alias"] for s in report.stores if s.get("owner") not in (None, "", "new")]
    if theirs:
        lines.append(f"기존 시스템이 보내는 매장: {', '.join(theirs)}")
    if unsent:
        lines.append(" · ".join(f"{OUTCOME_WORDS.get(k, k)} {v}건" for k, v in unsent.items()))
    if report.expired:
        lines.append(f"시간이 지나 보내지 못한 문자 {len(report.expired)}건:")
        lines += _some(_expired_line(row) for row in report.expired)
    lines.append(f"예약 {report.bookings_confirmed}건 확정, {report.bookings_completed}건 이용완료")
    if report.quarantined:
        lines.append(f"확인할 예약 {report.quarantined}건 (문자를 보내지 않았습니다)")
        aliases = {store["store_id"]: store["alias"] for store in report.stores}
        lines += _some(_quarantine_line(row, aliases) for row in report.quarantine)
    if report.problems:
        lines.append("문제:")
        told = _told(report)
        lines += _some(f"- {told.get(problem, problem)}" for problem in report.problems)
    if report.contradictions:
        lines.append("합계가 맞지 않습니다:")
        lines += _some(f"- {found}" for found in report.contradictions)
    lines.append(
        f"소요 {report.seconds:.0f}초{' · 새로 로그인함' if report.browser_opened else ''}"
    )
    return "\n".join(lines)


def _headline(report: RunReport, sent: int) -> str:
    when = datetime.fromisoformat(report.now).strftime("%m/%d %H:%M")
    if report.dry_run:
        return f"🔍 {when} 시험 실행: 보낼 문자 {sum(report.planned.values())}건 (보내지 않음)"
    mark = "✅" if report.status == "success" else "🚨"
    return f"{mark} {when} 문자 {sent}건 접수"


def _told(report: RunReport) -> dict[str, str]:
    return {
        stop_line(store["alias"], store["store_id"], store["problem"]): (
            f"⛔ {store['alias']}: {store['told']}"
        )
        for store in report.stores
        if store.get("told")
    }


def _kinds(messages: Mapping[str, int]) -> list[str]:
    return [f"{kind_label(kind)} {count}" for kind, count in messages.items() if count]


def _expired_line(row: Mapping[str, Any]) -> str:
    kind = kind_label(row["kind"])
    return f"- 예약 {row['booking']} {kind} (기한 {row['expires']}): {row['reason']}"


def _quarantine_line(row: Mapping[str, Any], aliases: Mapping[str, str]) -> str:
    fields = dict.fromkeys(str(r).partition(":")[0] for r in str(row["reasons"]).split("; "))
    wrong = ", ".join(REASON_WORDS.get(field, field) for field in fields)
    return f"- {aliases[row['store_id']]} 예약 {row['booking_id']}: {wrong} 이상"


def _some(lines: Iterable[str]) -> list[str]:
    listed = list(lines)
    if len(listed) <= MAX_LINES:
        return listed
    return [*listed[:MAX_LINES], f"… 외 {len(listed) - MAX_LINES}건"]


def for_engineer(report: RunReport) -> str:
    """Write the Markdown page of a run, as Prefect's artifact shows it."""
    writes = ", ".join(f"{action} {count}" for action, count in report.writes_by_action.items())
    return render_page("run_page.md.j2", report=report, writes=writes)
