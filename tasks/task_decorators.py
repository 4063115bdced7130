"""How a library function becomes a task that leaks nothing and is retried only where it helps."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Failed

from naverplace.base.errors import Transient
from naverplace.redaction.redactor import describe

P = ParamSpec("P")
R = TypeVar("R")


class StepFailed(Exception):
    """A step's error in one scrubbed line: the text that Prefect stores in its database."""

    def __init__(
        self, text: str, *, transient: bool = False, reason: str = "", needs_person: bool = False
    ) -> None:
        super().__init__(text)
        self.transient = transient
        self.reason, self.needs_person = reason, needs_person  # of a login that was refused

    @classmethod
    def of(cls, error: Exception) -> StepFailed:
        """Put an error in one scrubbed line."""
        return cls(
            describe(error),
            transient=isinstance(error, Transient),
            reason=getattr(error, "reason", ""),
            needs_person=getattr(error, "needs_person", False),
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
    """Wrap a flow so that it fails by a state with one scrubbed line, not by an exception.

    An exception of a flow is pickled into PREFECT_HOME/storage, whatever `persist_result` says, and
    nothing ever removes it there (prefect 3.9.1, FlowRunEngine.handle_exception). Time-outs and
    suspensions are no Exceptions, and pass.
    """

    @wraps(function)
    def run_to_its_end(*args: P.args, **kwargs: P.kwargs) -> R | State[Any]:
        try:
            return scrubbed(function)(*args, **kwargs)
        except StepFailed as failure:
            return Failed(message=str(failure))

    return run_to_its_end


def _may_help(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    error = state.result(raise_on_failure=False)
    return isinstance(error, StepFailed) and error.transient


def library_task(
    name: str, *, run_name: str | None = None, retries: int = 0, wait: float = 5.0
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
