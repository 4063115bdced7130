"""Delivering what was decided for one store: every effect once, then what stayed in doubt.

Nothing is ever sent blindly again: what is in doubt is looked up in SENS's log, and only what is
certain not to have been accepted is sent once more.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from naverplace.base.clock import SEOUL, Clock
from naverplace.base.errors import NaverPlaceError
from naverplace.base.phone import from_legacy_sort_key, normalise_phone
from naverplace.base.threads import call_at_once
from naverplace.delivery.executor import EffectExecutor
from naverplace.delivery.follow import SmsLogWindow
from naverplace.delivery.in_doubt import (
    URGENT,
    InDoubtMessage,
    Resolution,
    in_doubt_messages,
    known_requests,
    pick,
    safe_to_resend_after,
    unattributed_messages,
    window,
)
from naverplace.delivery.outcomes import describe_error
from naverplace.domain.effects import Channel, Effect, Notify, SendSms
from naverplace.domain.records import Record
from naverplace.domain.results import ActionResult, Outcome
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.message_ledger import MessageLedger
from naverplace.ledger.store_state import PendingMessage
from naverplace.messaging.sens import SensClient
from naverplace.settings.sections import LedgerSettings

log = logging.getLogger(__name__)
_MOVED_ON = "its ledger has moved on meanwhile"
_REFERENCES = 3  # messages of ours asked for, until one shows that the log repeats contents exactly


@dataclass
class InDoubtResolver:
    """Resolves messages in doubt; what it reads of SENS's log is kept for the rest of the run."""

    table: MessageLedger
    sens: SensClient
    clock: Clock
    settings: LedgerSettings
    known: dict[str, PendingMessage] = field(default_factory=dict)  # by request id
    recent: SmsLogWindow | None = None  # what this run has read of the log for all stores
    _reference_messages: dict[str, str] = field(default_factory=dict)  # request id -> fingerprint
    _read: dict[str, SmsLogEntry] = field(default_factory=dict)  # by message id
    _faithful: bool | None = None

    def add_known_requests(self, records: Iterable[Record]) -> None:
        """Remember which requests the ledger knows: they are not what is looked for."""
        for record in records:
            self.known |= known_requests([record])
            self._reference_messages |= {
                entry.request_id: entry.content_hash
                for entry in record.messages.values()
                if entry.request_id and entry.content_hash
            }

    def read(
        self, messages: Collection[PendingMessage], others: Iterable[PendingMessage] = ()
    ) -> list[InDoubtMessage]:
        """Read those of these messages that are in doubt, and learn which requests are known.

        `others` were sent before; one to the same phone may have the very same text.
        """
        phones = {message.key.phone for message in messages}
        keys = {m.key for m in (*messages, *others) if m.key.phone in phones}
        records = self.table.records.read(keys).values()
        self.add_known_requests(records)
        return [m for m in in_doubt_messages(records) if m.pending_message in messages]

    def resolve(self, messages: Sequence[InDoubtMessage]) -> list[InDoubtMessage]:
        """Look every message up once, the oldest first, and record what is certain now."""
        resolved: dict[PendingMessage, InDoubtMessage] = {}
        for message in sorted(messages, key=lambda m: str(m.claim.message.claimed_at)):
            try:
                outcome = self._look_up(message, messages)
            except NaverPlaceError as error:
                outcome = message.resolved_as(Resolution.UNREADABLE, str(error))
            log.log(
                logging.INFO if outcome.resolution.is_final else logging.WARNING,
                "booking %s: its %s in doubt is %s %s %s",
                *(message.claim.key.booking_num, message.claim.kind, outcome.resolution.value),
                *(outcome.request_id, outcome.why),
            )
            resolved[message.pending_message] = outcome
        return [resolved[message.pending_message] for message in messages]

    def wait_for(self, messages: Iterable[InDoubtMessage], *, at_most: float) -> bool:
        """Wait until these messages can be resolved, at most `at_most` seconds; tell if it did."""
        moments = [safe_to_resend_after(message, self.settings) for message in messages]
        now = self.clock.now()
        near = [m for m in moments if m and (m - now).total_seconds() <= at_most]
        if not near:
            return False
        time.sleep(max(0.0, (max(near) - now).total_seconds()) + 0.01)
        return True

    def _look_up(
        self, message: InDoubtMessage, messages: Sequence[InDoubtMessage]
    ) -> InDoubtMessage:
        """Find the message in SENS's log, or prove that it was never accepted."""
        looked_at, candidates = self._candidates(message)
        if found := pick(message, candidates, self.known):
            return self._record_accepted(message, found)
        strange = unattributed_messages(candidates, self.known, messages)
        if strange and not self._log_is_faithful():
            why = f"nobody can place {len(strange)} messages to this phone in SENS's log"
            return message.resolved_as(Resolution.UNCLEAR, why)
        safe = safe_to_resend_after(message, self.settings)
        if safe is None:
            why = "the ledger does not say since when"
            return message.resolved_as(Resolution.UNCLEAR, why)
        if looked_at < safe:
            why = f"SENS may still take it, until {safe.astimezone(SEOUL):%H:%M:%S}"
            return message.resolved_as(Resolution.WAITING, why)
        why = f"not in SENS's log at {looked_at:%Y-%m-%d %H:%M:%S}"
        if not self.table.release_claim(message.claim, why, now=self.clock.now()):
            return message.resolved_as(Resolution.RESOLVED_BY_OTHER_RUN, _MOVED_ON)
        return message.resolved_as(Resolution.FREED, why)

    def _record_accepted(self, message: InDoubtMessage, found: SmsLogEntry) -> InDoubtMessage:
        self.known[found.request_id] = message.pending_message
        if not self.table.mark_accepted_by_log(message.claim, found, now=self.clock.now()):
            return message.resolved_as(Resolution.RESOLVED_BY_OTHER_RUN, _MOVED_ON)
        when = f" at {found.request_time:%Y-%m-%d %H:%M:%S}" if found.request_time else ""
        why = f"SENS accepted it{when}"
        return message.resolved_as(Resolution.ADOPTED, why, found.request_id)

    def _candidates(self, message: InDoubtMessage) -> tuple[datetime, list[SmsLogEntry]]:
        """Read what SENS's log shows for that phone, without what is known as another message.

        Gives also when it was read: what was accepted later may be missing.
        """
        looked_at = self.clock.now()
        start, end = window(message, looked_at)
        try:
            own_phone = from_legacy_sort_key(message.claim.key.phone)
            to: str | None = message.claim.message.to or normalise_phone(own_phone)
        except ValueError:  # the legacy cuts odd numbers in odd places
            to = None
        own = message.pending_message
        safe = safe_to_resend_after(message, self.settings)
        if self.recent and self.recent.start <= start and safe and safe <= self.recent.read_at:
            looked_at = self.recent.read_at
            listed = [m for m in self.recent.entries if to in (None, m.to)]
        else:
            listed = self.sens.find(start=start, end=end, to=to)
        candidates = [m for m in listed if self.known.get(m.request_id, own) == own]
        return looked_at, [self._open(m) for m in candidates]

    def _open(self, listed: SmsLogEntry) -> SmsLogEntry:
        """Read a message's content, which the list does not tell (outside-services: SENS list)."""
        if listed.message_id not in self._read:
            self._read[listed.message_id] = self.sens.get(listed.message_id) or listed
        return self._read[listed.message_id]

    def _log_is_faithful(self) -> bool:
        """Tell whether the log repeats known messages of ours exactly, so that others differ."""
        if self._faithful is None:
            repeated = [
                self._open(listed).fingerprint == content_hash
                for request_id, content_hash in list(self._reference_messages.items())[
                    -_REFERENCES:
                ]
                for listed in self.sens.find_request(request_id)
            ]
            # All of them: after a change of SENS's secret key the older fingerprints fit no more.
            self._faithful = bool(repeated) and all(repeated)
        return self._faithful


