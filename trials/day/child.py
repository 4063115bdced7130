"""What the process of one tick does: what the flow of that name does, without Prefect."""

from __future__ import annotations

import gc
import os
import tempfile
import threading
from collections.abc import Callable, Mapping
from typing import Any

from trials.campaign.child import import_everything as import_what_a_run_needs
from trials.campaign.child import put_in_place

Said = dict[str, Any]


def import_everything() -> None:
    """Import what any tick needs, so that forks have it; no thread and no connection is made."""
    import_what_a_run_needs()
    import trials.day.bugs  # noqa: F401


def warm_up(order: Mapping[str, Any]) -> None:
    """Do once for all forks what is alike in each: bookings validated, rules and pages compiled.

    Raises RuntimeError when that has started a thread, which no fork would have.
    """
    from naverplace.base import http
    from naverplace.pipeline.rulebook_in_force import load_files
    from naverplace.quality import validation
    from naverplace.reporting import markdown
    from sandbox.credentials import STORE_IDS
    from trials.campaign.known_rows import checkpoint_knowing, validate_once
    from trials.day.shop import readings

    settings = _settings(order)
    load_files(settings)
    known = validate_once(
        readings(order["seed"]), settings=settings.quality, known_stores=STORE_IDS
    )
    put_in_place(validation, "_run_checkpoint", checkpoint_knowing(known))
    put_in_place(http, "Deadline", _hasty(http.Deadline))
    for name in markdown._TEMPLATES.list_templates(extensions=["j2"]):
        markdown._TEMPLATES.get_template(name)
    if threading.active_count() > 1:
        raise RuntimeError(f"threads of the fork server: {threading.enumerate()}")
    gc.collect()
    gc.freeze()


def _hasty(real: Any) -> Any:
    """Give a deadline of three seconds instead of a minute, which a played day does not have."""

    class Hasty(real):  # type: ignore[misc]
        def __init__(self, seconds: float) -> None:
            super().__init__(seconds - 57.0)

    return Hasty


def run(order: Mapping[str, Any]) -> Said:
    """Do what the flow of this name does; its state and message are those that Prefect shows."""
    os.environ.update(order["env"])
    os.chdir(order["folder"])
    tempfile.tempdir = order["folder"]  # no day finds what another has left
    from naverplace.domain.troubles import TroubleKind, kind_of_error
    from naverplace.redaction.redactor import describe

    try:
        return FLOWS[order["flow"]](order)
    except Exception as error:  # noqa: BLE001 - as fails_with_message does
        untold = kind_of_error(error) in (TroubleKind.RUN_FAILED, TroubleKind.SETTINGS_WRONG)
        state = "Crashed" if untold else "Failed"
        return {"state": state, "message": describe(error), "report": {}}


def _process_bookings(order: Mapping[str, Any]) -> Said:
    from naverplace.base.errors import NaverPlaceError
    from naverplace.pipeline.local_runner import run_once
    from naverplace.redaction.redactor import describe

    settings = _settings(order)
    try:
        report = run_once(settings, run_id=str(order["run_id"]), door="flow")
    except NaverPlaceError as error:  # it has told its rulebook's mistakes
        return _ended(False, describe(error), {})
    problems = [*report.problems, *report.contradictions]
    message = f"{problems[0]} ({len(problems)} problems, see run-summary)" if problems else ""
    return _ended(report.status == "success", message, report.as_json())


def _watchdog(order: Mapping[str, Any]) -> Said:
    from naverplace.jobs.watchdog.job import Watchdog

    seen = Watchdog(_settings(order)).watch()
    return _ended(seen.fine and not seen.problems, "see the artifact watchdog", seen.as_json())


def _reconcile(order: Mapping[str, Any]) -> Said:
    from naverplace.jobs.reconciliation.job import run_reconciliation

    done = run_reconciliation(_settings(order), run_id=str(order["run_id"]), door="flow")
    return _ended(done.status == "success", "see reconciliation and findings", done.as_json())


def _retention(order: Mapping[str, Any]) -> Said:
    from naverplace.jobs.retention.job import retain
    from naverplace.pipeline.notify_owner import tell

    settings = _settings(order)
    done = retain(settings, dry_run=False)
    tell(settings, done.look(settings.make_clock().now()))
    return _ended(not (done.problems or done.left), "see the artifact retention", done.as_json())


def _command(order: Mapping[str, Any]) -> Said:
    """Do what somebody types."""
    from typer.testing import CliRunner

    from naverplace.cli.app import app

    done = CliRunner().invoke(app, list(order["words"]))
    return _ended(not done.exit_code, done.output, {})


FLOWS: dict[str, Callable[[Mapping[str, Any]], Said]] = {
    "process-bookings": _process_bookings,
    "watchdog": _watchdog,
    "reconcile": _reconcile,
    "retention": _retention,
    "command": _command,
}


def _ended(good: bool, message: str, report: Mapping[str, Any]) -> Said:
    state = "Completed" if good else "Failed"
    return {"state": state, "message": "" if good else message, "report": dict(report)}


def _settings(order: Mapping[str, Any]) -> Any:
    from naverplace.settings.loader import load_settings

    return load_settings(env=order["env"], env_file=None)
