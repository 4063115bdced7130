"""Matching the ledger with SENS's own log: one message to one entry, both ways; pure.

A request id pairs them. What stays alone on either side is named: the worst is a duplicate, a
message whose receiver and content are those of one that is counted already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter
from typing import Generic, NamedTuple, TypeVar

from naverplace.base.clock import SEOUL
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.scan import LedgerMessage, LegacyFlag

T = TypeVar("T", LedgerMessage, SmsLogEntry)
_Key = Callable[[LedgerMessage | SmsLogEntry], Hashable]  # what two sides have in common
SKEW = timedelta(minutes=5)  # between SENS's clock and ours (outside-services: SENS signature)
GUIDE = timedelta(hours=2)  # before the start (L11, L12)
EVENT_HOUR = 20  # L13


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
_request, _phone = attrgetter("request_id"), attrgetter("to")
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

    @property
    def ledger_size(self) -> int:
        """Tell how many messages the whole ledger counts as sent."""
        return sum(bool(m.entry and m.entry.counted_as_sent) for m in self.entries)

    def lacking_content(self, also_to: Collection[str] = ()) -> list[SmsLogEntry]:
        """List the messages that only their content can tell apart from ours."""
        known = {m.entry.to for m in self.entries if m.entry and m.entry.message.content_hash}
        return [
            m.message
            for m in self.messages
            if m.message
            and m.match_class in _SENT_BY_OTHERS
            and m.message.to in (known | {*also_to})
        ]


def match_messages(
    entries: Sequence[LedgerMessage],
    log: Sequence[SmsLogEntry],
    *,
    window: ReconciliationWindow,
    flags: Iterable[LegacyFlag] = (),
    known_senders: Iterable[str] = (),
    legacy_sends: bool = False,
    test_messages: Collection[str] = (),
) -> MatchResult:
    """Judge every entry and every message once; those outside the window only serve as partners.

    A message id stands in the log once.
    """
    matching = _Matching(entries, log, window)
    matching.pair_by_request()
    matching.judge_entries()
    tolerated = _Tolerated(frozenset(known_senders), frozenset(test_messages))
    matching.judge_messages(_Legacy(flags if legacy_sends else ()), tolerated)
    return MatchResult(
        tuple(entry.match for entry in matching.entries if entry.match),
        tuple(message.match for message in matching.messages if message.match),
    )


@dataclass(eq=False)
class _Judged(Generic[T]):
    """An entry or a message, which may equal another one, with its match as soon as it has one."""

    value: T
    match: Match | None = None


class _Matching:
    def __init__(
        self,
        entries: Sequence[LedgerMessage],
        log: Sequence[SmsLogEntry],
        window: ReconciliationWindow,
    ) -> None:
        self.window = window
        self.entries = [_Judged(entry) for entry in entries]
        self.messages = [_Judged(message) for message in log]
        self.oldest_first = sorted(self.messages, key=lambda message: _time_key(message.value))

    def pair_by_request(self) -> None:
        """Pair what bears one request id: the entry's own phone first."""
        counted = [entry for entry in self.entries if entry.value.counted_as_sent]
        self._pair(MatchClass.MATCHED, counted, _request_and_phone)
        self._pair(MatchClass.WRONG_RECEIVER, counted, _request)
        messages_of = _grouped(self.oldest_first, _request)
        for entry in counted:
            if entry.match is None and (same := messages_of.get(entry.value.request_id)):
                entry.match = Match(MatchClass.SHARED, entry.value, same[0].value)
        counted_of = _grouped(counted, _request)
        owners_of = _grouped(self.entries, _request) | counted_of
        for message in self.messages:
            request_id = message.value.request_id
            if message.match is None and (owners := owners_of.get(request_id)):
                owner = owners[0].value
                surplus = MatchClass.SURPLUS if request_id in counted_of else _not_counted(owner)
                outside = self.window.outside_reason(message.value.request_time)
                message.match = Match(outside or surplus, owner, message.value)

    def judge_entries(self) -> None:
        """Judge the entries that no message bears the request id of."""
        alone = {e: self._class_alone(e.value) for e in self.entries if e.match is None}
        missing = [e for e, match_class in alone.items() if match_class is MatchClass.MISSING]
        self._pair(MatchClass.OTHER_REQUEST, missing, _content)
        for entry, match_class in alone.items():
            entry.match = entry.match or Match(match_class, entry.value, None)

    def _class_alone(self, entry: LedgerMessage) -> MatchClass:
        if entry.counted_as_sent:
            return self.window.outside_reason(entry.at) or MatchClass.MISSING
        return MatchClass.UNSETTLED if entry.message.is_in_doubt else MatchClass.UNSENT

    def _pair(
        self, match_class: MatchClass, entries: Iterable[_Judged[LedgerMessage]], key: _Key
    ) -> None:
        """Give each of the entries without a match the oldest free message of its key."""
        free = _grouped((m for m in self.oldest_first if m.match is None), key)
        for entry in entries:
            if entry.match is None and (messages := free.get(key(entry.value))):
                message = messages.pop(0)
                entry.match = message.match = Match(match_class, entry.value, message.value)

    def judge_messages(self, legacy: _Legacy, tolerated: _Tolerated) -> None:
        """Judge the messages that belong to no counted entry, the oldest first."""
        same_content, same_phone = _grouped(self.entries, _content), _grouped(self.entries, _phone)
        explained: set[_Judged[LedgerMessage]] = set()  # not counted, and their message is there
        for judged in self.oldest_first:
            message = judged.value
            if judged.match is not None:
                continue
            same = same_content.get(_content(message), [])
            counted = [entry for entry in same if entry.value.counted_as_sent]
            unused = [entry for entry in same if entry not in (*counted, *explained)]
            if outside := self.window.outside_reason(message.request_time):
                judged.match = Match(outside, None, message)
            elif unused:
                explained.add(unused[0])
                judged.match = Match(_not_counted(unused[0].value), unused[0].value, message)
            elif same:
                judged.match = Match(MatchClass.DUPLICATE, (counted or same)[0].value, message)
            elif legacy.explains(message):
                judged.match = Match(MatchClass.LEGACY, None, message)
            else:
                near = [entry.value for entry in same_phone.get(message.to, [])]
                nearest = min(near, key=lambda entry: _distance(entry, message), default=None)
                known = tolerated.explains(message)
                match_class = MatchClass.TOLERATED if known else MatchClass.FOREIGN
                judged.match = Match(match_class, nearest, message)


