"""Settling doubts: asking SENS's own log, and moving the ledger by what it says. Sends nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from naverplace.base.clock import SEOUL, Clock
from naverplace.base.errors import NaverPlaceError
from naverplace.base.phone import from_legacy_sort_key, normalise_phone
from naverplace.delivery.in_doubt import (
    Candidate,
    InDoubtMessage,
    Resolution,
    known_requests,
    pick,
    safe_to_resend_after,
    unattributed_messages,
    window,
)
from naverplace.domain.records import Record
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.lease import PendingMessage
from naverplace.ledger.message_ledger import MessageLedger
from naverplace.messaging.sens import SensClient
from naverplace.settings.sections import LedgerSettings

log = logging.getLogger(__name__)
Progress = Callable[[str], None]
_REFERENCES = 3  # messages of ours asked for, until one shows that the log repeats contents exactly


@dataclass
class InDoubtResolver:
    """Settles doubts; what it has read of SENS's log is kept for the rest of the run."""

    table: MessageLedger
    sens: SensClient
    clock: Clock
    settings: LedgerSettings
    known: dict[str, PendingMessage] = field(default_factory=dict)  # by request id
    _reference_messages: dict[str, str] = field(
        default_factory=dict
    )  # request id -> its content's fingerprint
    _read: dict[str, Candidate] = field(default_factory=dict)  # by message id
    _faithful: bool | None = None

    def add_known_requests(self, records: Iterable[Record]) -> None:
        """Remember which requests the ledger knows: they are not what is looked for."""
        for record in records:
            self.known |= known_requests([record])
            self._reference_messages |= {
                message.request_id: message.content_hash
                for message in record.messages.values()
                if message.request_id and message.content_hash
            }

    def resolve(self, doubts: Sequence[InDoubtMessage]) -> list[InDoubtMessage]:
        """Look every doubt up once, the oldest first, and record what is certain now."""
        ended: dict[PendingMessage, InDoubtMessage] = {}
        for doubt in sorted(doubts, key=lambda d: str(d.claim.message.claimed_at)):
            ended[doubt.pending_message] = self._settle(doubt, doubts)
        return [ended[doubt.pending_message] for doubt in doubts]

    def wait_for(self, doubts: Iterable[InDoubtMessage], *, at_most: float) -> bool:
        """Wait until these doubts can be settled, at most `at_most` seconds; tell if it did."""
        moments = [safe_to_resend_after(doubt, self.settings) for doubt in doubts]
        now = self.clock.now()
        near = [m for m in moments if m and (m - now).total_seconds() <= at_most]
        if not near:
            return False
        time.sleep(max(0.0, (max(near) - now).total_seconds()) + 0.01)
        return True

    def free_by_rule(self, doubt: InDoubtMessage) -> bool:
        """Free a message that the rule prefers to send twice rather than not at all."""
        why = "sent again by the rule's choice (in_doubt: resend); SENS's log cannot be read"
        return self.table.mark_never_sent(doubt.claim, why, now=self.clock.now())

    def _settle(self, doubt: InDoubtMessage, doubts: Sequence[InDoubtMessage]) -> InDoubtMessage:
        try:
            resolved = self._look_up(doubt, doubts)
        except NaverPlaceError as error:
            resolved = replace(doubt, resolution=Resolution.UNREADABLE, why=str(error))
        log.log(
            logging.INFO if resolved.resolution.is_final else logging.WARNING,
            "booking %s: the doubt about its %s is %s %s %s",
            *(doubt.claim.key.booking_num, doubt.claim.kind, resolved.resolution.value),
            *(resolved.request_id, resolved.why),
        )
        return resolved

    def _look_up(self, doubt: InDoubtMessage, doubts: Sequence[InDoubtMessage]) -> InDoubtMessage:
        looked_at = self.clock.now()  # what was accepted later may be missing from the answer
        candidates = self._candidates(doubt, looked_at)
        if found := pick(doubt, candidates, self.known):
            return self._adopt(doubt, found)
        strange = unattributed_messages(candidates, self.known, doubts)
        if strange and not self._log_is_faithful():
            why = f"nobody can place {len(strange)} messages to this phone in SENS's log"
            return replace(doubt, resolution=Resolution.UNCLEAR, why=why)
        certain = safe_to_resend_after(doubt, self.settings)
        if certain is None:
            return replace(
                doubt, resolution=Resolution.UNCLEAR, why="the ledger does not say since when"
            )
        if looked_at < certain:
            when = f"{certain.astimezone(SEOUL):%H:%M:%S}"
            return replace(
                doubt, resolution=Resolution.WAITING, why=f"SENS may still take it, until {when}"
            )
        return self._free(doubt, looked_at)

    def _candidates(self, doubt: InDoubtMessage, now: datetime) -> list[Candidate]:
        start, end = window(doubt, now)
        try:
            to: str | None = normalise_phone(from_legacy_sort_key(doubt.claim.key.phone))
        except ValueError:  # the legacy cuts odd numbers in odd places
            to = None
        listed = self.sens.find(start=start, end=end, to=to)
        return [self._open(m) for m in listed if self._is_wanted(m, doubt)]

    def _is_wanted(self, message: SmsLogEntry, doubt: InDoubtMessage) -> bool:
        """Tell whether the message may be the doubted one: others' contents need not be read."""
        return self.known.get(message.request_id, doubt.pending_message) == doubt.pending_message

    def _open(self, listed: SmsLogEntry) -> Candidate:
        """Read a message's content, which the list does not tell (outside-services: SENS list)."""
        if listed.message_id not in self._read:
            message = self.sens.get(listed.message_id) or listed
            self._read[listed.message_id] = Candidate(message, self.sens.fingerprint_of(message))
        return self._read[listed.message_id]

    def _log_is_faithful(self) -> bool:
        """Tell whether the log repeats known messages of ours exactly, so that others differ."""
        if self._faithful is None:
            proofs = list(self._reference_messages.items())[-_REFERENCES:]
            told = [told for request, hash_ in proofs for told in self._repeats(request, hash_)]
            # All of them: after a change of SENS's secret key the older fingerprints fit no more.
            self._faithful = bool(told) and all(told)
        return self._faithful

    def _repeats(self, request_id: str, content_hash: str) -> list[bool]:
        """Tell of each message of a request in the log whether it is as it was sent."""
        listed = self.sens.find_request(request_id)
        return [self._open(message).fingerprint == content_hash for message in listed]

    def _adopt(self, doubt: InDoubtMessage, found: SmsLogEntry) -> InDoubtMessage:
        self.known[found.request_id] = doubt.pending_message
        if not self.table.mark_accepted_by_log(doubt.claim, found, now=self.clock.now()):
            return replace(
                doubt,
                resolution=Resolution.RESOLVED_BY_OTHER_RUN,
                why="its ledger has moved on meanwhile",
            )
        return replace(
            doubt,
            resolution=Resolution.ADOPTED,
            request_id=found.request_id,
            why=f"SENS accepted it at {found.request_time:%Y-%m-%d %H:%M:%S}"
            if found.request_time
            else "SENS accepted it",
        )

    def _free(self, doubt: InDoubtMessage, looked_at: datetime) -> InDoubtMessage:
        why = f"not in SENS's log at {looked_at:%Y-%m-%d %H:%M:%S}"
        if not self.table.mark_never_sent(doubt.claim, why, now=self.clock.now()):
            return replace(
                doubt,
                resolution=Resolution.RESOLVED_BY_OTHER_RUN,
                why="its ledger has moved on meanwhile",
            )
        return replace(doubt, resolution=Resolution.FREED, why=why)


def counts(doubts: Iterable[InDoubtMessage]) -> Mapping[str, int]:
    """Count doubts by what became of them."""
    found: dict[str, int] = {}
    for doubt in doubts:
        found[doubt.resolution.value] = found.get(doubt.resolution.value, 0) + 1
    return found
