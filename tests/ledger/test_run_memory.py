"""Which runs have told what expired: remembered for as long as a mark can be looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, Record
from naverplace.ledger.run_memory import read_reported_runs, record_reported_run
from naverplace.rules.expiry import REPORT_LIMIT, unreported_kinds
from naverplace.settings.schema import Settings
from sandbox.server import Sandbox
from tests.rule_builders import NOW, a_booking, a_record

MARK = LedgerEntry(MessageStatus.EXPIRED, execution_id="dead", settled_at=NOW)
MARKED = a_record(a_booking(), messages={"guide": MARK})


@pytest.fixture
def table(settings: Settings) -> StateTable:
    return StateTable(open_dynamodb(settings.aws), settings.aws.session_table)


def test_runs_that_have_told_are_remembered_and_forgotten_after_some_days(
    table: StateTable,
) -> None:
    assert read_reported_runs(table, [MARKED]) == frozenset()

    record_reported_run(table, "first", now=NOW, days=8)
    record_reported_run(table, "second", now=NOW + timedelta(days=8), days=8)
    assert read_reported_runs(table, [MARKED]) == frozenset({"first", "second"})
    record_reported_run(table, "third", now=NOW + timedelta(days=8, seconds=1), days=8)

    assert read_reported_runs(table, [MARKED]) == frozenset({"second", "third"})


def test_without_anything_expired_the_table_is_not_asked(world: Sandbox, table: StateTable) -> None:
    before = len(world.world.requests)
    accepted = a_record(
        a_booking(), messages={"guide": replace(MARK, state=MessageStatus.ACCEPTED)}
    )

    assert read_reported_runs(table, [accepted]) is None
    assert len(world.world.requests) == before


def test_all_count_as_told_when_nobody_asked() -> None:
    assert unreported_kinds(MARKED, None, now=NOW + REPORT_LIMIT) == frozenset()
    assert unreported_kinds(None, (), now=NOW) == frozenset()


@given(
    state=st.sampled_from(MessageStatus),
    execution_id=st.sampled_from(["", "run/dead", "run/alive"]),
    minutes=st.integers(0, 40),
)
def test_only_an_old_mark_of_a_run_that_never_told_is_named_again(
    state: MessageStatus, execution_id: str, minutes: int
) -> None:
    entry = replace(MARK, state=state, execution_id=execution_id)
    record: Record = a_record(a_booking(), messages={"guide": entry})

    named = unreported_kinds(record, {"run/alive"}, now=NOW + timedelta(minutes=minutes))

    lost = execution_id == "run/dead" and minutes >= 15
    assert bool(named) == (state is MessageStatus.EXPIRED and lost)
