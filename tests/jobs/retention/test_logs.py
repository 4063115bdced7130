"""The logs of a machine: a process goes on writing while they are cut, emptied and removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from naverplace.base.errors import Permanent
from naverplace.jobs.retention.folders import LogFiles, begun, mark_begin

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


def log_of(folder: Path, name: str, age: timedelta, text: str = "12:00:00 a line\n") -> Path:
    """A log that began so long ago."""
    path = folder / name
    path.write_text(f"== {(NOW - age).isoformat()} worker starts\n{text}", "utf-8")
    return path


def test_a_log_is_cut_after_a_day_and_its_process_goes_on_writing(tmp_path: Path) -> None:
    path = log_of(tmp_path, "worker.log", 2 * DAY)
    writing = path.open("ab", buffering=0)  # as a process that `make up` has started
    place = LogFiles("logs", tmp_path, now=NOW)

    assert place.cut() == 1
    writing.write(b"after\n")
    writing.close()

    cut = tmp_path / f"worker.log.{NOW - 2 * DAY:%Y%m%dT%H%M%S}"
    assert cut.read_text("utf-8").endswith("a line\n")
    assert path.read_text("utf-8").splitlines()[1:] == ["after"]
    assert NOW - begun(path) < DAY
    assert place.cut() == 0  # it began just now


def test_what_began_before_the_limit_goes_whether_it_was_cut_or_not(tmp_path: Path) -> None:
    log_of(tmp_path, "server.log", 40 * DAY)
    log_of(tmp_path, "worker.log.20200101T000000", 40 * DAY)
    young = log_of(tmp_path, "worker.log.20260101T000000", 3 * DAY)
    place = LogFiles("logs", tmp_path, now=NOW)

    old = place.old(NOW - 30 * DAY)
    removed = place.remove(old)

    assert (place.count(), len(old), removed) == (2, 2, 2)  # server.log is there, and empty
    assert "a line" not in (tmp_path / "server.log").read_text("utf-8")
    assert young.exists()
    assert place.old(NOW - 30 * DAY) == []


@pytest.mark.parametrize("text", ["12:00:00 a line\n", "== yesterday worker starts\n", ""])
def test_a_log_that_does_not_say_when_it_began_is_old(tmp_path: Path, text: str) -> None:
    path = tmp_path / "worker.log"
    path.write_text(text, "utf-8")

    assert LogFiles("logs", tmp_path, now=NOW).old(NOW - 365 * DAY) == [path]


def test_the_mark_is_found_behind_a_line_that_came_while_the_log_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "worker.log"
    path.write_text("12:00:00 a line\n", "utf-8")
    mark_begin(path, "goes on", NOW)

    assert NOW - begun(path) < DAY


def test_files_that_are_no_logs_are_left_alone(tmp_path: Path) -> None:
    for name in ("up.json", "notes.log.txt", "Worker.log"):
        (tmp_path / name).write_text("mine", "utf-8")

    assert LogFiles("logs", tmp_path, now=NOW).count() == 0
    assert LogFiles("logs", tmp_path / "nowhere", now=NOW).count() == 0


def test_a_log_that_cannot_be_emptied_is_named(tmp_path: Path) -> None:
    (tmp_path / "worker.log").symlink_to("/proc/version")  # which even root cannot write

    with pytest.raises(Permanent, match="may this user write there"):
        LogFiles("logs", tmp_path, now=NOW).cut()


def test_a_log_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "worker.log").symlink_to("/proc/self/mem")  # nothing can be read at its beginning

    with pytest.raises(Permanent, match="logs in "):
        LogFiles("logs", tmp_path, now=NOW).old(NOW)