def deliver(
    effects: Sequence[Effect], executor: EffectExecutor, resolver: InDoubtResolver | None = None
) -> list[ActionResult]:
    """Carry out each booking's effects in order, and notices last; gives a result for each effect.

    Several bookings are served at the same time, as many as the executor's slots allow.
    With a resolver, what is in doubt is resolved before this returns, as far as SENS's log tells.
    Raises nothing that concerns one booking or one service: that is in the results.
    """
    results: dict[int, ActionResult] = {}
    notices: dict[tuple[str, Channel], dict[int, Notify]] = {}
    of_bookings: dict[str, dict[int, Effect]] = {}
    for index, effect in enumerate(effects):
        if isinstance(effect, Notify):
            notices.setdefault((effect.rule, effect.channel), {})[index] = effect
        else:
            of_bookings.setdefault(effect.key.booking_num, {})[index] = effect
    served = [partial(_serve, executor, owed) for owed in of_bookings.values()]
    for ended in call_at_once(served, parallel=executor.parallel):
        results |= ended
    for (_, channel), group in notices.items():
        results |= zip(group, executor.notify(channel, list(group.values())), strict=True)
    if resolver:
        sent = {i: effect for i, effect in enumerate(effects) if isinstance(effect, SendSms)}
        results |= InDoubtPass(executor, resolver, sent, dict(results)).run()
    return [results[index] for index in range(len(effects))]


