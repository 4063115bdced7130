"""What deciding and delivering come to: verdicts, decisions, and what became of each effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from naverplace.base.translation import gettext_noop as N_
from naverplace.domain.effects import Effect


class Outcome(StrEnum):
    """How the carrying out of an effect ended."""

    ACCEPTED = "accepted"  # the provider took the message (SENS 202, Telegram ok, Slack ok)
    ADOPTED = "adopted"  # the provider's log shows that an earlier try was accepted
    WRITTEN = "written"  # the record or flag was written
    SKIPPED = "skipped"  # not needed any more: somebody else did it, or it is too late
    REFUSED = "refused"  # the provider said no; owed again next run
    IN_DOUBT = "in_doubt"  # may or may not have been accepted
    CAPPED = "capped"  # nothing was sent: too many have gone out; owed again next run
    FAILED = "failed"  # nothing was sent: unreachable, throttled, table not writable


HELD = "held back"  # begins the words of a message that a pause keeps from being sent
OPTED_OUT = N_("its phone refused advertisements (080)")
_GOOD = (Outcome.ACCEPTED, Outcome.ADOPTED, Outcome.WRITTEN, Outcome.SKIPPED)


@dataclass(frozen=True)
class ActionResult:
    """What became of one effect; holds no phone, name or text."""

    rule: str
    # send_sms | create_db_record | update_flag | send_telegram | send_slack | move_record |
    # mark_expired | reserve
    action: str
    booking_num: str
    store_id: str
    outcome: Outcome
    kind: str = ""
    message: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    request_id: str = ""
    seconds: float = 0.0  # spent on the outside call
    writes: int = 0  # successful writes to table `sms`
    settled: str = ""  # what became of a doubt about it in this run

    @property
    def success(self) -> bool:
        """Tell whether the effect is done and needs nobody's attention."""
        return self.outcome in _GOOD


class RuleVerdict(NamedTuple):
    """Why a rule fired, or did not, for one booking; of these there are many."""

    booking_num: str
    store_id: str
    rule: str
    fired: bool
    failed_condition: str = ""  # the first condition that said no
    observed: Mapping[str, Any] = {}  # no phone, no name


class VerdictKind(NamedTuple):
    """What verdicts on many bookings have in common, and are counted by."""

    rule: str
    fired: bool
    failed_condition: str


@dataclass(frozen=True)
class Undecided:
    """A rule that could not be decided for one booking; it counts as not fired."""

    booking_num: str
    store_id: str
    rule: str
    message: str  # with file, line and column; no phone, no name

    def __str__(self) -> str:
        return f"rule {self.rule!r} is undecided for booking {self.booking_num}: {self.message}"


@dataclass(frozen=True)
class Decisions:
    """What `decide` returns: every verdict, and the effects owed in the order to carry out."""

    verdicts: tuple[RuleVerdict, ...]
    effects: tuple[Effect, ...]
    errors: tuple[Undecided, ...] = ()  # each booking's stands alone: the others go on
    counted: Mapping[VerdictKind, int] = field(default_factory=dict)  # verdicts that are not kept
    refused: frozenset[str] = frozenset()  # of these, advertisements that a phone wants none of

    @property
    def counts(self) -> Counter[VerdictKind]:
        """Count the verdicts, those that are kept and those that are not."""
        kept = Counter(VerdictKind(v.rule, v.fired, v.failed_condition) for v in self.verdicts)
        return kept + Counter(self.counted)

    @property
    def opted_out(self) -> frozenset[str]:
        """Name booking and rule of each advertisement that its phone has refused."""
        return self.refused | {
            f"{verdict.booking_num} {verdict.rule}"
            for verdict in self.verdicts
            if verdict.fired and OPTED_OUT in verdict.observed.values()
        }

    def without_verdicts(self) -> Decisions:
        """Count the verdicts and let them go: of these there are many."""
        return replace(self, verdicts=(), counted=self.counts, refused=self.opted_out)

    def plus(self, other: Decisions) -> Decisions:
        """Put together what was decided for some stores and for others."""
        return Decisions(
            (*self.verdicts, *other.verdicts),
            (*self.effects, *other.effects),
            (*self.errors, *other.errors),
            Counter(self.counted) + Counter(other.counted),
            self.refused | other.refused,
        )
