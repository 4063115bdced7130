"""Matching the ledger with SENS's own log: one message to one entry, both ways; pure.

A request id pairs them. What is left over on either outside is named: the worst is a duplicate, a
message whose receiver and content are those of one that is counted already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from naverplace.base.clock import SEOUL
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.jobs.reconciliation.classification import (
    Match,
    MatchClass,
    MatchResult,
    ReconciliationWindow,
)
from naverplace.ledger.scan import LedgerMessage, LegacyFlag

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
SKEW = timedelta(minutes=5)  # between SENS's clock and ours (outside-services: SENS signature)
GUIDE = timedelta(hours=2)  # before the start (L11, L12)
EVENT_HOUR = 20  # L13


def match_messages(
    entries: Sequence[LedgerMessage],
    log: Sequence[SmsLogEntry],
    *,
    window: ReconciliationWindow,
    flags: Iterable[LegacyFlag] = (),
    known_senders: Iterable[str] = (),
    legacy_sends: bool = False,
) -> MatchResult:
    """Judge every entry and every message once; those outside the window only serve as partners.

    A message id stands in the log once.
    """
    matching = _Matching(entries, log, window)
    matching.pair_by_request()
    matching.judge_entries()
    matching.judge_messages(_Legacy(flags if legacy_sends else ()), frozenset(known_senders))
    return MatchResult(
        tuple(matching.entry_matches[at] for at in range(len(entries))),
        tuple(matching.message_matches[at] for at in range(len(log))),
    )


class _Matching:
    """The work on one pair of lists; places in them stand for their members."""

    def __init__(
        self,
        entries: Sequence[LedgerMessage],
        log: Sequence[SmsLogEntry],
        window: ReconciliationWindow,
    ) -> None:
        self.entries, self.log, self.window = entries, log, window
        self.entry_matches: dict[int, Match] = {}
        self.message_matches: dict[int, Match] = {}

    def pair_by_request(self) -> None:
        """Pair what bears one request id: the entry's own phone first."""
        messages = _places(self.log, lambda m: m.request_id)
        entries = _places(self.entries, lambda e: e.request_id)
        for request_id in entries.keys() & messages.keys() - {""}:
            left = sorted(messages[request_id], key=lambda at: self.log[at].message_id)
            counted = [at for at in entries[request_id] if self.entries[at].counted_as_sent]
            for same_phone in (True, False):
                for at in counted:
                    self._pair(at, left, same_phone=same_phone)
            for at in counted:
                if at not in self.entry_matches:
                    other = self.log[messages[request_id][0]]
                    self.entry_matches[at] = Match(MatchClass.SHARED, self.entries[at], other)
            first = self.entries[(counted or entries[request_id])[0]]
            for at in left:
                outside = self.window.outside_reason(self.log[at].request_time)
                match_class = outside or (MatchClass.SURPLUS if counted else _not_counted(first))
                self.message_matches[at] = Match(match_class, first, self.log[at])

    def _pair(self, entry_at: int, left: list[int], *, same_phone: bool) -> None:
        entry = self.entries[entry_at]
        if entry_at in self.entry_matches:
            return
        fitting = (at for at in left if not same_phone or self.log[at].to == entry.to)
        if (at := next(fitting, None)) is None:
            return
        left.remove(at)
        self._both(MatchClass.MATCHED if same_phone else MatchClass.WRONG_RECEIVER, entry_at, at)

    def _both(self, match_class: MatchClass, entry_at: int, message_at: int) -> None:
        judged = Match(match_class, self.entries[entry_at], self.log[message_at])
        self.entry_matches[entry_at] = self.message_matches[message_at] = judged

    def judge_entries(self) -> None:
        """Judge the entries that no message bears the request id of."""
        by_content = _places(self.log, lambda m: (m.to, m.fingerprint))
        for at, entry in enumerate(self.entries):
            if at in self.entry_matches:
                continue
            match_class = MatchClass.UNSETTLED if entry.message.is_in_doubt else MatchClass.UNSENT
            if entry.counted_as_sent:
                match_class = self.window.outside_reason(entry.at) or MatchClass.MISSING
            if match_class is MatchClass.MISSING and entry.message.content_hash:
                same = by_content.get((entry.to, entry.message.content_hash), [])
                if free := [m for m in same if m not in self.message_matches]:
                    self._both(MatchClass.OTHER_REQUEST, at, free[0])
                    continue
            self.entry_matches[at] = Match(match_class, entry, None)

    def judge_messages(self, legacy: _Legacy, known_senders: frozenset[str]) -> None:
        """Judge the messages that belong to no counted entry, the oldest first."""
        contents = _places(self.entries, lambda e: (e.to, e.message.content_hash))
        phones = _places(self.entries, lambda e: e.to)
        explained: set[int] = set()  # entries in doubt or unsent that have their message
        for at in sorted(range(len(self.log)), key=lambda at: _time_key(self.log[at])):
            message = self.log[at]
            if at in self.message_matches:
                continue
            if outside := self.window.outside_reason(message.request_time):
                self.message_matches[at] = Match(outside, None, message)
                continue
            same = (
                contents.get((message.to, message.fingerprint), []) if message.fingerprint else []
            )
            self.message_matches[at] = (
                self._of_ours(message, same, explained)
                or legacy.explain(message)
                or self._of_others(message, phones.get(message.to, []), known_senders)
            )

    def _of_ours(
        self, message: SmsLogEntry, same: Sequence[int], explained: set[int]
    ) -> Match | None:
        """Judge a message whose receiver and content the ledger knows."""
        for at in same:
            entry = self.entries[at]
            if not entry.counted_as_sent and at not in explained:
                explained.add(at)
                return Match(_not_counted(entry), entry, message)
        if same:
            counted = [at for at in same if self.entries[at].counted_as_sent]
            return Match(MatchClass.DUPLICATE, self.entries[(counted or same)[0]], message)
        return None

    def _of_others(
        self, message: SmsLogEntry, at_phone: Sequence[int], known_senders: frozenset[str]
    ) -> Match:
        near = [self.entries[at] for at in at_phone]
        entry = min(near, key=lambda entry: _distance(entry, message)) if near else None
        match_class = (
            MatchClass.TOLERATED if message.sender in known_senders else MatchClass.FOREIGN
        )
        return Match(match_class, entry, message)


