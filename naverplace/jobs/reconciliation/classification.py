"""What became of every entry of the ledger and every message of SENS's log, as values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.scan import LedgerMessage


class MatchClass(StrEnum):
    """What became of one entry or one message; each has exactly one."""

    MATCHED = "matched"
    MISSING = "missing"  # counted, but SENS's log has no such message
    DUPLICATE = "duplicate"  # a second message of a content that is counted already
    UNRECORDED = "unrecorded"  # sent by us, while the ledger says that it was not
    FOREIGN = "foreign"  # sent with our account by somebody else
    SHARED = "shared"  # its message is another entry's already
    SURPLUS = "surplus"  # one request with several messages: the ones beyond the entry's
    WRONG_RECEIVER = "wrong_receiver"  # the request is the entry's, the phone is not
    OTHER_REQUEST = "other_request"  # in the log, but not under the id that the ledger has
    IN_DOUBT = "in_doubt"  # of a claim that is not settled
    LEGACY = "legacy"  # as the legacy sends, to a booking whose flag the legacy has set
    TOLERATED = "tolerated"  # from a sender that the settings name as known
    TOO_YOUNG = "too_young"  # judged the next time: SENS's log may still lack its other half
    EARLIER = "earlier"  # judged by an earlier reconciliation
    UNSETTLED = "unsettled"  # an entry whose sending is in doubt
    UNSENT = "unsent"  # an entry that nothing was sent for


WRONG = (  # the worst first
    MatchClass.DUPLICATE,
    MatchClass.UNRECORDED,
    MatchClass.MISSING,
    MatchClass.FOREIGN,
    MatchClass.SHARED,
    MatchClass.SURPLUS,
    MatchClass.WRONG_RECEIVER,
    MatchClass.OTHER_REQUEST,
)
_SENT_BY_OTHERS = (MatchClass.FOREIGN, MatchClass.LEGACY, MatchClass.TOLERATED)


class ReconciliationWindow(NamedTuple):
    """What is judged: from `start`, included, to `end`, not included."""

    start: datetime
    end: datetime

    def outside_reason(self, at: datetime | None) -> MatchClass | None:
        """Tell why something of this time is not judged; None when it is, or has no time."""
        if at is None or self.start <= at < self.end:
            return None
        return MatchClass.EARLIER if at < self.start else MatchClass.TOO_YOUNG


class Match(NamedTuple):
    """One entry or message with its class, and the other side where there is one."""

    match_class: MatchClass
    entry: LedgerMessage | None
    message: SmsLogEntry | None


@dataclass(frozen=True)
class MatchResult:
    """Every entry and every message, judged once, in the order they were given."""

    entries: tuple[Match, ...]
    messages: tuple[Match, ...]

    def entry_counts(self) -> dict[str, int]:
        """Count the entries by class."""
        return dict(Counter(match.match_class.value for match in self.entries))

    def message_counts(self) -> dict[str, int]:
        """Count the messages by class."""
        return dict(Counter(match.match_class.value for match in self.messages))

    def lacking_content(self) -> list[SmsLogEntry]:
        """List the messages that only their content can tell apart from ours."""
        known = {j.entry.to for j in self.entries if j.entry and j.entry.message.content_hash}
        return [
            j.message
            for j in self.messages
            if j.message and j.match_class in _SENT_BY_OTHERS and j.message.to in known
        ]
