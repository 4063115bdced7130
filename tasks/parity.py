"""The comparisons with the legacy as Prefect tasks; none of them sends or writes to a table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from prefect import get_run_logger, runtime

from naverplace.domain.stores import Store
from naverplace.migration.parity.comparator import changed_between
from naverplace.migration.parity.comparison_run import Comparison, Legacy, open_comparison
from naverplace.migration.parity.legacy_texts import LegacyTexts
from naverplace.migration.parity.observed_legacy import LoggedMessage, observe, ran_at
from naverplace.migration.parity.values import Message, Parity
from naverplace.migration.shadow import Shadow, at_moment, keep_inputs
from naverplace.pipeline.capture.bundle_store import open_bundles
from naverplace.pipeline.capture.golden_set import read_golden
from naverplace.pipeline.capture.inputs import Inputs
from tasks.modelled_legacy import modelled_legacy
from tasks.parity_artifacts import publish_parity
from tasks.settings import open_settings
from tasks.task_decorators import library_task, scrubbed


@scrubbed
def prepare() -> Comparison:
    """Read settings, rules, texts and accepted differences; not a task: nothing is asked."""
    return open_comparison(open_settings(), _make_legacy)


def _make_legacy(texts: LegacyTexts, sender: str, stores: dict[str, Store]) -> Legacy:
    return modelled_legacy(texts, sender=sender, stores=stores)


@library_task("replay")
def replay(comparison: Comparison, golden: str, days: float) -> None:
    """Replay captured runs of the last days, or a golden set, through both sides."""
    comparison.replay(_runs(comparison, golden, days), get_run_logger().info)


def _runs(comparison: Comparison, golden: str, days: float) -> Iterator[Inputs]:
    now = comparison.settings.make_clock().now()
    if golden:
        yield from read_golden(Path(golden), now=now)
        return
    for bundle in open_bundles(comparison.settings).read_all(now=now):
        if bundle.inputs.now >= now - timedelta(days=days):
            comparison.totals.note_figures(bundle.outputs.figures)
            yield bundle.inputs


@library_task("read-as-shadow", retries=2, wait=30.0)
def read(comparison: Comparison, stores: list[str]) -> Inputs:
    """Read what a run would read, by a client that cannot write."""
    run_id = str(runtime.flow_run.id or "local")
    return Shadow(comparison.settings, only=stores).read(run_id)


@library_task("compare")
def compare(comparison: Comparison, inputs: Inputs) -> None:
    """Let both sides decide from the reading, and keep it for a replay."""
    comparison.replay([inputs], get_run_logger().info)
    name = keep_inputs(comparison.settings, inputs)
    comparison.notes.append(
        f"kept for a replay: {name}" if name else "not kept for a replay: set capture.key for that"
    )


@library_task("wait-for-the-legacy")
def wait_for_legacy(comparison: Comparison) -> None:
    """Give the legacy's run the time that it takes."""
    time.sleep(comparison.settings.parity.legacy_wait_seconds)


@library_task("observe", retries=2, wait=30.0)
def observed(comparison: Comparison, before: Inputs) -> None:
    """Read what the legacy did since the reading, and compare it with what we would have done."""
    shadow = Shadow(comparison.settings, only=list(before.store_ids))
    after = shadow.read(before.run_id)
    log = _sens_log(comparison, before)
    seen = observe(before, after, log, texts=comparison.comparator.texts)
    if not seen.began:
        why = ": rows that end its run are listed" if seen.side.died else ""
        comparison.notes.append(f"nothing was seen of the legacy between the two readings{why}")
    if seen.foreign:
        comparison.notes.append(
            f"{seen.foreign} messages of the account belong to no booking that we read"
        )
    ran = at_moment(before, ran_at(log, after.now))
    comparison.observed(ran, seen.side, noise=_moved_on(before, after))


def _moved_on(before: Inputs, after: Inputs) -> frozenset[str]:
    """Name the bookings that Naver tells otherwise now; of their items the legacy changes some."""
    return changed_between(_bare(before), _bare(after))


def _bare(inputs: Inputs) -> Inputs:
    return replace(inputs, items={})


def _sens_log(comparison: Comparison, before: Inputs) -> list[LoggedMessage]:
    """Read SENS's log since the reading; only here is SENS's client, whose log it is."""
    from naverplace.messaging.sens import SensClient

    clock = comparison.settings.make_clock()
    sens = SensClient(comparison.settings.sens, clock)
    found = []
    for one in sens.find(start=before.now, end=clock.now()):
        whole = sens.get(one.message_id) if one.message_id else None
        message = whole or one
        found.append(
            LoggedMessage(
                message.request_time,
                Message(message.to, message.sender, message.subject, message.content),
            )
        )
    return found


@library_task("report")
def report(comparison: Comparison, kind: str) -> Parity:
    """Judge, write the report's files, and publish it."""
    folder = comparison.settings.parity.report_dir / kind
    parity = comparison.end(kind, now=comparison.settings.make_clock().now(), folder=folder)
    publish_parity(parity, comparison.accepted, folder / "parity.html")
    return parity
