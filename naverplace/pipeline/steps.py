"""The steps of a run up to the decision, and what they hand on; run_order.py has their order."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pandas as pd

from naverplace.delivery.in_doubt import InDoubtMessage
from naverplace.domain.booking import BookingStatus
from naverplace.domain.effects import Effect, Notify
from naverplace.domain.record_matching import MatchedBooking, match_records
from naverplace.domain.results import ActionResult, Decisions
from naverplace.ledger.reservations import plan_reservations
from naverplace.ledger.run_memory import read_reported_runs
from naverplace.ledger.store_lock import StoreStateTable
from naverplace.ledger.store_state import Ownership, owner_of
from naverplace.naver.booking_client import BookingClient, completed_window
from naverplace.naver.login import NaverAuthenticator
from naverplace.naver.session import NaverSession, NoBrowser, open_naver_session
from naverplace.pipeline.context import RunContext
from naverplace.quality import data_docs, frames, validation
from naverplace.quality.breaker_state import check_batches
from naverplace.quality.circuit_breaker import Halt
from naverplace.quality.validation import ValidationResult
from naverplace.rules.engine import RuleEngine
from naverplace.rules.expiry import first_signs


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

    decisions: Decisions
    bookings: int
    halts: Mapping[str, Halt] = field(default_factory=dict)  # by the breaker; nothing is owed there
    owners: Mapping[str, Ownership] = field(default_factory=dict)  # by store

    def effects_of(self, store_id: str) -> tuple[Effect, ...]:
        """List one store's effects, without the lines for the owner."""
        return tuple(
            effect
            for effect in self.decisions.effects
            if not isinstance(effect, Notify) and effect.key.store_id == store_id
        )

    def notices(self) -> tuple[Effect, ...]:
        """List the lines that rules owe the owner."""
        return tuple(e for e in self.decisions.effects if isinstance(e, Notify))


@dataclass
class RunResults:
    """What the steps of a run have given so far, and why it broke off if it did."""

    session: NaverSession | None = None
    batches: list[StoreBatch] = field(default_factory=list)
    validated: ValidationResult | None = None
    in_doubt: Sequence[InDoubtMessage] = ()  # left by earlier runs, with what became of them
    decided: DecisionResult | None = None
    actions: list[ActionResult] = field(default_factory=list)
    quality_docs: str = ""  # path of the Data Docs
    failure: str = ""


log = logging.getLogger(__name__)


def restore_session(run: RunContext) -> NaverSession:
    """Restore the owner's session, or log in once. Raises LoginFailed, ClockWrong, Transient."""
    with run.watch.phase("session"):
        return open_naver_session(
            run.settings,
            table=run.session_table,
            clock=run.clock,
            authenticator=NoBrowser() if run.shard else NaverAuthenticator(run.settings.naver),
            probe_stores=list(run.stores),
        )


def read_store(run: RunContext, session: NaverSession, store_id: str) -> StoreBatch:
    """Read all confirmed and completed bookings of one store. Raises NaverPlaceError."""
    with run.naver_slots, run.watch.phase("booking api"):
        client = BookingClient(session, run.settings.naver, run.clock)
        window = completed_window(run.now, run.settings.naver.completed_lookback_days)
        confirmed = client.bookings(store_id, BookingStatus.CONFIRMED)
        completed = client.bookings(store_id, BookingStatus.COMPLETED, window)
    if run.captured:
        run.captured.note_store(store_id, confirmed.raws, completed.raws)
    raws = [*confirmed.raws, *completed.raws]
    frame = frames.to_frame(raws, store_id=store_id, fields=run.fields, read_at=run.clock.now())
    return StoreBatch(store_id, len(confirmed.raws), len(completed.raws), frame)


def check_quality(run: RunContext, batches: Sequence[StoreBatch]) -> ValidationResult:
    """Sort out the rows that no message may be sent for, store by store."""
    with run.watch.phase("quality"):
        return validation.validate(
            {batch.store_id: batch.frame for batch in batches if batch.frame is not None},
            known_stores=set(run.all_stores),
            now=run.now,
            settings=run.settings.quality,
        )


def decide(run: RunContext, validated: ValidationResult) -> DecisionResult:
    """Load what the ledger knows, check the batches, decide, and reserve beside the legacy.

    Raises Transient or Permanent when a record cannot be read.
    """
    bookings = [b for c in validated.stores if not c.stopped for b in frames.to_bookings(c.good)]
    with run.watch.phase("dynamodb read"):
        records = run.table.records.read_bookings({booking.key for booking in bookings})
        if run.captured:
            run.captured.note_records(records, run.table.records.read)
        matches = match_records(bookings, records)
        check = check_batches(
            [checked.store_id for checked in validated.stores if not checked.stopped],
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
    with run.watch.phase("decide"):
        decisions = RuleEngine(run.rulebook).decide(
            matches,
            now=run.now,
            back=timedelta(days=run.settings.ledger.expired_days),
            served=first_signs(records.values(), check.served),
            reported_runs=reported,
        )
    owners = {s: owner_of(i, run.store_locks.default_owner) for s, i in check.items.items()}
    lead = timedelta(seconds=run.settings.cutover.lead_seconds)
    return DecisionResult(
        with_reservations(decisions, matches, owners, now=run.now, lead=lead),
        bookings=len(matches),
        halts=check.halts,
        owners=owners,
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


def write_quality_docs(run: RunContext, validated: ValidationResult) -> str:
    """Write Great Expectations' Data Docs of the run; return the index page's path, '' if none."""
    if not run.settings.quality.write_docs:
        return ""
    with run.watch.phase("quality docs"):
        try:
            return str(data_docs.write_docs(validated, run.settings.quality.docs_dir))
        except Exception:  # the messages are out: a missing page must not cost the report
            log.exception("no Data Docs in %s", run.settings.quality.docs_dir)
            return ""
