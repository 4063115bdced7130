"""Which pauses stand while a run reports, and which one has ended by itself."""

from __future__ import annotations

import logging
from dataclasses import replace

from naverplace.base.errors import NaverPlaceError
from naverplace.ledger.pauses import Pause, pauses_of
from naverplace.pipeline.context import RunContext
from naverplace.redaction.redactor import REDACTOR
from naverplace.reporting.run_facts import PauseFacts

log = logging.getLogger(__name__)
_ALL = "all"


def collect_pauses(run: RunContext) -> tuple[PauseFacts, ...]:
    """List every pause of these stores, read anew: a run that was broken off tells them, too.

    One that is over is listed once, by the run that takes it away; a dry run takes nothing away.
    """
    try:
        found: dict[tuple[str, Pause], set[str]] = {}
        for store_id, state in run.store_locks.table.read(run.stores).items():
            for pause in pauses_of(state.extra, state.for_all):
                who = _ALL if pause.of_all else store_id
                found.setdefault((who, pause), set()).add(store_id)
        return tuple(
            PauseFacts(
                who,
                "모든 매장" if pause.of_all else run.all_stores[who].alias,
                replace(pause, reason=REDACTOR.scrub(pause.reason)),
                frozenset(stores),
            )
            for (who, pause), stores in found.items()
            if pause.holds_at(run.now) or _take_away(run, who, pause)
        )
    except NaverPlaceError as error:
        log.warning("the stores' pauses could not be read: %s", error)
        return ()


def _take_away(run: RunContext, who: str, pause: Pause) -> bool:
    """Remove a pause that is over; tell whether this run did it."""
    return not run.dry_run and run.store_locks.table.end_pause(None if who == _ALL else who, pause)
