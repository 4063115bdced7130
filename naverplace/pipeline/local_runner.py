"""Runs without a Prefect server: a whole one, or one that explains a single booking."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

from naverplace.base.errors import Permanent
from naverplace.domain.effects import store_of_booking
from naverplace.domain.results import Decisions
from naverplace.pipeline import context, steps
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.notify_owner import open_or_alert
from naverplace.pipeline.run_order import Progress, process
from naverplace.redaction.redactor import describe
from naverplace.reporting.report import RunReport
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
R = TypeVar("R")


class ThreadExecutor:
    """Carries the stores' steps out on threads of this process."""

    def each_store(
        self, run: RunContext, step: Callable[..., R], calls: Mapping[str, tuple[Any, ...]]
    ) -> dict[str, R | Exception]:
        """Call the step for several stores at a time."""

        def call(store_id: str) -> R | Exception:
            try:
                return step(*calls[store_id])
            except Exception as error:
                log.exception("store %s", store_id)
                return error

        with ThreadPoolExecutor(run.settings.naver.parallel_stores) as pool:
            futures = {s: pool.submit(copy_context().run, call, s) for s in calls}
            return {store_id: future.result() for store_id, future in futures.items()}

    def describe(self, error: Exception) -> str:
        """Put an error in one scrubbed line."""
        return describe(error)


def run_once(
    settings: Settings,
    *,
    run_id: str,
    door: str,
    dry_run: bool = False,
    only: Sequence[str] = (),
    progress: Progress = log.info,
) -> RunReport:
    """Do everything that one run does, and tell the owner; a failed run is a report that says so.

    Raises RulesError or SettingsError before any outside call.
    """
    run = open_or_alert(settings, run_id=run_id, door=door, dry_run=dry_run, only=only)
    return process(run, ThreadExecutor(), progress=progress)


def explain_booking(settings: Settings, booking_num: str) -> list[str]:
    """Read the booking's store now and put every verdict in words; sends and writes nothing.

    Raises Permanent when the booking is in neither list, NaverPlaceError when it cannot be read.
    """
    store_id = store_of_booking(booking_num)
    run = context.open_run(
        settings, run_id=f"explain-{uuid.uuid4()}", door="cli", dry_run=True, only=[store_id]
    )
    session = steps.restore_session(run)
    validated = steps.check_quality(run, [steps.read_store(run, session, store_id)])
    for row in (q for c in validated.stores for q in c.quarantined):
        if row.booking_id == booking_num.partition("_")[2]:
            return [f"{booking_num} is quarantined: {'; '.join(row.reasons)}"]
    decided = steps.decide(run, validated)
    stopped = [c.reason for c in validated.stores if c.stopped]
    for reason in [*stopped, *(halt.reason for halt in decided.halts.values())]:
        return [f"store {store_id} is stopped: {reason}"]
    lines = verdict_lines(decided.decisions, booking_num)
    if not lines:
        raise Permanent(
            f"booking {booking_num!r} is neither among the confirmed bookings of store {store_id} "
            f"nor among those completed in the last {settings.naver.completed_lookback_days} days"
        )
    return lines


def verdict_lines(decisions: Decisions, booking_num: str) -> list[str]:
    """Put one booking's verdicts in words, in the order of the rules."""
    lines = []
    for verdict in (v for v in decisions.verdicts if v.booking_num == booking_num):
        seen = ", ".join(f"{name}={value}" for name, value in verdict.observed.items())
        said = "fires" if verdict.fired else f"no: {verdict.failed_condition}"
        lines.append(f"{verdict.rule}: {said}" + (f" ({seen})" if seen else ""))
    return lines
