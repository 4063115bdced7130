"""The steps of a run up to the decision, and what they hand on; run_order.py has their order."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from naverplace.base.errors import NaverPlaceError
from naverplace.delivery.follow import FollowedMessages
from naverplace.delivery.in_doubt import InDoubtMessage
from naverplace.domain.booking import BookingStatus
from naverplace.domain.due_messages import DueMessage, DueMessages, due_messages
from naverplace.domain.effects import Effect, Notify, SendSms
from naverplace.domain.record_matching import MatchedBooking, match_records
from naverplace.domain.results import ActionResult, Decisions
from naverplace.domain.troubles import TroubleKind
from naverplace.ledger.reservations import plan_reservations
from naverplace.ledger.run_memory import read_reported_runs, record_last_read
from naverplace.ledger.store_lock import StoreStateTable
from naverplace.ledger.store_state import Ownership, owner_of
from naverplace.naver.booking_client import BookingClient, completed_window
from naverplace.naver.session import BrowserLogin, NaverSession, open_naver_session
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.opt_outs import note_opt_outs
from naverplace.quality import frames, validation
from naverplace.quality.breaker_state import check_batches
from naverplace.quality.circuit_breaker import Halt
from naverplace.quality.validation import ValidatedStore, ValidationResult
from naverplace.redaction.redactor import describe
from naverplace.rules.engine import RuleEngine
from naverplace.rules.expiry import first_signs
from naverplace.rules.rescheduling import LEGACY_WINDOW

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class StoreBatch:
    """What reading one store's bookings gave; `error` says why it gave nothing."""

    store_id: str
    confirmed: int = 0
    completed: int = 0
    frame: pd.DataFrame | None = field(default=None, repr=False)
    error: str = ""


@dataclass(frozen=True)
class DecisionResult:
    """What was decided, and about how many bookings."""

    decisions: Decisions = field(default_factory=lambda: Decisions((), ()))
    bookings: int = 0
    halts: Mapping[str, Halt] = field(default_factory=dict)  # by the breaker; nothing is owed there
    owners: Mapping[str, Ownership] = field(default_factory=dict)  # by store
    matches: Sequence[MatchedBooking] = field(default=(), repr=False)  # what was decided about
    failed: Mapping[str, str] = field(default_factory=dict)  # by store: a defect, nothing is owed

    def effects_of(self, store_id: str) -> tuple[Effect, ...]:
        """List one store's effects, without the lines for the owner."""
        return tuple(
            effect
            for effect in self.decisions.effects
            if not isinstance(effect, Notify) and effect.key.store_id == store_id
        )

    def matches_of(self, store_id: str) -> list[MatchedBooking]:
        """List one store's bookings with their records."""
        return [match for match in self.matches if match.booking.store_id == store_id]

    def plus(self, other: DecisionResult) -> DecisionResult:
        """Put together what was decided for some stores and for others."""
        return DecisionResult(
            self.decisions.plus(other.decisions),
            bookings=self.bookings + other.bookings,
            halts={**self.halts, **other.halts},
            owners={**self.owners, **other.owners},
            matches=[*self.matches, *other.matches],
            failed={**self.failed, **other.failed},
        )

    def without_bookings(self) -> DecisionResult:
        """Keep what is owed, and let go what it was decided about."""
        return replace(self, decisions=self.decisions.without_verdicts(), matches=())

    def notices(self) -> tuple[Effect, ...]:
        """List the lines that rules owe the owner."""
        return tuple(e for e in self.decisions.effects if isinstance(e, Notify))


@dataclass
class PutAway:
    """What the report needs of bookings that are not kept any more."""

    coming: list[DueMessage] = field(default_factory=list)  # messages of the next hours
    told_today: list[MatchedBooking] = field(default_factory=list)
    forecast: Counter[str] = field(default_factory=Counter)


@dataclass
class RunResults:
    """What the steps of a run have given so far, and why it broke off if it did."""

    followed: FollowedMessages = field(default_factory=FollowedMessages)
    session: NaverSession | None = None
    batches: list[StoreBatch] = field(default_factory=list)
    validated: ValidationResult | None = None
    # Left by earlier runs, with what became of them; None: not asked yet.
    in_doubt: Sequence[InDoubtMessage] | None = None
    decided: DecisionResult | None = None
    due: dict[str, DueMessages] = field(default_factory=dict)  # by store, for the watchdog
    actions: list[ActionResult] = field(default_factory=list)
    group: Sequence[str] = ()  # the stores whose bookings are at hand
    put_away: PutAway = field(default_factory=PutAway)  # of the groups before
    failure: str = ""
    failure_kind: TroubleKind = TroubleKind.RUN_FAILED

    def note_unchecked(self, stores: Iterable[str], why: str) -> None:
        """Say why no check has looked at the rows of these stores, where none has."""
        validated = self.validated or ValidationResult(())
        known = {checked.store_id for checked in validated.stores}
        lacking = {store_id: why for store_id in stores if store_id not in known}
        self.validated = validated.plus(ValidationResult((), lacking))


