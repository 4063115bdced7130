"""One whole run without a Prefect server: what the Lambda handler and `naverplace run` do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from naverplace.base.errors import NaverPlaceError
from naverplace.domain.results import ActionResult
from naverplace.naver.session import NaverSession
from naverplace.pipeline import steps, store_delivery
from naverplace.pipeline.build_report import build_report
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.notify_owner import open_or_alert, send_alert, send_summary, write_report
from naverplace.pipeline.step_results import StoreBatch
from naverplace.redaction.redactor import describe
from naverplace.reporting.report import RunReport
from naverplace.settings.schema import Settings

log = logging.getLogger(__name__)
Progress = Callable[[str], None]


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
    try:
        report = _carry_out(run, progress)
    except NaverPlaceError as error:
        log.exception("the run failed")
        report = build_report(run, session=None, failure=describe(error))
    except Exception as error:
        # A defect of ours: the owner must hear of it before it reaches the door.
        send_alert(run, describe(error))
        raise
    report = send_summary(run, report)
    write_report(run, report)
    return report


def _carry_out(run: RunContext, progress: Progress) -> RunReport:
    session = steps.open_session(run)
    progress("session: " + ("logged in" if session.browser_opened else "restored"))
    batches = _extract_all(run, session, progress)
    validated = steps.check_quality(run, batches)
    doubts = store_delivery.resolve_in_doubt(run)
    decided = steps.decide(run, validated)
    progress(f"decided: {len(decided.decisions.effects)} effects are owed")
    results: list[ActionResult] = []
    for store_id in run.stores:
        results += store_delivery.deliver_store(
            run, session, store_id, decided.effects_of(store_id)
        )
    results += store_delivery.deliver_notices(run, decided.notices())
    steps.write_quality_docs(run, validated)
    return build_report(
        run,
        session=session,
        batches=batches,
        validated=validated,
        decided=decided,
        results=results,
        doubts=doubts,
    )


def _extract_all(run: RunContext, session: NaverSession, progress: Progress) -> list[StoreBatch]:
    def extract(store_id: str) -> StoreBatch:
        try:
            batch = steps.extract_store(run, session, store_id)
        except NaverPlaceError as error:
            log.exception("store %s could not be read", store_id)
            return StoreBatch(store_id, error=describe(error))
        progress(f"store {store_id}: {batch.confirmed} confirmed, {batch.completed} completed")
        return batch

    with ThreadPoolExecutor(run.settings.naver.parallel_stores) as pool:
        futures = [pool.submit(copy_context().run, extract, store_id) for store_id in run.stores]
        return [future.result() for future in futures]