@dataclass(frozen=True)
class _Tolerated:
    """Messages of others that are as they should be: of known senders, and the owner's tests."""

    senders: frozenset[str]
    fingerprints: frozenset[str]

    def explains(self, message: SmsLogEntry) -> bool:
        return message.sender in self.senders or message.fingerprint in self.fingerprints


class _Legacy:
    """The messages that the legacy may have sent; each explains one message of the log."""

    def __init__(self, flags: Iterable[LegacyFlag]) -> None:
        self._unused: dict[str, list[LegacyFlag]] = defaultdict(list)
        for flag in flags:
            self._unused[flag.to].append(flag)

    def explains(self, message: SmsLogEntry) -> bool:
        """Use up the flag that this message fits best; tell False when there is none."""
        flags = self._unused.get(message.to, [])
        # The guide's time is the narrowest, the confirmation's has no bounds (L11-L13, L26).
        for kind in ("guide", "event", "confirmation"):
            for flag in flags:
                if flag.kind == kind and _is_in_time(flag, message.request_time):
                    flags.remove(flag)
                    return True
        return False


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


def _request_and_phone(side: LedgerMessage | SmsLogEntry) -> Hashable:
    return side.request_id and (side.request_id, side.to)


def _content(side: LedgerMessage | SmsLogEntry) -> Hashable:
    content = side.message.content_hash if isinstance(side, LedgerMessage) else side.fingerprint
    return content and (side.to, content)


def _grouped(members: Iterable[_Judged[T]], key: _Key) -> dict[Hashable, list[_Judged[T]]]:
    """Group by a key; what has none is in no group."""
    groups: dict[Hashable, list[_Judged[T]]] = defaultdict(list)
    for member in members:
        if value := key(member.value):
            groups[value].append(member)
    return dict(groups)
