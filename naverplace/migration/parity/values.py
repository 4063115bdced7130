"""What two systems were given and what each made of it, as values that can be compared; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import AwareDatetime

from naverplace.domain.effects import RecordKey
from naverplace.pipeline.capture.inputs import DecisionKey
from naverplace.reporting.thresholds import ThresholdRow


class AcceptedId(StrEnum):
    """The ids of deployments/accepted-differences.yaml that a comparison can show.

    Those without a law are about texts, the item afterwards, or swallowed errors.
    """

    UNFIT = "unfit-bookings-get-nothing"
    NEWEST = "newest-status-counts"
    SPELLED = "one-number-in-two-spellings"
    PAST = "no-confirmation-after-the-start"
    AT_ONCE = "owed-confirmation-goes-out-at-once"
    EXACTLY = "exactly-two-hours-before"
    MOVED = "moved-bookings-get-a-guide"
    EXPIRED = "expired-is-recorded"
    ACCEPTANCE = "flag-means-accepted"
    NAMED = "messages-name-the-booking"
    PLAIN = "names-without-emoji"
    SUBJECT = "subjects-name-kind-and-store"
    NATIONAL = "numbers-in-national-form"
    DIED = "legacy-run-died"
    MOMENT = "one-moment-for-a-run"
    FLAG = "only-true-is-sent"
    SIGNS = "signs-that-euc-kr-lacks"
    QUIET = "owner-is-told-of-changes"


@dataclass(frozen=True)
class Message:
    """One text message, whoever sends it."""

    to: str = field(repr=False)  # digits
    sender: str  # digits
    subject: str = field(repr=False)
    text: str = field(repr=False)  # may hold a door code
    type: str = "LMS"
    content_type: str = "COMM"


class OwnerLine(NamedTuple):
    """One line of the owner's text: what became of one message."""

    phone: str  # hyphenated
    kind: str
    done: bool


@dataclass(frozen=True)
class SystemOutput:
    """What one system decided, did, or was seen to do from some inputs."""

    name: str  # legacy | new | observed
    sends: Mapping[DecisionKey, tuple[Message, ...]]  # more than one: sent twice
    # The legacy's part of every item that was written, as it stood afterwards: the three flags and
    # booking_time. Flags count as if every message had been accepted.
    flags: Mapping[RecordKey, Mapping[str, Any]] = field(repr=False)
    told: tuple[OwnerLine, ...] | None = None  # None: this side was not asked, or tells sums only
    owner_texts: int | None = None  # messages to the owner's chat in this run
    collects: bool = False  # it tells the owner of several runs at a time
    errors: tuple[str, ...] = ()  # scrubbed; the legacy's swallowed ones begin with their L-number
    died: str = ""  # the legacy's: the L-number of what ended it before it decided anything
    # When it compared a booking's start with the time (L29), and under "" the hour of the event.
    moments: Mapping[str, tuple[datetime, ...]] = field(default_factory=dict)
    # The first and last moment of those that are not among `moments`; None: the inputs' own.
    between: tuple[datetime, datetime] | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Difference:
    """One thing that the two sides do not do alike; texts in it are masked."""

    run_id: str
    store_id: str
    # run (the legacy's died), decision (one side sends), twice (a side sends it twice), recipient,
    # sender, subject, text, signs (that EUC-KR lacks), type (SMS or LMS, COMM or AD), flags (what
    # the legacy reads of the item afterwards), owner (what the owner is told), errors.
    aspect: str
    kind: str  # of the message; '' for none
    booking_num: str
    due: datetime | None
    legacy: str  # masked, in words
    new: str
    # Why it may be: an id of accepted-differences.yaml, "noise", or "" for unexplained.
    because: str = ""

    @property
    def explained(self) -> bool:
        """Tell whether it has a class; without one there is no GO."""
        return bool(self.because)


NOISE = "noise"  # the source changed between the two sides' readings


@dataclass(frozen=True)
class LegacyDeath:
    """A run of the legacy that ended with its error text, and so decided nothing (L27)."""

    rows: tuple[str, ...]  # that ended it, in words; no phone is in them
    output: SystemOutput


@dataclass(frozen=True)
class ComparedRun:
    """Two sides of the same inputs, compared."""

    run_id: str
    now: datetime
    legacy: SystemOutput
    new: SystemOutput
    # Every booking x kind that either side decided on, sent or not: what evidence is counted from.
    decisions: frozenset[DecisionKey] = field(repr=False)
    sent: frozenset[DecisionKey] = field(repr=False)  # those that a side sends
    differences: tuple[Difference, ...] = ()
    # Of a dead run `legacy` is what it would have decided without the rows that ended it.
    death: LegacyDeath | None = None


@dataclass(frozen=True)
class Evidence:
    """How much one store x kind of message has been compared."""

    store_id: str
    kind: str
    decisions: int  # distinct keys
    sent: int  # distinct keys for which at least one side sends
    unexplained: int
    needed: int  # distinct decisions that a GO needs
    needed_sent: int

    @property
    def enough(self) -> bool:
        """Tell whether there is enough to judge by."""
        return self.decisions >= self.needed and self.sent >= self.needed_sent


GO, NO_GO, NOT_ENOUGH = "GO", "NO-GO", "NOT ENOUGH"


@dataclass(frozen=True, kw_only=True)
class VerdictTerms:
    """What a verdict is about, and what it needs besides the sums of the runs."""

    kind: str  # replay | shadow | observed | golden
    made_at: AwareDatetime
    aa_differences: int | None  # the legacy compared with itself; None: not measured
    rules_version: str = ""
    mutants: int | None = None  # wrong systems that were shown to the comparator
    survivors: tuple[str, ...] = ()  # those of them that it has not seen
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Parity(VerdictTerms):
    """The result of a comparison of any kind: what the report is written from."""

    first: datetime | None  # the moments of the first and the last run that were compared
    last: datetime | None
    runs: int
    verdict: str  # GO | NO-GO | NOT ENOUGH
    why: tuple[str, ...]  # the reasons of the verdict, in words
    decisions: int  # distinct
    unexplained: int
    accepted: Mapping[str, int]  # by id
    noise: int
    bound_95: float | None  # at most this share of decisions differs, at 95 % (3/n); None: unknown
    evidence: tuple[Evidence, ...]
    differences: tuple[Difference, ...]  # unexplained first; of an accepted id some examples
    # The seeds' table: aspect, legacy, new, match, each in words.
    table: tuple[Mapping[str, str], ...] = ()
    thresholds: tuple[ThresholdRow, ...] = ()
    # By store: {"store_id", "alias", "decisions", "legacy", "new", "accepted", "unexplained"}.
    stores: tuple[Mapping[str, Any], ...] = ()
    caught: int | None = None  # wrong systems that the comparator has seen
    legacy_died: int = 0  # runs
    fatal_rows: tuple[str, ...] = ()  # that ended them, in words