class _Legacy:
    """The messages that the legacy may have sent; each explains one message of the log."""

    def __init__(self, flags: Iterable[LegacyFlag]) -> None:
        self._left: dict[str, list[LegacyFlag]] = defaultdict(list)
        for flag in flags:
            self._left[flag.to].append(flag)

    def explain(self, message: SmsLogEntry) -> Match | None:
        """Take the flag that this message fits best; None when there is none."""
        left = self._left.get(message.to, [])
        # The guide's time is the narrowest, the confirmation's has no bounds (L11-L13, L26).
        for kind in ("guide", "event", "confirmation"):
            for flag in left:
                if flag.kind == kind and _is_in_time(flag, message.request_time):
                    left.remove(flag)
                    return Match(MatchClass.LEGACY, None, message)
        return None


def _is_in_time(flag: LegacyFlag, at: datetime | None) -> bool:
    if flag.kind == "confirmation" or at is None:
        return True
    if flag.kind == "event":
        return any((at + d).astimezone(SEOUL).hour == EVENT_HOUR for d in (-SKEW, SKEW))
    return flag.start is not None and flag.start - GUIDE - SKEW <= at <= flag.start + SKEW


def _not_counted(entry: LedgerMessage) -> MatchClass:
    return MatchClass.IN_DOUBT if entry.message.is_in_doubt else MatchClass.UNRECORDED


def _distance(entry: LedgerMessage, message: SmsLogEntry) -> timedelta:
    if entry.at is None or message.request_time is None:
        return timedelta.max
    return abs(entry.at - message.request_time)


def _time_key(message: SmsLogEntry) -> tuple[float, str]:
    return (message.request_time.timestamp() if message.request_time else 0.0, message.message_id)


def _places(members: Sequence[T], key: Callable[[T], K]) -> dict[K, list[int]]:
    found: dict[K, list[int]] = defaultdict(list)
    for at, member in enumerate(members):
        found[key(member)].append(at)
    return found