log = logging.getLogger(__name__)
AHEAD = timedelta(hours=6)  # so far every run tells the watchdog what is due


def restore_session(run: RunContext) -> NaverSession:
    """Restore the owner's session, or log in once; a dry run only looks at what is stored.

    Raises LoginFailed, SessionExpired, ClockWrong, Transient.
    """
    with run.watch.phase("session"):
        return open_naver_session(
            run.settings,
            table=run.session_table,
            clock=run.clock,
            probe_stores=list(run.stores),
            authenticator=None if run.shard else BrowserLogin(run.settings.naver),
            looks_only=run.dry_run,
        )


def read_store(run: RunContext, session: NaverSession, store_id: str) -> StoreBatch:
    """Read all confirmed and completed bookings of one store. Raises NaverPlaceError."""
    run.stop.check()
    read_at = run.clock.now()  # an answer may have been on its way for long: frozen, or repeated
    with run.watch.phase("booking api"):
        client = BookingClient(session, run.settings.naver, run.clock, run.naver_slots)
        window = completed_window(run.now, run.settings.naver.completed_lookback_days)
        confirmed, completed = client.confirmed_and_completed(store_id, window)
    if run.captured:
        run.captured.note_store(store_id, confirmed, completed)
    raws = [*confirmed, *completed]
    frame = frames.to_frame(raws, store_id=store_id, fields=run.fields, read_at=read_at)
    return StoreBatch(store_id, len(confirmed), len(completed), frame)


def check_quality(run: RunContext, batches: Sequence[StoreBatch]) -> ValidationResult:
    """Sort out the rows that no message may be sent for, store by store.

    A store whose rows meet a defect is named in `failed`, and the others are checked.
    """

    def validate(found: Mapping[str, pd.DataFrame]) -> ValidationResult:
        return validation.validate(
            found,
            known_stores=set(run.all_stores),
            now=run.now,
            settings=run.settings.quality,
        )

    found = {batch.store_id: batch.frame for batch in batches if batch.frame is not None}
    with run.watch.phase("quality"):
        try:
            return validate(found)
        except Exception:
            log.exception("the stores' rows could not be checked together: each by itself")
        stores: list[ValidatedStore] = []
        failed: dict[str, str] = {}
        for store_id, frame in found.items():
            try:
                stores += validate({store_id: frame}).stores
            except Exception as error:  # noqa: BLE001 - logged above; it is this store's alone
                failed[store_id] = f"its rows could not be checked: {describe(error)}"
        return ValidationResult(tuple(stores), failed)


def decide(run: RunContext, validated: ValidationResult) -> DecisionResult:
    """Load what the ledger knows, check the batches, decide, and reserve beside the legacy.

    A store that meets a defect is named in `failed`, and the others are decided about. Raises
    Transient or Permanent when a record cannot be read.
    """
    try:
        return _decide(run, validated.stores)
    except NaverPlaceError:
        raise
    except Exception:
        log.exception("the stores could not be decided about together: each by itself")
    decided = DecisionResult()
    for checked in validated.stores:
        try:
            decided = decided.plus(_decide(run, [checked]))
        except NaverPlaceError:
            raise
        except Exception as error:  # noqa: BLE001 - logged above; it is this store's alone
            failed = {checked.store_id: f"nothing could be decided: {describe(error)}"}
            decided = decided.plus(DecisionResult(failed=failed))
    return decided


