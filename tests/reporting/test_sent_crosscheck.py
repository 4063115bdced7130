"""The same messages in the run's results, in the table and in SENS's log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from naverplace.base.clock import SEOUL
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, Record
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.reporting.sent_crosscheck import AcceptedMessage, CrossCheck, crosscheck_sent

BEGUN = datetime(2025, 10, 22, 14, 2, 15, tzinfo=SEOUL)
KEY = RecordKey("1051707_1", "010-0000-0001")
SENT = AcceptedMessage(KEY, "guide", "1051707", "request-1", "01000000001")
STATE = LedgerEntry(
    state=MessageStatus.ACCEPTED, execution_id="run-1", request_id="request-1", settled_at=BEGUN
)
SHOWN = SmsLogEntry("request-1", "message-1", BEGUN, "01000000001")


def a_record(**messages: LedgerEntry) -> Record:
    return Record(
        key=KEY,
        booking_time="2025-10-22 15:30:00",
        confirm_sms=True,
        remind_sms=True,
        option_sms=False,
        messages=messages,
    )


def check(
    records: Sequence[Record] | None = (a_record(guide=STATE),),
    log: Sequence[SmsLogEntry] | None = (SHOWN,),
    **changes: Any,
) -> CrossCheck:
    values: dict[str, Any] = {
        "execution_id": "run-1",
        "now": BEGUN + timedelta(seconds=10),
        "settle_seconds": 120.0,
    }
    return crosscheck_sent([SENT], records=records, log=log, **{**values, **changes})


def test_three_equal_counts_hold() -> None:
    done = check()

    assert done.contradictions == ()
    assert done.table == done.log == {"guide": 1}
    assert done.ends == {"open": 1}


@pytest.mark.parametrize(
    ("records", "words"),
    [
        ((), "stands 0 times in the table"),
        (
            (a_record(guide=replace(STATE, state=MessageStatus.CLAIMED)),),
            "stands 0 times in the table",
        ),
        (
            (a_record(guide=STATE, event=replace(STATE, request_id="other")),),
            "does not know of it",
        ),
        ((a_record(guide=replace(STATE, request_id="other")),), "stands 0 times in the table"),
        ((a_record(guide=STATE, event=STATE),), "stands 2 times in the table"),
    ],
)
def test_a_table_that_counts_otherwise_is_named(records: Sequence[Record], words: str) -> None:
    assert any(words in found for found in check(records).contradictions)


def test_what_another_execution_of_the_same_run_has_sent_is_its_own_affair() -> None:
    other = replace(STATE, request_id="other", execution_id="run-1/2")

    assert check((a_record(guide=STATE, confirmation=other),)).contradictions == ()


def test_what_was_in_doubt_and_another_run_has_adopted_since_is_no_contradiction() -> None:
    records = (a_record(guide=STATE, event=replace(STATE, request_id="other")),)
    number = records[0].key.booking_num

    assert check(records, in_doubt={(number, "event")}).contradictions == ()
    assert check(records, in_doubt={(number, "confirmation")}).contradictions != ()


def test_a_guide_of_a_booking_that_was_moved_meanwhile_still_counts() -> None:
    assert check((a_record(guide_at_20251022T1530=STATE),)).table == {"guide": 1}


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ((SHOWN, replace(SHOWN, message_id="message-2")), "stands 2 times in SENS's log"),
        ((replace(SHOWN, to="01000000002"),), "went to another phone"),
    ],
)
def test_a_log_that_shows_something_else_is_named(log: Sequence[SmsLogEntry], words: str) -> None:
    done = check(log=log)

    assert any(words in found for found in done.contradictions)
    assert "0100000000" not in str(done.contradictions)


def test_a_message_is_missing_only_when_it_is_old_enough() -> None:
    young, old = check(log=()), check(log=(), now=BEGUN + timedelta(seconds=121))

    assert (young.not_yet, young.contradictions) == (1, ())
    assert old.not_yet == 0
    assert any("is not in SENS's log" in found for found in old.contradictions)


def test_of_what_could_not_be_read_nothing_is_claimed() -> None:
    done = check(records=None, log=None, why_not=("the table could not be read",))

    assert (done.table, done.log, done.contradictions) == (None, None, ())
    assert done.why_not == ("the table could not be read",)


def test_without_the_table_no_message_is_old_enough_to_be_missing() -> None:
    done = check(records=None, log=(), now=BEGUN + timedelta(days=1))

    assert (done.not_yet, done.contradictions) == (1, ())


def test_neither_phone_nor_key_is_in_a_sent_messages_own_words() -> None:
    assert "0000" not in repr(SENT)
