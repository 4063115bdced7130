"""The process that has Great Expectations: it answers as it would here, and ends when we do."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pandas as pd
import pytest

from naverplace.quality import checkpoint_process, validation
from naverplace.quality.validation import CheckpointProcess
from tests.quality.test_frames import raw
from tests.quality.test_validation import check


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Iterator[CheckpointProcess]:
    """A process of its own, asked by this one as if it had not imported the checkpoint."""
    monkeypatch.setattr(validation, "_started", None)
    monkeypatch.setattr(validation, "CHECKPOINT", "naverplace.quality.not_imported")
    validation.start_checkpoint()
    started = validation._started
    assert started
    yield started
    started.end()


@pytest.mark.usefixtures("beside")
def test_it_refuses_what_this_process_would(monkeypatch: pytest.MonkeyPatch) -> None:
    odd = (raw(phone="010-12"), raw(bookingId=2), raw(bookingId=2), raw(bookingId=None))

    by_it = check(*odd)
    checkpoint_process.import_checkpoint()
    monkeypatch.setattr(validation, "CHECKPOINT", checkpoint_process.CHECKPOINT)

    assert by_it.quarantined == check(*odd).quarantined
    assert len(by_it.quarantined) == 3


def test_when_it_has_died_this_process_checks_itself(beside: CheckpointProcess) -> None:
    os.kill(beside.pid, signal.SIGKILL)

    assert len(check(raw(phone="010-12")).quarantined) == 1


def test_what_it_meets_is_raised_here_and_it_answers_the_next_question(
    beside: CheckpointProcess,
) -> None:
    with pytest.raises(RuntimeError, match="Error: "):
        beside.refusals(cast("pd.DataFrame", "no frame"), {})

    assert check(raw()).quarantined == ()


def test_an_answer_that_nobody_took_is_none_to_the_next_question(
    beside: CheckpointProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pickle, "load", interrupted)
        with pytest.raises(KeyboardInterrupt):
            check(raw(phone="010-12"))

    assert check(raw()).quarantined == ()


def test_a_machine_without_room_for_it_checks_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "_started", None)
    monkeypatch.setattr(validation, "CHECKPOINT", "naverplace.quality.not_imported")
    monkeypatch.setattr(sys, "executable", "/no/such/python")

    validation.start_checkpoint()

    assert len(check(raw(phone="010-12")).quarantined) == 1


def test_it_outlives_a_signal_that_asks_the_run_to_end_and_is_given_no_secret(
    beside: CheckpointProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    check(raw())
    os.kill(beside.pid, signal.SIGTERM)
    given = Path(f"/proc/{beside.pid}/environ").read_text("utf-8")

    assert check(raw()).quarantined == ()
    assert "NAVERPLACE" not in given
    assert "AWS_" not in given


def test_it_ends_with_a_process_that_is_killed() -> None:
    program = """
import os, signal
from naverplace.quality import validation
validation.start_checkpoint()
os.kill(os.getpid(), signal.SIGKILL)
"""
    # Both have its end of standard error: reading it ends when both have ended.
    killed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=60, check=False
    )

    assert killed.returncode == -signal.SIGKILL
    assert killed.stderr == b""
