"""What a run saw and did, as a report is computed from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from naverplace.base.clock import SEOUL
from naverplace.delivery.follow import UNREAD, FollowedMessages
from naverplace.delivery.in_doubt import InDoubtMessage, Resolution
from naverplace.domain.effects import MarkExpired, SendSms
from naverplace.domain.results import HELD, ActionResult, Decisions, Outcome
from naverplace.ledger.pauses import Pause
from naverplace.reporting.sent_crosscheck import CrossCheck
from naverplace.rules.rulebook_version import RulebookVersion


@dataclass(frozen=True)
class StoreFacts:
    """What one store's extraction and quality check found, before anything was decided."""

    store_id: str
    alias: str
    confirmed: int = 0  # RC03 bookings received
    completed: int = 0  # RC08 bookings received
    passed: int = 0  # rows that passed the validation
    quarantined: tuple[Mapping[str, Any], ...] = ()  # masked rows with their reasons
    odd_names: tuple[str, ...] = ()  # bookings whose texts say another name than Naver
    error: str = ""  # why the store could not be read
    stopped: str = ""  # why nothing is sent for the store
    told: str = ""  # the same in the owner's language, with what to do
    owner: str = ""  # who sends for it; '' is unknown, because nothing was decided


@dataclass(frozen=True)
class PauseFacts:
    """A pause that stands, or that has just ended, with the stores of this run that it is for."""

    who: str  # a store's id, or all
    alias: str
    pause: Pause
    stores: frozenset[str]


@dataclass(frozen=True)
class RunFacts:
    """Everything a report is computed from."""

    run_id: str
    execution_id: str
    door: str  # flow | lambda | cli
    now: datetime
    dry_run: bool
    stores: tuple[StoreFacts, ...]
    rules: tuple[str, ...]  # the enabled ones
    bookings_decided: int  # after a booking in two lists was counted once
    decisions: Decisions
    results: tuple[ActionResult, ...]
    browser_opened: bool
    table_writes: int  # counted by the table itself
    failure: str = ""  # why the run as a whole failed
    followed: FollowedMessages = field(default_factory=FollowedMessages)  # of earlier runs
    doubts: tuple[InDoubtMessage, ...] = ()  # that earlier runs had left, with what became of them
    measurements: Mapping[str, Any] = field(default_factory=dict)  # by field of the report
    pauses: tuple[PauseFacts, ...] = ()
    crosscheck: CrossCheck | None = None  # of what was sent, with the table and SENS's log
    rulebook_version: RulebookVersion = field(default_factory=RulebookVersion)
    forecast: Mapping[str, int] = field(default_factory=dict)  # how good it was, see forecast_score

    @property
    def owed(self) -> list[SendSms]:
        """List the messages that were decided."""
        return [e for e in self.decisions.effects if isinstance(e, SendSms)]

    @property
    def sends(self) -> list[ActionResult]:
        """List the messages' results."""
        return [r for r in self.results if r.action == "send_sms"]


IN_RUN = "in_run"  # the delivery of this very run left it


def count_resolutions(facts: RunFacts) -> dict[str, int]:
    """Count the doubts of this run by what became of them."""
    ended = Counter(d.resolution.value for d in facts.doubts if d.resolution.is_final)
    ended.update(d.resolution.value for d in still_in_doubt(facts))
    ended.update(r.settled for r in facts.results if r.settled)
    return dict(ended)


def still_in_doubt(facts: RunFacts) -> list[InDoubtMessage]:
    """List the doubts of earlier runs that neither this run's start nor its delivery has ended."""
    met = {(r.booking_num, r.kind) for r in facts.sends}
    return [
        doubt
        for doubt in facts.doubts
        if not doubt.resolution.is_final
        and doubt.resolution is not Resolution.RESOLVED_BY_OTHER_RUN
        and (doubt.claim.key.booking_num, doubt.claim.kind) not in met
    ]


def in_doubt_rows(facts: RunFacts) -> Iterator[dict[str, str]]:
    """List what nobody can tell yet whether it was sent; no phone, no name."""
    for doubt in still_in_doubt(facts):
        yield doubt.row()
    for result in facts.sends:
        if result.outcome is Outcome.IN_DOUBT:
            yield {
                "booking": result.booking_num,
                "kind": result.kind,
                "settled": IN_RUN,
                "since": facts.now.isoformat(timespec="seconds"),
                "run_id": facts.run_id,
                "request_id": result.request_id,
                "why": result.message,
            }


def undelivered_rows(facts: RunFacts) -> Iterator[dict[str, Any]]:
    """List the messages of earlier runs that SENS could not deliver; no name, no full phone."""
    for failed in facts.followed.failures:
        yield {
            "booking": failed.booking_num,
            "store_id": failed.pending.key.store_id,
            "kind": failed.pending.kind,
            "access": failed.access,
            "phone": failed.phone,
            "start": _minute(failed.start),
            "failed_at": _minute(failed.ended_at),
            "request_id": failed.request_id,
            "why": failed.why,
        }


def unfollowed(facts: RunFacts) -> str:
    """Tell that the deliveries were not followed for so long that a person should look."""
    followed = facts.followed
    if not followed.unread_since or facts.now - followed.unread_since < UNREAD:
        return ""
    return f"{followed.problem}, since {_minute(followed.unread_since)}"


def expired_rows(facts: RunFacts) -> Iterator[dict[str, str]]:
    """List what was owed and can not be sent any more, each once: by the run that notes it."""
    noted = {
        (r.booking_num, r.kind)
        for r in facts.results
        if r.action == "mark_expired" and r.outcome is Outcome.WRITTEN
    }
    for effect in facts.decisions.effects:
        if isinstance(effect, MarkExpired) and (effect.key.booking_num, effect.kind) in noted:
            yield {
                "booking": effect.key.booking_num,
                "store_id": effect.store_id,
                "kind": effect.kind,
                "due": _minute(effect.due),
                "expires": _minute(effect.expires),
                "reason": effect.reason,
            }


_A_MINUTE = timedelta(minutes=1)
_DOOR = timedelta(hours=1)  # before a door code expires the owner is told: time enough for a call


def pause_rows(facts: RunFacts) -> Iterator[dict[str, Any]]:
    """List the pauses with what they hold back, and the door codes that expire under them."""
    for found in facts.pauses:
        pause = found.pause
        yield {
            "store_id": found.who,
            "alias": found.alias,
            "since": pause.since.isoformat(timespec="minutes"),
            "until": pause.until.isoformat(timespec="minutes") if pause.until else "",
            "reason": pause.reason,
            "by": pause.by,
            "korean": pause.korean,
            "over": not pause.holds_at(facts.now),
            "days_forgotten": pause.days_forgotten(facts.now),
            "held": sum(
                r.store_id in found.stores and r.message.startswith(HELD) for r in facts.sends
            ),
            "doors": [
                {"booking": e.key.booking_num, "expires": f"{e.expires.astimezone(SEOUL):%H:%M}"}
                for e in facts.owed
                if e.access
                and e.expires
                and e.store_id in found.stores
                and e.expires - facts.now <= _DOOR
                and pause.holds_at(max(facts.now, e.expires - _A_MINUTE))
            ],
        }


def _minute(moment: datetime | None) -> str:
    return f"{moment.astimezone(SEOUL):%Y-%m-%d %H:%M}" if moment else ""
