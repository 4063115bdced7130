"""Which alerts a day produces, and which it cannot: together they are those of the runbook.

Every planted trouble names the kinds that tell it, and the day is wrong when it is told by others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from naverplace.domain.troubles import WORDS, TroubleKind
from trials.day.oracle import Paragraph, Verdict
from trials.day.trouble import CANCELLED, CRASHED, LATE, NO_SIGNAL, TIMED_OUT

OUTSIDE = {  # the words of Prefect's automations, and of whoever is behind the dead-man's URL
    CRASHED: ": Crashed",
    TIMED_OUT: ": TimedOut",
    LATE: "(Late)",
    CANCELLED: "실행 세 번이 연달아 취소되었습니다",
    NO_SIGNAL: "이후 신호가 없습니다",
}


class Elsewhere(NamedTuple):
    """Why a day cannot produce an alert, and the test that does, by a real run."""

    why: str
    test: str


NOT_IN_A_DAY: dict[str, Elsewhere] = {
    TroubleKind.SHARD_FAILED: Elsewhere(
        "a day is served by whole runs; shards need a real Prefect server",
        "tests/flows/test_sharing.py::test_shards_that_somebody_cancels_are_told_once",
    ),
    TIMED_OUT: Elsewhere(
        "a run's limit of 18 minutes is kept by Prefect's engine, which a day does without",
        "tests/flows/test_ends.py::test_a_flow_that_takes_too_long_is_timed_out",
    ),
    CANCELLED: Elsewhere(
        "a slot that is not given back for an hour: a day's runs are called crashed before",
        "tests/flows/test_alerts.py::"
        "test_three_runs_of_the_main_flow_that_met_another_one_are_told_once",
    ),
}


def unlike(verdict: Verdict) -> Iterator[str]:
    """Say by which kinds a trouble was not told that should tell it, and by which besides."""
    trouble = verdict.planted.trouble
    began = [p for p in verdict.taken if p.what in ("begin", "other")]
    told = {kind for p in began for kind in kinds_in(p)}
    if missing := set(trouble.kinds) - told:
        yield f"not told as {', '.join(sorted(missing))}, but as {', '.join(sorted(told)) or '-'}"
    said = {kind for p in began if p.is_said_by(trouble.says) for kind in kinds_in(p)}
    if others := said - set(trouble.kinds):
        yield f"also told as {', '.join(sorted(others))}"


def kinds_in(paragraph: Paragraph) -> Iterator[str]:
    """Name the kind that a paragraph tells."""
    if paragraph.message.by == "naverplace":
        titles = {kind: words.title for kind, words in WORDS.items()}
        yield from (kind for kind, title in titles.items() if title in paragraph.first_line)
    else:
        yield from (kind for kind, words in OUTSIDE.items() if words in paragraph.text)