def _serve(executor: EffectExecutor, owed: Mapping[int, Effect]) -> dict[int, ActionResult]:
    with executor.slots:
        return {index: executor.execute(effect) for index, effect in owed.items()}


@dataclass(frozen=True)
class InDoubtPass:
    """The second pass of a delivery: resolves what the first one left in doubt."""

    executor: EffectExecutor
    resolver: InDoubtResolver
    sent: Mapping[int, SendSms]  # by index in the effects
    results: Mapping[int, ActionResult]

    def run(self) -> dict[int, ActionResult]:
        """Resolve what can be resolved now; the rest keeps its result, and says why."""
        in_doubt = {
            index: effect
            for index, effect in self.sent.items()
            if self.results[index].outcome is Outcome.IN_DOUBT
        }
        if not in_doubt:
            return {}
        try:
            resolved = self._resolve(list(in_doubt.values()))
        except NaverPlaceError as error:
            why = describe_error(error)
            return {i: self._stays_in_doubt(i, why, Resolution.UNREADABLE) for i in in_doubt}
        return {
            index: self._conclude(index, resolved.get(PendingMessage.of(effect)))
            for index, effect in in_doubt.items()
        }

    def _resolve(self, in_doubt: Sequence[SendSms]) -> dict[PendingMessage, InDoubtMessage]:
        """Look the messages up, wait until SENS's log is certain, and look once more."""
        wanted = {PendingMessage.of(effect) for effect in in_doubt}
        for index, effect in self.sent.items():  # what this very delivery has sent is known
            if self.results[index].outcome is Outcome.ACCEPTED:
                known = self.results[index].request_id
                self.resolver.known[known] = PendingMessage.of(effect)
        others = self.executor.lock.others_known if self.executor.lock else ()
        found = self.resolver.resolve(self.resolver.read(wanted, others))
        urgent = {PendingMessage.of(effect) for effect in in_doubt if self._is_urgent(effect)}
        waiting = [
            message
            for message in found
            if message.resolution is Resolution.WAITING
            or (message.resolution is Resolution.UNREADABLE and message.pending_message in urgent)
        ]
        resolved = {message.pending_message: message for message in found}
        if self.resolver.wait_for(waiting, at_most=self.executor.ledger.settle_seconds + 1.0):
            resolved |= {m.pending_message: m for m in self.resolver.resolve(waiting)}
        return resolved

    def _conclude(self, index: int, message: InDoubtMessage | None) -> ActionResult:
        if message is None:  # its entry is not in doubt any more: the claim will tell
            return self._send_again(index)
        if message.resolution is Resolution.ADOPTED:
            return replace(
                self.results[index],
                outcome=Outcome.ADOPTED,
                message=message.why,
                request_id=message.request_id,
                settled=message.resolution.value,
                writes=self.results[index].writes + 1,
            )
        if message.resolution is Resolution.FREED:
            return self._send_again(index, message.why, freed=True)
        if message.resolution is Resolution.RESOLVED_BY_OTHER_RUN:
            return self._send_again(index, message.why)
        if self._may_be_sent_twice(index, message):
            why = "sent again by the rule's choice"
            reason = f"{why} (in_doubt: resend); SENS's log cannot be read"
            now = self.executor.clock.now()
            if self.executor.table.release_claim(message.claim, reason, now=now):
                return self._send_again(index, why, freed=True)
        return self._stays_in_doubt(index, message.why, message.resolution)

    def _may_be_sent_twice(self, index: int, message: InDoubtMessage) -> bool:
        """Tell whether the rule would rather have this message twice than not at all, and now."""
        safe = safe_to_resend_after(message, self.executor.ledger)
        return (
            message.resolution is Resolution.UNREADABLE
            and self._is_urgent(self.sent[index])
            and safe is not None
            and self.executor.clock.now() >= safe
        )

    def _is_urgent(self, effect: SendSms) -> bool:
        if effect.in_doubt != "resend" or effect.expires is None:
            return False
        return effect.expires - self.executor.clock.now() < URGENT

    def _send_again(self, index: int, why: str = "", *, freed: bool = False) -> ActionResult:
        result = self.executor.execute(self.sent[index])
        if result.outcome is Outcome.FAILED and not freed:  # of the first try it says nothing
            why = f"{why or _MOVED_ON}; {result.message}"
            return self._stays_in_doubt(index, why, Resolution.RESOLVED_BY_OTHER_RUN)
        return replace(
            result,
            message=f"{result.message or 'sent again'} ({why})" if why else result.message,
            settled=Resolution.FREED.value if freed else "",
            writes=self.results[index].writes + result.writes + freed,
        )

    def _stays_in_doubt(self, index: int, why: str, resolution: Resolution) -> ActionResult:
        first = self.results[index]
        return replace(first, message=f"{first.message}; {why}", settled=resolution.value)
