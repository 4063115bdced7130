"""Runs without a Prefect server."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, TypeVar

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

        # How many answers are waited for at once is limited where they are asked for.
        threads = max(run.settings.naver.parallel, run.settings.sens.parallel)
        with ThreadPoolExecutor(threads) as pool:
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
    seconds: float = float("inf"),
) -> RunReport:
    """Do everything that one run does, and tell the owner; a failed run is a report that says so.

    On SIGTERM, and after `seconds`, it begins nothing new, and ends in order.

    Raises RulesError or SettingsError before any outside call.
    """
    run = open_or_alert(settings, run_id=run_id, door=door, dry_run=dry_run, only=only)
    run.stop.ask_in(seconds, "its time was nearly over")
    with run.stop.on_signals():
        return process(run, ThreadExecutor(), progress=progress)
