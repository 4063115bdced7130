"""A reconciliation in words: Korean for the owner's phone, Markdown for the engineer's screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from naverplace.base.clock import parse_time
from naverplace.base.translation import gettext as _
from naverplace.base.translation import gettext_noop as N_
from naverplace.domain.message_kinds import START_BOUND_KINDS, kind_label
from naverplace.domain.troubles import Source, Trouble, TroubleKind
from naverplace.jobs.reconciliation.findings import (
    NEVER_FINISHED,
    UNDELIVERED,
    Finding,
    Reconciliation,
)
from naverplace.jobs.reconciliation.matching import MatchClass
from naverplace.reporting.markdown import render_page
from naverplace.reporting.owner_messages import Look

MEANING = {
    MatchClass.DUPLICATE: N_(
        "sent twice: receiver and content are those of a message counted already"
    ),
    MatchClass.UNRECORDED: N_(
        "sent by us, while the ledger says that it was not: it may be sent again"
    ),
    MatchClass.MISSING: N_("counted in the ledger, but not in SENS's log"),
    MatchClass.FOREIGN: N_("sent with our account by somebody else"),
    MatchClass.SHARED: N_("two entries of the ledger name one message: one of them was not sent"),
    MatchClass.SURPLUS: N_("one request with more messages than the ledger counts"),
    MatchClass.WRONG_RECEIVER: N_("the request is the ledger's, the receiver is not"),
    MatchClass.OTHER_REQUEST: N_("in SENS's log under another request id than in the ledger"),
    MatchClass.IN_DOUBT: N_("sent, and its claim is not settled: the next run settles it"),
    UNDELIVERED: N_("accepted, and the phone did not get it"),
    NEVER_FINISHED: N_("accepted, and SENS never said what became of it"),
}


_TROUBLES = {  # what is not named here is a mismatch
    MatchClass.DUPLICATE.value: TroubleKind.SENT_TWICE,
    MatchClass.FOREIGN.value: TroubleKind.FOREIGN_MESSAGE,
    UNDELIVERED: TroubleKind.MESSAGE_FAILED,
    NEVER_FINISHED: TroubleKind.NEVER_FINISHED,
}
_MISMATCHES = {
    MatchClass.UNRECORDED.value: "나갔는데 장부에는 보내지 않은 것으로 되어 있음",
    MatchClass.MISSING.value: "보낸 것으로 되어 있으나 SENS 기록에 없음",
    MatchClass.SHARED.value: "장부의 두 건이 문자 하나를 가리킴",
    MatchClass.SURPLUS.value: "한 번의 요청에 문자가 여러 건",
    MatchClass.WRONG_RECEIVER.value: "다른 번호로 나감",
    MatchClass.OTHER_REQUEST.value: "장부와 다른 요청 번호로 나감",
}


def reconciliation_look(done: Reconciliation, aliases: Mapping[str, str]) -> Look:
    """Give what was found as troubles; what is only in doubt is told by the runs."""
    found = [f for f in done.news if f.what != MatchClass.IN_DOUBT]
    troubles = [_trouble(finding, aliases) for finding in found]
    failed = TroubleKind.RECONCILIATION_FAILED
    if done.problems:
        troubles.append(Trouble(failed, detail="; ".join(done.problems)))
    now = datetime.fromisoformat(done.now)
    return Look(Source.RECONCILIATION, now, tuple(troubles), {failed: None})


def _trouble(finding: Finding, aliases: Mapping[str, str]) -> Trouble:
    store_id, _, booking = finding.booking.partition("_")
    name = f"{aliases.get(store_id, store_id)} 예약 {booking}" if booking else "예약 없음"
    when = f"({datetime.fromisoformat(finding.at):%m/%d %H:%M})" if finding.at else ""
    parts = (kind_label(finding.kind), finding.phone, when)
    said = " ".join(part for part in parts if part)
    kind = _TROUBLES.get(finding.what, TroubleKind.LEDGER_MISMATCH)
    subject = finding.id
    if finding.what == UNDELIVERED:  # named as the run does that follows what it has sent
        subject = f"{finding.booking} {finding.kind} {finding.request_id}"
        if finding.kind in START_BOUND_KINDS:
            kind = TroubleKind.GUIDE_FAILED
    why = finding.why if finding.what in (UNDELIVERED, NEVER_FINISHED) else ""
    details = (said, _MISMATCHES.get(finding.what, ""), why)
    return Trouble(kind, subject, name, ", ".join(detail for detail in details if detail))


def reconciliation_page(done: Reconciliation) -> str:
    """Write the Markdown page of a reconciliation, as Prefect's artifact shows it."""
    return render_page(
        "reconciliation_page.md.j2", done=done, meaning=MEANING, classes=list(MatchClass)
    )


def reconciliation_lines(done: Reconciliation) -> Iterator[str]:
    """Say what a reconciliation has found, in the reader's language."""
    yield _("{since} to {until}: {ledger} messages in the ledger, {log} in SENS's log").format(
        since=_minute(done.since), until=_minute(done.until), ledger=done.ledger, log=done.log
    )
    yield _("{delivered} arrived, {failed} failed, {under_way} are under way").format(
        delivered=done.delivered, failed=done.failed, under_way=done.under_way
    )
    yield from done.problems
    if not done.complete:
        yield _("not everything could be read: the next one begins where this one began")
    for what, count in Counter(finding.what for finding in done.findings).items():
        yield f"{count} × {_(MEANING[what])}"
    yield _("{new} new findings, {known} named before").format(
        new=len(done.news), known=len(done.findings) - len(done.news)
    )


def table_of(done: Reconciliation) -> list[dict[str, Any]]:
    """List the findings as the rows of a table, in the reader's language."""
    return [
        {
            _("meaning"): _(MEANING[finding.what]),
            _("booking"): finding.booking,
            _("message"): kind_label(finding.kind) if finding.kind else "",
            _("phone"): finding.phone,
            _("at"): _minute(finding.at),
            _("SENS says"): finding.why,
            _("new"): "*" if finding.new else "",
        }
        for finding in done.findings
    ]


def _minute(at: str) -> str:
    read = parse_time(at)
    return f"{read:%Y-%m-%d %H:%M}" if read else ""


def rows_of(done: Reconciliation) -> list[dict[str, Any]]:
    """List the findings as the rows of a table, with what each of them means."""
    return [
        {
            "what": finding.what,
            "meaning": MEANING[finding.what],
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
