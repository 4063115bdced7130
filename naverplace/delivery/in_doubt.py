"""A message that may or may not have been accepted, and what SENS's log says about it; pure.

When is it certain that a message was not sent? A send is signed at most `send_seconds` after its
claim, and SENS refuses what was signed five minutes ago (outside-services: SENS signature), so even
a frozen process sends nothing after that; twice the five minutes, since our clock may be ahead of
SENS's. What was accepted stands in the log after `settle_seconds` at the latest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from naverplace.domain.message_kinds import FLAG_OF
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import Record
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.message_ledger import Claim
from naverplace.ledger.store_state import PendingMessage
from naverplace.settings.sections import LedgerSettings

SIGNATURE_LIFE = timedelta(minutes=5)  # and so the largest difference of two clocks that SENS takes
_LISTED = timedelta(days=30)  # the longest window that SENS lists at once
URGENT = timedelta(minutes=25)  # before a message expires: the next run may come too late


class Resolution(StrEnum):
    """What became of a message in doubt."""

    ADOPTED = "adopted"  # the log holds it: it was accepted
    FREED = "freed"  # it was never accepted: it is owed again
    WAITING = "waiting"  # it is not in the log, but may still appear there
    UNCLEAR = "unclear"  # the log holds a message to that phone which nobody can place
    UNREADABLE = "unreadable"  # the log cannot be read
    RESOLVED_BY_OTHER_RUN = "elsewhere"  # another run has resolved it meanwhile, or is at it

    @property
    def is_final(self) -> bool:
        """Tell whether the message is in doubt no more."""
        return self in (Resolution.ADOPTED, Resolution.FREED)


@dataclass(frozen=True)
class InDoubtMessage:
    """One message in doubt, with what became of it."""

    claim: Claim  # its `message` is the ledger entry as it was read
    resolution: Resolution = Resolution.WAITING
    why: str = ""
    request_id: str = ""

    @property
    def pending_message(self) -> PendingMessage:
        """Name it as the store's item does."""
        return PendingMessage(self.claim.key, self.claim.kind)

    def resolved_as(self, resolution: Resolution, why: str, request_id: str = "") -> InDoubtMessage:
        """Give it with what became of it."""
        return replace(self, resolution=resolution, why=why, request_id=request_id)

    def row(self) -> dict[str, str]:
        """List it for a report; no phone, no name."""
        message = self.claim.message
        since = message.claimed_at
        return {
            "booking": self.claim.key.booking_num,
            "kind": self.claim.kind,
            "settled": self.resolution.value,
            "since": since.isoformat(timespec="seconds") if since else "",
            "run_id": message.execution_id,
            "request_id": self.request_id,
            "why": self.why,
        }


def safe_to_resend_after(message: InDoubtMessage, settings: LedgerSettings) -> datetime | None:
    """Tell from when on a message that is not in the log was not accepted; None if nobody knows."""
    entry, settle = message.claim.message, timedelta(seconds=settings.settle_seconds)
    if entry.claimed_at is None:
        return None
    signed = entry.claimed_at + timedelta(seconds=settings.send_seconds)
    frozen = signed + 2 * SIGNATURE_LIFE + settle
    if entry.state == MessageStatus.IN_DOUBT and entry.settled_at:
        return min(entry.settled_at + settle, frozen)  # its own run has seen the send's end
    return frozen


def window(message: InDoubtMessage, now: datetime) -> tuple[datetime, datetime]:
    """Tell the request times to look at, at least; SENS's clock may differ from ours."""
    claimed = message.claim.message.claimed_at or now - timedelta(days=1)
    start = min(claimed, now) - SIGNATURE_LIFE  # a clock may have been put back since
    # What lies beyond is of no interest: a send leaves minutes after its claim, or never.
    return start, min(now + SIGNATURE_LIFE, start + _LISTED)


def pick(
    message: InDoubtMessage, candidates: Sequence[SmsLogEntry], known: Mapping[str, PendingMessage]
) -> SmsLogEntry | None:
    """Find the message in doubt: its very content, and not known as another message's."""
    own = message.pending_message
    fitting = [
        candidate
        for candidate in candidates
        if candidate.fingerprint == message.claim.message.content_hash
        and known.get(candidate.request_id, own) == own
    ]
    return min(fitting, key=lambda m: (str(m.request_time), m.message_id), default=None)


def unattributed_messages(
    candidates: Iterable[SmsLogEntry],
    known: Mapping[str, PendingMessage],
    messages: Iterable[InDoubtMessage],
) -> list[SmsLogEntry]:
    """List the messages that belong to no message of ours that we know of."""
    hashes = {message.claim.message.content_hash for message in messages}
    return [c for c in candidates if c.request_id not in known and c.fingerprint not in hashes]


def known_requests(records: Iterable[Record]) -> dict[str, PendingMessage]:
    """List which message every request that the ledger knows was for."""
    return {
        message.request_id: PendingMessage(record.key, kind)
        for record in records
        for kind, message in record.messages.items()
        if message.request_id
    }


def in_doubt_messages(records: Iterable[Record]) -> list[InDoubtMessage]:
    """List the messages in doubt of these records."""
    return [
        InDoubtMessage(Claim(record.key, kind, message, FLAG_OF.get(kind)))
        for record in records
        for kind, message in record.messages.items()
        if message.is_in_doubt and message.content_hash  # a notice has none: nobody can look it up
    ]
