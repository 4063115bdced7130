"""The comparisons with the legacy, for a person to start and read in the Prefect UI."""

from __future__ import annotations

from typing import Any

from prefect import State, flow

from naverplace.migration.parity.comparison_run import Comparison
from naverplace.migration.parity.values import NO_GO, Parity
from tasks import parity as tasks
from tasks.task_decorators import completed, failed, fails_with_message, name_of_tick


@flow(
    name="parity-replay",
    flow_run_name=name_of_tick,
    timeout_seconds=60 * 60,
    persist_result=False,
)
@fails_with_message
def replay(golden: str = "", days: float = 7.0) -> State[dict[str, Any]]:
    """Let the legacy and the new flow decide from captured runs, and judge what differs.

    Args:
        golden: the path of a golden set; empty: the captured runs.
        days: how many days of captured runs.
    """
    comparison = tasks.prepare()
    tasks.replay(comparison, golden, days)
    return told(tasks.report(comparison, "golden" if golden else "replay"))


@flow(
    name="parity-shadow",
    flow_run_name=name_of_tick,
    timeout_seconds=20 * 60,
    persist_result=False,
)
@fails_with_message
def shadow(stores: list[str] | None = None) -> State[dict[str, Any]]:
    """Decide beside the live legacy, with no way to send or write, and keep the reading.

    Args:
        stores: Naver's ids of the stores; empty: all.
    """
    comparison = tasks.prepare()
    tasks.compare(comparison, tasks.read(comparison, stores or []))
    return told(tasks.report(comparison, "shadow"))


@flow(
    name="parity-observed",
    flow_run_name=name_of_tick,
    timeout_seconds=40 * 60,
    persist_result=False,
)
@fails_with_message
def observed(stores: list[str] | None = None) -> State[dict[str, Any]]:
    """Read just before the legacy runs, wait for it, and compare what it did with our decisions.

    Args:
        stores: Naver's ids of the stores; empty: all.
    """
    comparison: Comparison = tasks.prepare()
    before = tasks.read(comparison, stores or [])
    tasks.wait_for_legacy(comparison)
    tasks.observed(comparison, before)
    return told(tasks.report(comparison, "observed"))


def told(parity: Parity) -> State[dict[str, Any]]:
    """Give the result in short; a NO-GO fails the run, so that it is seen in the list of runs."""
    if parity.verdict == NO_GO:
        return failed(f"NO-GO: {parity.why[0]}; see the artifact `parity`")
    counts = {
        "verdict": parity.verdict,
        "decisions": parity.decisions,
        "unexplained": parity.unexplained,
        "accepted": sum(parity.accepted.values()),
    }
    return completed(counts, f"{parity.verdict}: 판정 {parity.decisions}건 비교")
