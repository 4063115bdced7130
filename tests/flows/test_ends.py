"""How a flow ends when something breaks in it, outside of every task."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest
from prefect import flow

from sandbox.prefect_server import PrefectServer
from tasks.task_decorators import fails_with_message

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("prefect_client_settings")]


def test_an_error_ends_as_one_scrubbed_line_and_lies_nowhere_on_disk(
    prefect_server: PrefectServer,
) -> None:
    before = on_disk(prefect_server)

    @flow(name="breaks")
    @fails_with_message
    def breaks() -> None:
        raise KeyError("010-0000-0042")

    state = breaks(return_state=True)

    assert state.is_crashed()  # nobody has told it: the Prefect server does
    assert state.message == "KeyError: '010-****-0042'"
    assert on_disk(prefect_server) == before


def on_disk(server: PrefectServer) -> set[Path]:
    """What is kept of results and exceptions; flows of other tests may have left some."""
    return set(server.home.glob("storage/*"))


def test_a_flow_that_takes_too_long_is_timed_out() -> None:
    @flow(name="hangs", timeout_seconds=1)
    @fails_with_message
    def hangs() -> None:
        while not Event().wait(0.05):  # a wait that ends lets Prefect interrupt it
            pass

    state = hangs(return_state=True)

    assert state.name == "TimedOut"
