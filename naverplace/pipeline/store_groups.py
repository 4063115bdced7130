"""Many stores in groups, so that a run keeps the bookings of one group at a time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from naverplace.pipeline.build_report import score_forecasts
from naverplace.pipeline.context import RunContext
from naverplace.pipeline.steps import RunResults
from naverplace.pipeline.today_files import note_for_page

STORES = 50  # of a group; a shop has one group, and what it has stays until the report is made


def groups_of(stores: Collection[str]) -> list[list[str]]:
    """Split the stores, in their order, into groups that are served one after the other."""
    ordered = list(stores)
    starts = range(0, max(len(ordered), 1), STORES)
    return [ordered[start : start + STORES] for start in starts]


def put_away(run: RunContext, results: RunResults) -> None:
    """Note what the report needs of the last group's bookings, and let them go."""
    note_for_page(run, results)
    results.put_away.forecast = score_forecasts(run, results)
    results.batches = [replace(batch, frame=None) for batch in results.batches]
    if results.decided:
        results.decided = results.decided.without_bookings()
    if results.validated and not run.captured:  # a bundle has every row
        results.validated = results.validated.without_rows()
