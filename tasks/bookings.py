"""The steps of a run as Prefect tasks; retries repeat questions, never a delivery."""

from __future__ import annotations

from collections.abc import Sequence

from prefect import runtime
from prefect.futures import PrefectFuture

from naverplace.delivery.in_doubt import InDoubtMessage
from naverplace.domain.results import ActionResult
from naverplace.naver.session import NaverSession
from naverplace.pipeline import build_report, notify_owner, steps, store_delivery
from naverplace.pipeline.step_results import Decided, StoreBatch
from naverplace.pipeline.steps import Run
from naverplace.quality.validation import Gated
from naverplace.reporting.report import RunReport
from tasks import artifacts
from tasks.concurrency_limits import NAVER, SENS, held
from tasks.settings import open_settings
from tasks.task_decorators import scrubbed, step


@scrubbed
def prepare(*, dry_run: bool, stores: Sequence[str], shard: bool = False) -> Run:
    """Load settings, rules and templates; not a task, since nothing outside is asked."""
    this = notify_owner.open_or_alert(
        open_settings(),
        run_id=str(runtime.flow_run.id or "local"),
        door="flow",
        dry_run=dry_run,
        only=stores,
    )
    this.shard = shard
    return this


@step("restore-session")
def restore_session(this: Run) -> NaverSession:
    """Restore the owner's session or log in; never retried: attempts lock an account."""
    with held(this, NAVER):
        return steps.open_session(this)


@step("read-store", run_name="read-{store_id}", retries=1)
def read_store(this: Run, session: NaverSession, store_id: str) -> StoreBatch:
    """Read the bookings of one store."""
    return steps.extract_store(this, session, store_id)


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
def check_quality(this: Run, batches: Sequence[StoreBatch]) -> Gated:
    """Quarantine bad rows, and list them."""
    gated = steps.check_quality(this, batches)
    artifacts.publish_quality(gated)
    artifacts.publish_quarantine([q.as_row() for c in gated.stores for q in c.quarantined])
    return gated


@step("settle-doubts", retries=1)
def resolve_in_doubt(this: Run) -> list[InDoubtMessage]:
    """Settle by SENS's log what earlier runs have left in doubt."""
    with held(this, SENS):
        return store_delivery.resolve_in_doubt(this)


@step("decide", retries=1)
def decide(this: Run, gated: Gated) -> Decided:
    """Read the records and decide what is owed."""
    return steps.decide(this, gated)


@step("deliver", run_name="deliver-{store_id}")
def deliver_store(
    this: Run, session: NaverSession, decided: Decided, store_id: str
) -> list[ActionResult]:
    """Carry out what one store owes; never retried here: the next run settles it."""
    return store_delivery.deliver_store(this, session, store_id, decided.effects_of(store_id))


def collect_results(
    this: Run, decided: Decided, futures: dict[str, PrefectFuture[list[ActionResult]]]
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
def deliver_notices(this: Run, decided: Decided) -> list[ActionResult]:
    """Send the lines that rules owe the owner."""
    return store_delivery.deliver_notices(this, decided.notices())


@step("report")
def report(
    this: Run,
    session: NaverSession,
    batches: Sequence[StoreBatch],
    gated: Gated,
    decided: Decided,
    results: Sequence[ActionResult],
    doubts: Sequence[InDoubtMessage],
) -> RunReport:
    """Sum up, cross-check, publish and tell the owner."""
    docs = steps.write_quality_docs(this, gated)
    with held(this, SENS):  # its log is read once more
        made = build_report.report_run(
            this,
            session=session,
            batches=batches,
            gated=gated,
            decided=decided,
            results=results,
            doubts=doubts,
        )
    quiet = this.shard and made.status == "success" and not made.expired
    told = made if quiet else notify_owner.tell_owner(this, made)
    notify_owner.keep_report(this, told)
    artifacts.publish_report(told, docs)
    return told


@step("report-failure")
def report_failure(this: Run, text: str) -> RunReport:
    """Report a run that broke off before it could sum up, and tell the owner."""
    told = notify_owner.tell_owner(this, build_report.report_run(this, session=None, failure=text))
    notify_owner.keep_report(this, told)
    artifacts.publish_report(told)
    return told