def _decide(run: RunContext, stores: Sequence[ValidatedStore]) -> DecisionResult:
    bookings = [b for c in stores if not c.stopped for b in frames.to_bookings(c.good)]
    with run.watch.phase("dynamodb read"):
        records = run.table.records.read_bookings({booking.key for booking in bookings})
        if run.captured:
            run.captured.note_records(records, run.table.records.read)
        matches = match_records(bookings, records)
        check = check_batches(
            [checked.store_id for checked in stores if not checked.stopped],
            bookings,
            matches,
            table=StoreStateTable(run.session_table),
            settings=run.settings.breaker,
            now=run.now,
            run_id=run.run_id,
            keep=not run.dry_run,  # a dry run remembers nothing
        )
        reported = read_reported_runs(run.session_table, records.values())
    matches = [match for match in matches if match.booking.store_id not in check.halts]
    note_opt_outs(run)
    with run.watch.phase("decide"):
        decisions = RuleEngine(run.rulebook).decide(
            matches,
            now=run.now,
            back=timedelta(days=run.settings.ledger.expired_days),
            served=first_signs(records.values(), check.served),
            reported_runs=reported,
            rules_since=run.rulebook_version.rules_since,
        )
    owners = {s: owner_of(i, run.store_locks.default_owner) for s, i in check.items.items()}
    lead = timedelta(seconds=run.settings.cutover.lead_seconds)
    return DecisionResult(
        with_reservations(decisions, matches, owners, now=run.now, lead=lead),
        bookings=len(matches),
        halts=check.halts,
        owners=owners,
        matches=matches,
    )


def with_reservations(
    decisions: Decisions,
    matches: Sequence[MatchedBooking],
    owners: Mapping[str, Ownership],
    *,
    now: datetime,
    lead: timedelta,
) -> Decisions:
    """Put what must be reserved before all that is owed, for stores served beside the legacy."""
    reservations: list[Effect] = []
    for store_id, owned in owners.items():
        if not owned.reserves_at(now):
            continue
        ours = [match for match in matches if match.booking.store_id == store_id]
        # Once the legacy is switched off, it will not come for what starts soon either.
        lead_of_store = timedelta() if owned.alone_from else lead
        reservations += plan_reservations(ours, decisions.effects, now=now, lead=lead_of_store)
    return replace(decisions, effects=(*reservations, *decisions.effects))


def note_due(
    run: RunContext, validated: ValidationResult, decided: DecisionResult
) -> dict[str, DueMessages]:
    """Leave for the watchdog which stores were read, and what is due in those decided about.

    What was due in a store that is stopped now stays so: nobody serves it. Raises nothing: where
    nothing could be written, the watchdog says that no run has read the store.
    """
    due: dict[str, DueMessages] = {}
    if run.dry_run:
        return due
    with run.watch.phase("decide"):
        try:
            stopped = {checked.store_id for checked in validated.stores if checked.stopped}
            served = decided.owners.keys() - stopped - decided.halts.keys()
            due = {store_id: _due(run, decided, store_id) for store_id in sorted(served)}
            run.store_locks.table.write_due(due)
            read = [checked.store_id for checked in validated.stores]
            record_last_read(run.session_table, read, run.now)
        except Exception:  # it must cost no message
            log.exception("what is due was not left for the watchdog")
    return due


def _due(run: RunContext, decided: DecisionResult, store_id: str) -> DueMessages:
    matches = decided.matches_of(store_id)
    if not decided.owners[store_id].ours:
        return _legacy_guides(matches, run.now)
    sends = [e for e in decided.effects_of(store_id) if isinstance(e, SendSms)]
    now = {(e.key, e.kind): DueMessage.of(e, run.now) for e in sends}
    # Whether Naver completes a booking in time nobody knows, so what waits for it is not due.
    coming = RuleEngine(run.rulebook).coming(
        matches, now=run.now, until=run.now + AHEAD, completed=False
    )
    later = {(m.effect.key, m.effect.kind): DueMessage.of(m.effect, m.at) for m in coming}
    return due_messages(run.now, (later | now).values())


def _legacy_guides(matches: Sequence[MatchedBooking], now: datetime) -> DueMessages:
    """List the guides that the legacy owes (L12)."""
    ahead = [m for m in matches if m.booking.status is BookingStatus.CONFIRMED]
    ahead = [match for match in ahead if match.booking.start > now]
    guides = [
        DueMessage(
            record.key if record else booking.key,
            "guide",
            booking.start - LEGACY_WINDOW,
            booking.start,
        )
        for booking, record in ahead
    ]
    return due_messages(now, guides, by_legacy=True)


def strike_settled(run: RunContext, results: RunResults) -> None:
    """Take off what is due what the run sent, or found not to be wanted any more.

    That a booking was cancelled meanwhile stands in no table.
    """
    settled = {
        (r.booking_num, r.kind) for r in results.actions if r.action == "send_sms" and r.success
    }
    left = {
        store_id: replace(
            due,
            messages=tuple(m for m in due.messages if (m.key.booking_num, m.kind) not in settled),
        )
        for store_id, due in results.due.items()
        if not due.by_legacy  # the legacy's guides are not for us to settle
    }
    try:
        changed = {s: due for s, due in left.items() if due != results.due[s]}
        run.store_locks.table.write_due(changed)
    except Exception:  # the messages are out
        log.exception("what was settled was not taken off what is due")
