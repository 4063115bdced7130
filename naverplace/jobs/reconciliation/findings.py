"""What a reconciliation has found, as values; nothing here holds a full phone, a name or a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.base.phone import mask
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.jobs.reconciliation.matching import (
    WRONG,
    Match,
    MatchClass,
    MatchResult,
    ReconciliationWindow,
)
from naverplace.ledger.scan import LedgerMessage

UNDELIVERED = "undelivered"  # accepted, and the phone did not get it
NEVER_FINISHED = "never_finished"  # accepted, and SENS never said what became of it
# Named, yet nothing is wrong with us.
INFORMATIONAL = (MatchClass.IN_DOUBT.value, UNDELIVERED, NEVER_FINISHED)


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know of."""

    what: str
    booking: str = ""
    kind: str = ""
    phone: str = ""  # masked
    at: str = ""
    request_id: str = ""  # in SENS's log; of what is missing there, the ledger's
    message_id: str = ""
    counted_as: str = ""  # the request id of the ledger's own message, when it is another one
    why: str = ""
    new: bool = True  # not named by an earlier reconciliation

    @property
    def id(self) -> str:
        """Name the finding in the same way the next time."""
        return f"{self.what}:{self.message_id or self.request_id}:{self.booking}/{self.kind}"

    @property
    def wrong(self) -> bool:
        """Tell whether a promise may be broken."""
        return self.what not in INFORMATIONAL


@dataclass(frozen=True)
class DeliveryUpdate:
    """What became of the accepted messages of the last days."""

    delivered: int = 0  # now known to have arrived
    failed: int = 0  # now known to have failed
    under_way: int = 0
    findings: tuple[Finding, ...] = ()
    problem: str = ""  # why not all of them were followed


@dataclass(frozen=True)
class Reconciliation:
    """One reconciliation, summed up."""

    run_id: str
    door: str  # flow | cli
    now: str
    since: str
    until: str
    status: str  # success | failed
    ledger: int  # messages of the window that the ledger counts
    log: int  # messages of the window in SENS's log
    entries: Mapping[str, int]  # of the whole ledger, by class
    messages: Mapping[str, int]  # of all that was read of SENS's log, by class
    delivered: int
    failed: int
    under_way: int
    findings: tuple[Finding, ...]
    problems: tuple[str, ...]
    complete: bool  # everything could be read: the next one begins where this one ends
    seconds: float = 0.0

    @property
    def news(self) -> tuple[Finding, ...]:
        """List what no earlier reconciliation has named."""
        return tuple(finding for finding in self.findings if finding.new)

    @property
    def found(self) -> bool:
        """Tell whether somebody must look."""
        return bool(self.news or self.problems)

    def as_json(self) -> dict[str, Any]:
        """Turn it into plain JSON values."""
        return asdict(self)


def findings_of(matched: MatchResult) -> list[Finding]:
    """Name what does not match, the worst first."""
    order = [*WRONG, MatchClass.IN_DOUBT]
    matches = [m for m in (*matched.messages, *matched.entries) if m.match_class in order]
    findings = {f.id: f for f in map(match_finding, matches)}.values()  # a pair is in both lists
    return sorted(findings, key=lambda finding: (order.index(MatchClass(finding.what)), finding.at))


def match_finding(match: Match) -> Finding:
    """Word one match."""
    entry, message = match.entry, match.message
    finding = (
        entry_finding(match.match_class.value, entry) if entry else Finding(match.match_class.value)
    )
    if message is None:
        return finding
    counted_as = finding.request_id if finding.request_id != message.request_id else ""
    return replace(
        finding,
        phone=mask(message.to),
        at=_shown(message.request_time),
        request_id=message.request_id,
        message_id=message.message_id,
        counted_as=counted_as,
        why=message.result if not entry else finding.why,
    )


def entry_finding(what: str, entry: LedgerMessage, message: SmsLogEntry | None = None) -> Finding:
    """Word what there is to say of one entry of the ledger."""
    return Finding(
        what,
        booking=entry.key.booking_num,
        kind=entry.kind,
        phone=mask(entry.to),
        at=_shown(entry.at),
        request_id=entry.request_id,
        message_id=message.message_id if message else entry.message.message_id,
        why=message.result if message else entry.message.provider_status,
    )


def nothing_to_compare(matched: MatchResult, window: ReconciliationWindow) -> list[str]:
    """Say when one side was empty while the other was not: then nothing was compared at all."""
    ledger = [m for m in matched.entries if expected_in_log(m.entry, window)]
    log = [
        m
        for m in matched.messages
        if m.message and window.outside_reason(m.message.request_time) is None
    ]
    explained = (MatchClass.LEGACY, MatchClass.TOLERATED, MatchClass.IN_DOUBT)
    unexplained = [m for m in log if m.match_class not in explained]
    if ledger and not log and all(m.message is None for m in ledger):
        return [
            f"checked none of more than none: the ledger counts {len(ledger)} messages, and SENS's "
            "log shows none; is NAVERPLACE_SENS__SERVICE_ID the one that sends?"
        ]
    if unexplained and not ledger and all(m.match_class is not MatchClass.MATCHED for m in log):
        return [
            f"checked none of more than none: SENS's log shows {len(unexplained)} messages, and "
            "the ledger counts none; is NAVERPLACE_AWS__SMS_TABLE the one that is written to?"
        ]
    return []


def expected_in_log(entry: LedgerMessage | None, window: ReconciliationWindow) -> bool:
    """Tell whether the entry is one of the window that SENS's log must show."""
    return entry is not None and entry.counted_as_sent and window.outside_reason(entry.at) is None


def _shown(at: datetime | None) -> str:
    return at.astimezone(SEOUL).isoformat(timespec="seconds") if at else ""
