"""A reconciliation in words: Korean for the owner's phone, Markdown for the engineer's screen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from naverplace.domain.message_kinds import kind_label
from naverplace.jobs.reconciliation.findings import (
    NEVER_FINISHED,
    UNDELIVERED,
    Finding,
    Reconciliation,
)
from naverplace.jobs.reconciliation.matching import MatchClass
from naverplace.reporting.markdown import render_page
from naverplace.reporting.summary import MAX_LINES

OWNER = {
    MatchClass.DUPLICATE: "같은 문자가 두 번 나갔습니다",
    MatchClass.UNRECORDED: "나간 문자가 장부에는 보내지 않은 것으로 되어 있습니다",
    MatchClass.MISSING: "보낸 것으로 되어 있으나 SENS 기록에 없습니다. 고객에게 확인해 주세요",
    MatchClass.FOREIGN: "우리 계정으로 다른 누군가가 보낸 문자입니다",
    MatchClass.SHARED: "장부의 두 건이 문자 하나를 가리킵니다",
    MatchClass.SURPLUS: "한 번의 요청에 문자가 여러 건입니다",
    MatchClass.WRONG_RECEIVER: "다른 번호로 나간 문자입니다",
    MatchClass.OTHER_REQUEST: "장부와 다른 요청 번호로 나간 문자입니다",
    MatchClass.IN_DOUBT: "접수 여부를 아직 확정하지 못한 문자입니다",
    UNDELIVERED: "고객이 받지 못했습니다. 전화해 주세요",
    NEVER_FINISHED: "접수되었으나 수신 결과가 끝내 오지 않았습니다",
}
ENGINEER = {
    MatchClass.DUPLICATE: "sent twice: receiver and content are those of a message counted already",
    MatchClass.UNRECORDED: (
        "sent by us, while the ledger says that it was not: it may be sent again"
    ),
    MatchClass.MISSING: "counted in the ledger, but not in SENS's log",
    MatchClass.FOREIGN: "sent with our account by somebody else",
    MatchClass.SHARED: "two entries of the ledger name one message: one of them was not sent",
    MatchClass.SURPLUS: "one request with more messages than the ledger counts",
    MatchClass.WRONG_RECEIVER: "the request is the ledger's, the receiver is not",
    MatchClass.OTHER_REQUEST: "in SENS's log under another request id than in the ledger",
    MatchClass.IN_DOUBT: "sent, and its claim is not settled: the next run settles it",
    UNDELIVERED: "accepted, and the phone did not get it",
    NEVER_FINISHED: "accepted, and SENS never said what became of it",
}


def reconciliation_message(done: Reconciliation, aliases: Mapping[str, str]) -> str:
    """Write what the owner must know; empty when nothing is new and nothing is wrong."""
    if not done.found:
        return ""
    groups = [
        (OWNER[what], [_owner_line(finding, aliases) for finding in group])
        for what, group in groupby(done.news, key=lambda finding: finding.what)
    ]
    return render_page(
        "reconciliation_message.txt.j2", done=done, groups=groups, short=_short, most=MAX_LINES
    ).removesuffix("\n")


def _owner_line(finding: Finding, aliases: Mapping[str, str]) -> str:
    store_id, _, booking = finding.booking.partition("_")
    where = f"{aliases.get(store_id, store_id)} 예약 {booking}" if booking else "예약 없음"
    when = f"({_short(finding.at)})" if finding.at else ""
    parts = (where, kind_label(finding.kind), finding.phone, when, finding.why)
    return " ".join(part for part in parts if part)


def _short(at: str) -> str:
    return f"{datetime.fromisoformat(at):%m/%d %H:%M}"


def reconciliation_page(done: Reconciliation) -> str:
    """Write the Markdown page of a reconciliation, as Prefect's artifact shows it."""
    return render_page(
        "reconciliation_page.md.j2", done=done, meaning=ENGINEER, classes=list(MatchClass)
    )


def rows_of(done: Reconciliation) -> list[dict[str, Any]]:
    """List the findings as the rows of a table, with what each of them means."""
    return [
        {
            "what": finding.what,
            "meaning": ENGINEER[finding.what],
            "booking": finding.booking,
            "message": finding.kind,
            "phone": finding.phone,
            "at": finding.at,
            "requestId": finding.request_id,
            "messageId": finding.message_id,
            "counted as": finding.counted_as,
            "SENS says": finding.why,
            "new": finding.new,
        }
        for finding in done.findings
    ]
