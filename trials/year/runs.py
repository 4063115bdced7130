"""One run of the library in simulated time: its own steps, from Naver's JSON to the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar, cast

from naverplace.aws.dynamodb import from_wire
from naverplace.base.errors import NaverPlaceError
from naverplace.domain.effects import RecordKey
from naverplace.domain.record_matching import match_records
from naverplace.domain.records import Record
from naverplace.domain.results import Decisions
from naverplace.ledger import store_state
from naverplace.ledger.run_memory import ITEM, record_reported_run
from naverplace.naver.session import NaverSession
from naverplace.pipeline import build_report, steps
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.run_order import RunSteps, process
from naverplace.pipeline.steps import DecisionResult, RunResults, StoreBatch
from naverplace.quality.circuit_breaker import served_since
from naverplace.quality.validation import ValidatedStore, ValidationResult
from naverplace.reporting.report import RunReport
from naverplace.rules.expiry import first_signs
from trials.year.fate import Fate
from trials.year.readers import Outside, Reader, Visit, YearRun

R = TypeVar("R")


class OneByOne:
    """Carries the stores' steps out one after another: simulated time has one thread."""

    def each_store(
        self, run: RunContext, step: Callable[..., R], calls: Mapping[str, tuple[Any, ...]]
    ) -> dict[str, R | Exception]:
        """Call the step for one store after another; only an error on purpose is a result."""
        ended: dict[str, R | Exception] = {}
        for store_id, arguments in calls.items():
            try:
                ended[store_id] = step(*arguments)
            except NaverPlaceError as error:
                ended[store_id] = error
        return ended

    def describe(self, error: Exception) -> str:
        """Put an error on purpose in words; a defect ends the simulation."""
        if not isinstance(error, NaverPlaceError):
            raise error
        return str(error)


def perform(
    outside: Outside, fate: Fate, *, run_id: str, door: str, whole: bool
) -> tuple[RunReport, frozenset[str]]:
    """Do one run; give its report and the stores that it has read. Raises Killed."""
    run = YearRun(outside, fate, run_id=run_id, door=door)
    reader = Reader(outside, run, fate, whole)
    served: frozenset[str] = frozenset()

    def decide(run: RunContext, validated: ValidationResult) -> DecisionResult:
        decided = _decided(run, reader, validated)
        if fate.stall_seconds:
            fate.stand_still(fate.stall_seconds)
        return decided

    def report(run: RunContext, results: RunResults) -> RunReport:
        nonlocal served
        if results.decided and not results.failure:
            read = {batch.store_id for batch in results.batches if not batch.error}
            served = frozenset(read - set(results.decided.halts))
        if reader.whole:  # what a narrow reading leaves out would be missed by a forecast
            outside.scored.update(build_report.score_forecasts(run, results))
        report = build_report.build_report(run, results)
        if report.expired:  # as notify_owner.send_summary does
            _remember(run)
        return report

    steps = RunSteps(
        restore_session=lambda run: cast(NaverSession, Visit(outside, fate)),
        read_store=lambda run, session, store_id: reader.read_store(store_id),
        check_quality=lambda run, batches: _validated(run, reader, batches),
        decide=decide,
        note_due=lambda run, validated, decided: {},  # nobody watches
        report=report,
    )
    done = process(run, OneByOne(), steps)
    return done, served


def _remember(run: RunContext) -> None:
    with suppress(NaverPlaceError):
        days = run.settings.ledger.expired_days + 1
        record_reported_run(run.session_table, run.execution_id, now=run.now, days=days)


def _validated(run: RunContext, reader: Reader, batches: Sequence[StoreBatch]) -> ValidationResult:
    """Pass a complete reading through the real gates; a narrow one was passed when it was made."""
    if reader.whole:
        return steps.check_quality(run, batches)
    passed = {batch.store_id: batch for batch in batches if not batch.error}
    checked = tuple(
        ValidatedStore(store_id, cast(Any, range(batch.confirmed + batch.completed)))
        for store_id, batch in passed.items()
    )
    return ValidationResult(checked)


def _decided(run: RunContext, reader: Reader, validated: ValidationResult) -> DecisionResult:
    """Decide; a complete reading also by the breaker, and it must owe what the narrow one owes."""
    outside = reader.outside
    if not reader.whole:
        records = run.table.records.read_bookings({booking.key for booking in reader.bookings})
        decisions = _narrow(run, reader, records)
        return DecisionResult(decisions, bookings=len({b.booking_num for b in reader.bookings}))
    decided = steps.decide(run, validated)
    narrow = _narrow(run, reader, reader.run.remembered.last)
    stopped = set(decided.halts)
    whole_owes = _owes(decided.decisions.effects)
    narrow_owes = {
        owed for owed in _owes(narrow.effects) if owed[1].partition("_")[0] not in stopped
    }
    outside.faults += [f"a halt: {halt}" for halt in decided.halts.values()]
    if whole_owes != narrow_owes:
        outside.faults.append(
            f"{run.now}: the narrow reading differs: {sorted(whole_owes ^ narrow_owes)[:5]}"
        )
    return decided


def _narrow(run: RunContext, reader: Reader, records: Mapping[RecordKey, Record]) -> Decisions:
    """Decide about what could matter as `steps.decide` does; the breaker sees whole ones only."""
    items, served = reader.outside.tables.items["session"], {}
    for store_id in run.stores:
        item = from_wire(items.get((store_state.PREFIX + store_id,), {}))
        served[store_id] = served_since(item)
    return reader.outside.engine.decide(
        match_records(reader.bookings, records),
        now=run.now,
        back=timedelta(days=run.settings.ledger.expired_days),
        served=first_signs(
            records.values(), {store_id: since for store_id, since in served.items() if since}
        ),
        reported_runs=_told(reader.outside),
    )


def _told(outside: Outside) -> frozenset[str]:
    """Read past the wire which runs have reported: reading it twice would be no run's doing."""
    item = from_wire(outside.tables.items["session"].get((ITEM,), {}))
    return frozenset(name.removeprefix("run_") for name in item)


def _owes(effects: Sequence[Any]) -> set[tuple[str, str, str]]:
    return {
        (type(effect).__name__, effect.key.booking_num, getattr(effect, "kind", ""))
        for effect in effects
    }


def named_in(report: RunReport) -> tuple[frozenset[tuple[str, str]], frozenset[tuple[str, str]]]:
    """List the messages that a report names as lost or not settled; and of them the lost."""

    def pairs(rows: Sequence[Mapping[str, Any]]) -> frozenset[tuple[str, str]]:
        return frozenset((str(row["booking"]), str(row["kind"])) for row in rows)

    expired = pairs(report.expired)
    return expired | pairs(report.unsettled), expired
