"""How a library function becomes a task that leaks nothing and is retried only where it helps."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from prefect import Task, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Completed, Crashed, Failed
from prefect.tasks import TaskRunNameCallbackWithParameters

from naverplace.base.clock import SEOUL
from naverplace.base.errors import Transient
from naverplace.domain.troubles import TroubleKind, kind_of_error
from naverplace.redaction.redactor import REDACTOR, describe

P = ParamSpec("P")
R = TypeVar("R")
# An outage that a job meets is told by the runs, which meet it too.
NO_RUN_TELLS = (TroubleKind.RUN_FAILED, TroubleKind.SETTINGS_WRONG)


class StepFailed(Exception):
    """A step's error in one scrubbed line: the text that Prefect stores in its database."""

    told = False  # the owner knows it already

    def __init__(
        self,
        text: str,
        *,
        transient: bool = False,
        reason: str = "",
        needs_person: bool = False,
        trouble: TroubleKind = TroubleKind.RUN_FAILED,
    ) -> None:
        super().__init__(text)
        self.transient, self.trouble = transient, trouble
        self.reason, self.needs_person = reason, needs_person  # of a login that was refused

    @classmethod
    def of(cls, error: Exception) -> StepFailed:
        """Put an error in one scrubbed line."""
        return cls(
            describe(error),
            transient=isinstance(error, Transient),
            reason=getattr(error, "reason", ""),
            needs_person=getattr(error, "needs_person", False),
            trouble=kind_of_error(error),
        )


def scrubbed(function: Callable[P, R]) -> Callable[P, R]:
    """Wrap a function so that what it raises carries no secret, no phone and no cause.

    Prefect stores exception texts as state messages, past every logging filter.
    """

    @wraps(function)
    def run_scrubbed(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except StepFailed:
            raise
        except Exception as error:  # noqa: BLE001 - raised again, scrubbed
            failure = StepFailed.of(error)
        raise failure from None

    return run_scrubbed


def fails_with_message(function: Callable[P, R]) -> Callable[P, R | State[Any]]:
    """Wrap a flow so that it ends by a state with one scrubbed line, not by an exception.

    What nobody can have told, such as settings that cannot be read, is a crash, which the Prefect
    server tells. What a flow has told ends by `failed`.
    An exception of a flow is pickled into PREFECT_HOME/storage, whatever `persist_result` says, and
    nothing ever removes it there (prefect 3.9.1, FlowRunEngine.handle_exception). Time-outs and
    suspensions are no Exceptions, and pass.
    """

    @wraps(function)
    def run_to_its_end(*args: P.args, **kwargs: P.kwargs) -> R | State[Any]:
        try:
            return scrubbed(function)(*args, **kwargs)
        except StepFailed as failure:
            untold = failure.trouble in NO_RUN_TELLS and not failure.told
            return (Crashed if untold else Failed)(message=str(failure))

    return run_to_its_end


def name_of_tick() -> str:
    """Name a flow run by the time it was planned for, as `10-22 14:00` in Seoul."""
    return f"{runtime.flow_run.scheduled_start_time.astimezone(SEOUL):%m-%d %H:%M}"


def name_of_store(step: str) -> TaskRunNameCallbackWithParameters:
    """Name a store's task runs by its alias, which people know it by."""

    def name(parameters: dict[str, Any]) -> str:
        store_id = parameters["store_id"]
        return f"{step} {parameters['run'].all_stores[store_id].alias}"

    # Prefect's protocol wants a class method too, which it calls on its own class only.
    return cast("TaskRunNameCallbackWithParameters", name)


def completed(result: R, message: str) -> State[R]:
    """End a flow well, with a scrubbed line that says what it did."""
    return Completed(message=REDACTOR.scrub(message), data=result)


def failed(message: str) -> State[Any]:
    """End a flow badly that has told the owner why, with a scrubbed line."""
    return Failed(message=REDACTOR.scrub(message))


def _may_help(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, StepFailed) and error.transient


def library_task(
    name: str,
    *,
    run_name: str | TaskRunNameCallbackWithParameters | None = None,
    retries: int = 0,
    wait: float = 5.0,
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a task of a function; it is tried again only after a Transient error."""

    def make(function: Callable[P, R]) -> Task[P, R]:
        decorate = task(
            name=name,
            task_run_name=run_name or name,
            retries=retries,
            retry_delay_seconds=wait,
            retry_condition_fn=_may_help,
            # A run, a session or a frame is neither hashable nor anybody else's to keep.
            cache_policy=NO_CACHE,
            persist_result=False,
        )
        return decorate(scrubbed(function))

    return make
