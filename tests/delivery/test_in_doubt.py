"""What SENS's log says about a message in doubt, as values."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.base.clock import SEOUL
from naverplace.delivery.in_doubt import (
    SIGNATURE_LIFE,
    InDoubtMessage,
    Resolution,
    in_doubt_messages,
    known_requests,
    pick,
    safe_to_resend_after,
    unattributed_messages,
    window,
)
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, Record
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.message_ledger import Claim
from naverplace.ledger.store_state import PendingMessage
from naverplace.settings.sections import LedgerSettings

NOON = datetime(2025, 10, 22, 12, 0, tzinfo=SEOUL)
SETTINGS = LedgerSettings()
MINUTE = timedelta(minutes=1)


def a_doubt(number: int = 1, content: str = "hash", **parts: object) -> InDoubtMessage:
    key = RecordKey(f"1051707_{number}", "010-0000-0001")
    message = LedgerEntry(
        MessageStatus.CLAIMED, content_hash=content, claimed_at=NOON, execution_id="dead"
    )
    return InDoubtMessage(Claim(key, "guide", replace(message, **parts)))  # type: ignore[arg-type]


def a_candidate(request_id: str, content: str = "hash", minutes: float = 1) -> SmsLogEntry:
    return SmsLogEntry(
        request_id=request_id,
        message_id=f"{request_id}-0",
        request_time=NOON + minutes * MINUTE,
        sender="0310000000",
        status="COMPLETED",
        end="delivered",
        to="01000000001",
        fingerprint=content,
    )


def picked(
    doubt: InDoubtMessage, candidates: list[SmsLogEntry], known: dict[str, PendingMessage]
) -> str:
    found = pick(doubt, candidates, known)
    return found.request_id if found else ""


def test_a_claim_with_a_vanished_owner_is_certain_after_a_frozen_process_could_have_sent_it() -> (
    None
):
    sent_by = timedelta(seconds=SETTINGS.send_seconds) + 2 * SIGNATURE_LIFE

    assert safe_to_resend_after(a_doubt(), SETTINGS) == NOON + sent_by + timedelta(seconds=120)


def test_a_message_that_was_seen_to_fail_is_certain_after_the_settle_time() -> None:
    seen = a_doubt(state=MessageStatus.IN_DOUBT, settled_at=NOON + MINUTE)

    assert safe_to_resend_after(seen, SETTINGS) == NOON + 3 * MINUTE


def test_sens_takes_no_signature_older_than_five_minutes_and_two_clocks_may_differ_as_much() -> (
    None
):
    certain = safe_to_resend_after(a_doubt(), LedgerSettings(send_seconds=60, settle_seconds=120))

    assert certain == NOON + timedelta(minutes=1 + 2 * 5 + 2)


def test_who_was_frozen_before_it_told_of_its_doubt_waits_no_longer_than_who_vanished() -> None:
    late = a_doubt(state=MessageStatus.IN_DOUBT, settled_at=NOON + 60 * MINUTE)

    assert safe_to_resend_after(late, SETTINGS) == safe_to_resend_after(a_doubt(), SETTINGS)


@pytest.mark.parametrize("state", [s for s in MessageStatus if s != MessageStatus.IN_DOUBT])
def test_only_who_told_of_its_doubt_has_seen_the_sends_end(state: MessageStatus) -> None:
    entry = a_doubt(state=state, settled_at=NOON + MINUTE)

    assert safe_to_resend_after(entry, SETTINGS) == safe_to_resend_after(a_doubt(), SETTINGS)


def test_a_state_read_from_the_table_is_a_text_and_counts_as_well() -> None:
    seen = a_doubt(state="in_doubt", settled_at=NOON + MINUTE)

    assert safe_to_resend_after(seen, SETTINGS) == NOON + 3 * MINUTE


def test_who_cannot_tell_since_when_is_never_certain() -> None:
    assert safe_to_resend_after(a_doubt(claimed_at=None), SETTINGS) is None
    assert (
        safe_to_resend_after(a_doubt(claimed_at=None, state=MessageStatus.IN_DOUBT), SETTINGS)
        is None
    )


@given(
    claimed=st.timedeltas(timedelta(days=-400), timedelta(days=2)),
    state=st.sampled_from([MessageStatus.CLAIMED, MessageStatus.IN_DOUBT]),
    seen_after=st.none() | st.timedeltas(timedelta(), timedelta(hours=2)),
)
def test_the_window_holds_every_moment_at_which_it_may_have_been_sent(
    claimed: timedelta, state: MessageStatus, seen_after: timedelta | None
) -> None:
    settled = NOON + claimed + seen_after if seen_after is not None else None
    doubt = a_doubt(claimed_at=NOON + claimed, settled_at=settled, state=state)

    start, end = window(doubt, NOON)

    assert timedelta() < end - start <= timedelta(days=30)  # or SENS refuses it
    assert start <= NOON + claimed - SIGNATURE_LIFE or claimed > timedelta()
    last = safe_to_resend_after(doubt, SETTINGS)
    assert last is not None
    assert end >= min(last, NOON + SIGNATURE_LIFE)


@pytest.mark.parametrize(
    ("claimed", "start", "end"),
    [
        (timedelta(), -5 * MINUTE, 5 * MINUTE),
        (timedelta(hours=-2), timedelta(hours=-2) - 5 * MINUTE, 5 * MINUTE),
        (timedelta(days=2), -5 * MINUTE, 5 * MINUTE),  # a clock was put back since
        (timedelta(days=-45), timedelta(days=-45) - 5 * MINUTE, timedelta(days=-15) - 5 * MINUTE),
        (None, timedelta(days=-1) - 5 * MINUTE, 5 * MINUTE),
    ],
    ids=["now", "of today", "of tomorrow", "older than SENS lists at once", "nobody knows when"],
)
def test_the_window_is_from_the_claim_to_now_give_or_take_the_clocks_and_thirty_days_long(
    claimed: timedelta | None, start: timedelta, end: timedelta
) -> None:
    doubt = a_doubt(claimed_at=None if claimed is None else NOON + claimed)

    assert window(doubt, NOON) == (NOON + start, NOON + end)


def test_the_message_with_the_very_content_is_the_one() -> None:
    log = [a_candidate("other", "else", 0), a_candidate("ours", "hash", 1)]

    assert picked(a_doubt(), log, {}) == "ours"
    assert picked(a_doubt(content="nothing like it"), log, {}) == ""


def test_the_message_of_another_ledger_entry_is_that_ones() -> None:
    other = a_doubt(2).pending_message

    assert picked(a_doubt(), [a_candidate("theirs")], {"theirs": other}) == ""
    assert picked(a_doubt(), [a_candidate("x")], {"x": a_doubt().pending_message}) == "x"


def test_of_two_that_fit_the_earlier_is_taken_whatever_their_order() -> None:
    log = [a_candidate("late", minutes=2), a_candidate("early", minutes=1)]

    assert picked(a_doubt(), log, {}) == picked(a_doubt(), log[::-1], {}) == "early"


@pytest.mark.parametrize(
    ("logged", "known"),
    [("hash", 0), ("hash", 2), ("gash", 1), ("gash", None), ("iash", 1), ("iash", None)],
)
def test_what_is_another_messages_or_says_something_else_never_fits(
    logged: str, known: int | None
) -> None:
    log = [a_candidate("r", logged)]

    owners = {} if known is None else {"r": a_doubt(known).pending_message}

    assert picked(a_doubt(1), log, owners) == ""


def test_a_text_fits_though_its_fingerprint_was_reckoned_anew() -> None:
    reckoned = "".join(["ha", "sh"])

    assert picked(a_doubt(), [a_candidate("ours", reckoned)], {}) == "ours"


@given(
    doubts=st.integers(1, 4),
    logged=st.lists(st.sampled_from(["same", "else"]), max_size=6),
    foreign=st.sets(st.integers(0, 5)),
)
def test_no_message_of_the_log_is_given_to_two_doubts_and_none_that_fits_is_left_while_one_waits(
    doubts: int, logged: list[str], foreign: set[int]
) -> None:
    log = [a_candidate(f"r{n}", content, n) for n, content in enumerate(logged)]
    known = {f"r{n}": a_doubt(99).pending_message for n in foreign}
    free = [c for n, c in enumerate(log) if c.fingerprint == "same" and n not in foreign]

    given_to: list[str] = []
    for number in range(doubts):  # as the settler does: each one's is known to the next
        doubt = a_doubt(number, "same")
        if found := pick(doubt, log, known):
            known[found.request_id] = doubt.pending_message
            given_to.append(found.request_id)

    assert len(given_to) == len(set(given_to)) == min(doubts, len(free))
    assert given_to == [c.request_id for c in free][: len(given_to)]


def test_a_stranger_is_what_fits_no_message_of_ours() -> None:
    known = {"known": a_doubt(2).pending_message}
    log = [a_candidate("known", "x"), a_candidate("doubted", "hash"), a_candidate("foreign", "y")]

    assert unattributed_messages(log, known, [a_doubt()]) == [log[2]]


def test_the_ledger_tells_whose_a_request_is() -> None:
    key = RecordKey("1051707_1", "010-0000-0001")
    messages = {
        "guide": LedgerEntry(MessageStatus.ACCEPTED, request_id="r1"),
        "event": LedgerEntry(MessageStatus.CLAIMED),
    }

    known = known_requests([Record(key, messages=messages)])

    assert known == {"r1": PendingMessage(key, "guide")}


@pytest.mark.parametrize("state", list(MessageStatus))
def test_only_what_is_unsettled_is_a_doubt(state: MessageStatus) -> None:
    key = RecordKey("1051707_1", "010-0000-0001")
    message = LedgerEntry(state, content_hash="hash")

    found = in_doubt_messages([Record(key, messages={"guide": message})])

    assert bool(found) == (state in (MessageStatus.CLAIMED, MessageStatus.IN_DOUBT))
    assert all(doubt.claim.flag == "remind_sms" for doubt in found)


def test_a_notice_is_no_doubt_for_no_log_tells_of_it() -> None:
    key = RecordKey("1051707_1", "010-0000-0001")
    notice = LedgerEntry(MessageStatus.IN_DOUBT)

    assert in_doubt_messages([Record(key, messages={"telegram_roster": notice})]) == []


@pytest.mark.parametrize("state", [MessageStatus.ACCEPTED, MessageStatus.OWED])
def test_what_is_settled_is_no_doubt_whatever_its_content(state: MessageStatus) -> None:
    key = RecordKey("1051707_1", "010-0000-0001")
    settled = LedgerEntry(state, content_hash="hash")

    assert in_doubt_messages([Record(key, messages={"guide": settled})]) == []


def test_a_row_of_a_doubt_without_a_moment_says_none() -> None:
    assert a_doubt(claimed_at=None).row()["since"] == ""


def test_a_doubt_is_over_when_it_is_adopted_or_freed_and_its_row_names_no_phone() -> None:
    doubt = replace(a_doubt(), resolution=Resolution.UNCLEAR, why="nobody can place it")

    assert [settled.value for settled in Resolution if settled.is_final] == ["adopted", "freed"]
    assert doubt.row() == {
        "booking": "1051707_1",
        "kind": "guide",
        "settled": "unclear",
        "since": "2025-10-22T12:00:00+09:00",
        "run_id": "dead",
        "request_id": "",
        "why": "nobody can place it",
    }
