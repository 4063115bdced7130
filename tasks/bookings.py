"""The steps of a run as Prefect tasks; retries repeat questions, never a delivery."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import runtime
from prefect.futures import PrefectFuture

from naverplace.delivery.in_doubt import InDoubtMessage
from naverplace.domain.results import ActionResult
from naverplace.naver.session import NaverSession
from naverplace.pipeline import build_report, notify_owner, steps, store_delivery
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.step_results import DecisionResult, StoreBatch
from naverplace.quality.validation import ValidationResult
from naverplace.reporting.report import RunReport
from tasks import artifacts
from tasks.concurrency_limits import NAVER, SENS, hold_slots
from tasks.settings import open_settings
from tasks.task_decorators import scrubbed, step


@scrubbed
def prepare(*, dry_run: bool, stores: Sequence[str], shard: bool = False) -> RunContext:
    """Load settings, rules and templates; not a task, since nothing outside is asked."""
    run = notify_owner.open_or_alert(
        open_settings(),
        run_id=str(runtime.flow_run.id or "local"),
        door="flow",
        dry_run=dry_run,
        only=stores,
    )
    run.shard = shard
    return run


@step("restore-session")
def restore_session(run: RunContext) -> NaverSession:
    """Restore the owner's session or log in; never retried: attempts lock an account."""
    with hold_slots(run, NAVER):
        return steps.open_session(run)


@step("read-store", run_name="read-{store_id}", retries=1)
def read_store(run: RunContext, session: NaverSession, store_id: str) -> StoreBatch:
    """Read the bookings of one store."""
    return steps.extract_store(run, session, store_id)


def collect(futures: dict[str, PrefectFuture[StoreBatch]]) -> list[StoreBatch]:
    """Wait for every store; one that failed becomes a batch that says why."""
    batches = []
    for store_id, future in futures.items():
        result = future.result(raise_on_failure=False)
        if isinstance(result, StoreBatch):
            batches.append(result)
        else:
            batches.append(StoreBatch(store_id, error=str(result)))
    return batches


@step("check-quality")
def check_quality(run: RunContext, batches: Sequence[StoreBatch]) -> ValidationResult:
    """Quarantine bad rows, and list them."""
    validated = steps.check_quality(run, batches)
    artifacts.publish_quality(validated)
    artifacts.publish_quarantine([q.as_row() for c in validated.stores for q in c.quarantined])
    return validated


@step("settle-doubts", retries=1)
def resolve_in_doubt(run: RunContext) -> list[InDoubtMessage]:
    """Settle by SENS's log what earlier runs have left in doubt."""
    with hold_slots(run, SENS):
        return store_delivery.resolve_in_doubt(run)


@step("decide", retries=1)
def decide(run: RunContext, validated: ValidationResult) -> DecisionResult:
    """Read the records and decide what is owed."""
    return steps.decide(run, validated)


@step("deliver", run_name="deliver-{store_id}")
def deliver_store(
    run: RunContext, session: NaverSession, decided: DecisionResult, store_id: str
) -> list[ActionResult]:
    """Carry out what one store owes; never retried here: the next run settles it."""
    return store_delivery.deliver_store(run, session, store_id, decided.effects_of(store_id))


def collect_results(
    run: RunContext, decided: DecisionResult, futures: dict[str, PrefectFuture[list[ActionResult]]]
) -> list[ActionResult]:
    """Wait for every store's delivery; one that broke off leaves its effects in doubt."""
    results: list[ActionResult] = []
    for store_id, future in futures.items():
        ended = future.result(raise_on_failure=False)
        if isinstance(ended, list):
            results += ended
        else:
            results += steps.undelivered(decided.effects_of(store_id), str(ended))
    return results


@step("deliver-notices")
def deliver_notices(run: RunContext, decided: DecisionResult) -> list[ActionResult]:
    """Send the lines that rules owe the owner."""
    return store_delivery.deliver_notices(run, decided.notices())


@step("report")
def report(
    run: RunContext,
    session: NaverSession,
    batches: Sequence[StoreBatch],
    validated: ValidationResult,
    decided: DecisionResult,
    results: Sequence[ActionResult],
    doubts: Sequence[InDoubtMessage],
) -> RunReport:
    """Sum up, cross-check, publish and tell the owner."""
    docs = steps.write_quality_docs(run, validated)
    with hold_slots(run, SENS):  # its log is read once more
        made = build_report.build_report(
            run,
            session=session,
            batches=batches,
            validated=validated,
            decided=decided,
            results=results,
            doubts=doubts,
        )
    quiet = run.shard and made.status == "success" and not made.expired
    told = made if quiet else notify_owner.send_summary(run, made)
    notify_owner.write_report(run, told)
    artifacts.publish_report(told, docs)
    return told


@step("report-failure")
def report_failure(run: RunContext, text: str) -> RunReport:
    """Report a run that broke off before it could sum up, and tell the owner."""
    failed = build_report.build_report(run, session=None, failure=text)
    told = notify_owner.send_summary(run, failed)
    notify_owner.write_report(run, told)
    artifacts.publish_report(told)
    return told
