"""Asking SENS who wants no advertisement, while a rule sends any."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime

from naverplace.base.errors import NaverPlaceError
from naverplace.ledger.opt_out_list import OptedOut, pull_opt_outs
from naverplace.messaging.sens_opt_outs import list_opt_outs
from naverplace.pipeline.context import RunContext
from naverplace.redaction.redactor import describe

log = logging.getLogger(__name__)


def note_opt_outs(run: RunContext) -> None:
    """Let the run's rulebook know who has opted out; nothing is asked while no rule advertises."""
    if run.rulebook.advertises:
        run.rulebook = replace(run.rulebook, opted_out=_opted_out(run))


def _opted_out(run: RunContext) -> OptedOut | None:
    """Give who wants no advertisement; None when nobody can tell, and then none is sent."""
    key = run.settings.sens.secret_key

    def pull(since: datetime | None, until: datetime) -> list[str]:
        return [one.phone for one in list_opt_outs(run.sens, since, until)]

    try:
        with run.watch.phase("opt-outs"):
            return pull_opt_outs(run.session_table, pull, key, now=run.now, keep=not run.dry_run)
    except NaverPlaceError as error:
        log.warning("the opt-outs could not be read: %s", describe(error))
        return None
