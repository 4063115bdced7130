"""Where a run waits for the person on duty: a login that only a person can finish.

The run suspends: its process ends, its slot is free, and the runs after it go on as they can. It is
resumed by `naverplace login`, or by the button in the UI, and then begins from its first step.
"""

from __future__ import annotations

from uuid import UUID

from prefect import get_run_logger, runtime
from prefect.client.orchestration import get_client
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.utilities.urls import url_for
from pydantic import Field

from naverplace.jobs.resume_runs import LOGIN
from naverplace.naver.session import NaverSession
from naverplace.naver.session_store import SessionStore
from naverplace.pipeline import notify_owner
from naverplace.pipeline.context import RunContext
from tasks import bookings
from tasks.task_decorators import StepFailed, scrubbed

PATIENCE = 6 * 3600  # seconds; after it the run can only be started anew


class LoggedIn(RunInput):
    """The answer to a run that waits for a login."""

    try_again: bool = Field(
        False,
        title="Let the run log in itself",
        description="Tick it when you have done something at Naver that lets the login of this "
        "machine through, such as confirming it on the phone. Leave it "
        "empty after naverplace login.",
    )


def restore_session(run: RunContext) -> NaverSession:
    """Restore the session or log in; where only a person can, call one and suspend."""
    try:
        return bookings.restore_session(run)
    except StepFailed as failure:
        if not _may_wait(failure):
            raise
        answer = _call(run, failure)
    if answer.try_again:
        _forget_refusals(run)
    return bookings.restore_session(run)


def _may_wait(failure: StepFailed) -> bool:
    """Tell whether a person can make it go on; a run without deployment cannot be resumed."""
    if not runtime.deployment.id:
        return False
    return failure.needs_person or (failure.reason == "cooling_down" and _has_waited())


def _has_waited() -> bool:
    """Tell whether this run was suspended before; its count of runs does not say so."""
    with get_client(sync_client=True) as client:
        states = client.read_flow_run_states(UUID(str(runtime.flow_run.id)))
    return any(state.name == "Suspended" for state in states)


def _call(run: RunContext, failure: StepFailed) -> LoggedIn:
    """Tell the person on duty, and suspend; gives the answer when it was given already."""
    where = url_for("flow-run", obj_id=str(runtime.flow_run.id)) or "the Prefect UI"
    if not _has_waited():
        text = f"{failure.reason}. 로그인하면 바로 이어서 실행됩니다. 또는 여기서 Resume: {where}"
        for problem in notify_owner.tell_failure(run, failure.trouble, text).problems:
            get_run_logger().error(problem)
    asked = LoggedIn.with_initial_data(
        description=f"**Naver wants a person: {failure.reason}.**\n\n{failure}\n\n"
        "Log in by `naverplace login --headed` on a machine with a screen; this run then goes "
        "on by itself. Or do at Naver what it asks for, tick the box, submit. No message is lost "
        "meanwhile: what is owed is sent by the first run that has a session.",
        try_again=False,
    )
    return suspend_flow_run(wait_for_input=asked, timeout=PATIENCE, key=LOGIN)


@scrubbed
def _forget_refusals(run: RunContext) -> None:
    SessionStore(run.session_table, run.settings.naver, run.clock).forget_failures()
