"""Every entry and every message ends in exactly one class, and the worst is never overlooked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.base.clock import SEOUL
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, read_record
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.jobs.reconciliation.findings import findings_of, nothing_to_compare
from naverplace.jobs.reconciliation.matching import (
    WRONG,
    Match,
    MatchClass,
    MatchResult,
    ReconciliationWindow,
    match_messages,
)
from naverplace.ledger.scan import LedgerMessage, LegacyFlag, entries_of, flags_of

NOON = datetime(2025, 10, 22, 12, tzinfo=SEOUL)
WINDOW = ReconciliationWindow(NOON - timedelta(days=1), NOON)
PHONE, OTHER = "01000000001", "01000000002"


def an_entry(
    request_id: str = "R1",
    *,
    state: str = MessageStatus.ACCEPTED,
    to: str = PHONE,
    kind: str = "guide",
    content: str = "content",
    at: datetime | None = NOON - timedelta(hours=2),
    booking: str = "1051707_910000001",
) -> LedgerMessage:
    message = LedgerEntry(state, request_id=request_id, content_hash=content, settled_at=at)
    return LedgerMessage(RecordKey(booking, f"{to[:3]}-{to[3:7]}-{to[7:]}"), kind, message, to)


def a_message(
    request_id: str = "R1",
    *,
    to: str = PHONE,
    at: datetime | None = NOON - timedelta(hours=2),
    content: str = "",
    sender: str = "0310000000",
    place: int = 0,
) -> SmsLogEntry:
    message_id = f"{request_id}-{place}"
    return SmsLogEntry(request_id, message_id, at, to, sender=sender, fingerprint=content)


def classes(matched: MatchResult) -> tuple[list[MatchClass], list[MatchClass]]:
    return [j.match_class for j in matched.entries], [j.match_class for j in matched.messages]


def judge(
    entries: Sequence[LedgerMessage], log: Sequence[SmsLogEntry], **options: Any
) -> tuple[list[MatchClass], list[MatchClass]]:
    return classes(match_messages(entries, log, window=WINDOW, **options))


def test_a_request_id_pairs_entry_and_message() -> None:
    assert judge([an_entry()], [a_message()]) == ([MatchClass.MATCHED], [MatchClass.MATCHED])


def test_a_second_message_of_the_same_content_is_a_duplicate_that_names_both() -> None:
    log = [a_message(), a_message("R2", content="content")]

    matched = match_messages([an_entry()], log, window=WINDOW)

    assert classes(matched) == ([MatchClass.MATCHED], [MatchClass.MATCHED, MatchClass.DUPLICATE])
    (finding,) = findings_of(matched)
    assert (finding.request_id, finding.counted_as) == ("R2", "R1")
    assert (finding.booking, finding.kind) == ("1051707_910000001", "guide")


def test_the_same_content_to_another_phone_is_no_duplicate() -> None:
    log = [a_message(), a_message("R2", to=OTHER, content="content")]

    assert judge([an_entry()], log)[1] == [MatchClass.MATCHED, MatchClass.FOREIGN]


def test_an_unknown_message_to_a_customer_is_foreign_and_names_the_booking() -> None:
    matched = match_messages(
        [an_entry()], [a_message(), a_message("R2", content="other")], window=WINDOW
    )

    (finding,) = findings_of(matched)
    assert (finding.what, finding.booking) == ("foreign", "1051707_910000001")


def test_a_known_sender_is_tolerated_but_not_for_a_duplicate() -> None:
    log = [
        a_message(),
        a_message("R2", to=OTHER, sender="0319999999"),
        a_message("R3", content="content", sender="0319999999"),
    ]

    found = judge([an_entry()], log, known_senders=["0319999999"])[1]

    assert found == [MatchClass.MATCHED, MatchClass.TOLERATED, MatchClass.DUPLICATE]


@pytest.mark.parametrize("state", ["accepted", "delivered", "failed"])
@pytest.mark.parametrize("at", [WINDOW.start, NOON - timedelta(hours=2), None])
def test_an_entry_without_its_message_is_missing(state: str, at: datetime | None) -> None:
    assert judge([an_entry(state=state, at=at)], []) == ([MatchClass.MISSING], [])


def test_what_is_younger_than_the_lag_of_the_log_is_too_young_to_tell() -> None:
    late = NOON + timedelta(minutes=1)

    found = judge([an_entry(at=late)], [a_message("R9", at=late)])

    assert found == ([MatchClass.TOO_YOUNG], [MatchClass.TOO_YOUNG])


def test_what_an_earlier_reconciliation_judged_is_left_alone_but_serves_as_partner() -> None:
    before = WINDOW.start - timedelta(seconds=1)
    entries = [an_entry(at=before), an_entry("R2", at=before)]
    log = [a_message("R2"), a_message("R3", at=before)]

    found = judge(entries, log)

    assert found == (
        [MatchClass.EARLIER, MatchClass.MATCHED],
        [MatchClass.MATCHED, MatchClass.EARLIER],
    )


def test_a_duplicate_of_an_old_message_is_one() -> None:
    old = an_entry(at=WINDOW.start - timedelta(days=2))

    assert judge([old], [a_message("R2", content="content")])[1] == [MatchClass.DUPLICATE]


def test_two_entries_cannot_share_one_message() -> None:
    entries = [an_entry(), an_entry(kind="event")]

    assert judge(entries, [a_message()])[0] == [MatchClass.MATCHED, MatchClass.SHARED]


def test_of_two_entries_the_one_with_the_messages_phone_has_it() -> None:
    entries = [an_entry(to=OTHER), an_entry()]

    assert judge(entries, [a_message()])[0] == [MatchClass.SHARED, MatchClass.MATCHED]


def test_a_request_with_several_messages_has_a_surplus() -> None:
    log = [a_message(), a_message(place=1, to=OTHER)]

    assert judge([an_entry()], log)[1] == [MatchClass.MATCHED, MatchClass.SURPLUS]


def test_a_message_to_another_phone_than_the_entrys_is_named() -> None:
    found = judge([an_entry()], [a_message(to=OTHER)])

    assert found == ([MatchClass.WRONG_RECEIVER], [MatchClass.WRONG_RECEIVER])


def test_a_missing_entrys_message_under_another_request_id_is_found_by_its_content() -> None:
    found = judge([an_entry(request_id="")], [a_message("R7", content="content")])

    assert found == ([MatchClass.OTHER_REQUEST], [MatchClass.OTHER_REQUEST])


@pytest.mark.parametrize("state", [MessageStatus.CLAIMED, MessageStatus.IN_DOUBT])
def test_a_message_of_a_claim_in_doubt_is_not_foreign(state: MessageStatus) -> None:
    claim = an_entry(request_id="", state=state)

    found = judge([claim], [a_message("R7", content="content")])

    assert found == ([MatchClass.UNSETTLED], [MatchClass.IN_DOUBT])


def test_a_second_message_of_a_claim_in_doubt_is_a_duplicate() -> None:
    claim = an_entry(request_id="", state=MessageStatus.IN_DOUBT)
    log = [a_message("R7", content="content"), a_message("R8", content="content")]

    assert judge([claim], log)[1] == [MatchClass.IN_DOUBT, MatchClass.DUPLICATE]


@pytest.mark.parametrize(
    "state", [MessageStatus.OWED, MessageStatus.REFUSED, MessageStatus.EXPIRED, "word-of-tomorrow"]
)
def test_a_message_that_the_ledger_calls_unsent_is_unrecorded(state: str) -> None:
    entry = an_entry(request_id="", state=state)

    found = judge([entry], [a_message("R7", content="content")])

    assert found == ([MatchClass.UNSENT], [MatchClass.UNRECORDED])


def a_flag(kind: str, start: datetime = NOON) -> LegacyFlag:
    return LegacyFlag(RecordKey("1051707_910000001", ""), kind, PHONE, start)


def test_the_legacys_messages_are_its_own_only_while_it_runs() -> None:
    flags = [a_flag("confirmation")]

    assert judge([], [a_message()], flags=flags, legacy_sends=True)[1] == [MatchClass.LEGACY]
    assert judge([], [a_message()], flags=flags)[1] == [MatchClass.FOREIGN]


def test_a_flag_explains_one_message() -> None:
    log = [a_message("R1"), a_message("R2")]

    found = judge([], log, flags=[a_flag("confirmation")], legacy_sends=True)[1]

    assert found == [MatchClass.LEGACY, MatchClass.FOREIGN]


@pytest.mark.parametrize(
    ("kind", "at", "match_class"),
    [
        ("guide", NOON - timedelta(hours=2), MatchClass.LEGACY),
        ("guide", NOON - timedelta(hours=3), MatchClass.FOREIGN),
        ("event", NOON - timedelta(hours=15, minutes=30), MatchClass.LEGACY),
        ("event", NOON - timedelta(hours=1), MatchClass.FOREIGN),
    ],
)
def test_the_legacy_sends_guide_and_event_at_their_hours(
    kind: str, at: datetime, match_class: MatchClass
) -> None:
    found = judge([], [a_message(at=at)], flags=[a_flag(kind)], legacy_sends=True)[1]

    assert found == [match_class]


def test_only_messages_to_phones_of_the_ledger_need_their_content_looked_at() -> None:
    log = [a_message(), a_message("R2"), a_message("R3", to=OTHER)]

    lacking = match_messages([an_entry()], log, window=WINDOW).lacking_content()

    assert [message.request_id for message in lacking] == ["R2"]


@pytest.mark.parametrize(("entries", "log"), [([an_entry()], []), ([], [a_message()])])
def test_one_empty_side_is_none_of_more_than_none(
    entries: list[LedgerMessage], log: list[SmsLogEntry]
) -> None:
    assert (
        "none of more than none"
        in nothing_to_compare(match_messages(entries, log, window=WINDOW), WINDOW)[0]
    )


def test_two_empty_sides_are_nothing_to_check() -> None:
    assert nothing_to_compare(match_messages([], [], window=WINDOW), WINDOW) == []


def test_a_record_gives_its_text_messages_but_no_line_to_the_owner() -> None:
    record = read_record(
        {
            "booking_num": "1051707_1",
            "phone": "010-0000-0001",
            "booking_time": "2025-10-22 15:30:00",
            "confirm_sms": True,
            "remind_sms": True,
            "message_guide": {"state": "accepted", "request_id": "R2", "content_hash": "b"},
            "message_guide_at_20251021T1530": {"state": "accepted", "request_id": "R1"},
            "message_telegram_roster": {"state": "accepted"},
        }
    )

    assert {(e.kind, e.to) for e in entries_of(record)} == {
        ("guide", PHONE),
        ("guide_at_20251021T1530", PHONE),
    }
    assert [flag.kind for flag in flags_of(record)] == ["confirmation"]


def test_what_a_move_notes_of_the_legacy_is_no_message_of_ours() -> None:
    record = read_record(
        {
            "booking_num": "1051707_1",
            "phone": "010-0000-0001",
            "booking_time": "2025-10-23 15:30:00",
            "message_guide_at_20251022T1130": {"state": "accepted", "token": "legacy"},
        }
    )
    flags = list(flags_of(record))

    assert list(entries_of(record)) == []
    found = judge([], [a_message()], flags=flags, legacy_sends=True)[1]
    assert found == [MatchClass.LEGACY]


def test_an_accepted_entry_without_any_trace_of_a_message_is_missing() -> None:
    record = read_record(
        {
            "booking_num": "1051707_1",
            "phone": "010-0000-0001",
            "message_guide": {"state": "accepted"},
        }
    )

    assert judge(list(entries_of(record)), [])[0] == [MatchClass.MISSING]


def test_a_flag_that_the_legacy_set_over_our_owed_message_is_the_legacys() -> None:
    record = read_record(
        {
            "booking_num": "1051707_1",
            "phone": "010-0000-0001",
            "confirm_sms": True,
            "message_confirmation": {"state": "owed", "content_hash": "a"},
        }
    )

    assert [flag.kind for flag in flags_of(record)] == ["confirmation"]


phones = st.sampled_from([PHONE, OTHER])
contents = st.sampled_from(["", "a", "b"])
ids = st.sampled_from(["", "R1", "R2", "R3", "R4"])
times = st.sampled_from(
    [None, *(NOON + timedelta(hours=hours) for hours in (-30, -24, -16, -2, 0, 1))]
)
ledgers = st.lists(
    st.builds(
        an_entry,
        ids,
        state=st.sampled_from([*MessageStatus, "word-of-tomorrow"]),
        to=phones,
        content=contents,
        at=times,
    ),
    max_size=8,
)
logs = st.lists(st.tuples(ids.filter(bool), phones, times, contents), max_size=8).map(
    lambda rows: [
        a_message(rid, to=to, at=at, content=content, place=place)
        for place, (rid, to, at, content) in enumerate(rows)
    ]
)
flag_lists = st.lists(st.builds(a_flag, st.sampled_from(["confirmation", "guide", "event"])))


@given(ledgers, logs, flag_lists, st.booleans())
def test_every_entry_and_every_message_ends_in_exactly_one_class(
    entries: list[LedgerMessage], log: list[SmsLogEntry], flags: list[LegacyFlag], legacy: bool
) -> None:
    matched = match_messages(entries, log, window=WINDOW, flags=flags, legacy_sends=legacy)

    assert [j.entry for j in matched.entries] == entries
    assert [j.message for j in matched.messages] == log
    assert len(matched.entries) == len(entries)
    assert len(matched.messages) == len(log)


@given(ledgers, logs)
def test_matched_is_one_to_one_and_by_the_same_request_and_phone(
    entries: list[LedgerMessage], log: list[SmsLogEntry]
) -> None:
    matched = match_messages(entries, log, window=WINDOW)

    for match_class in (MatchClass.MATCHED, MatchClass.WRONG_RECEIVER, MatchClass.OTHER_REQUEST):
        one, other = pairs(matched.entries, match_class), pairs(matched.messages, match_class)
        assert one == other
        assert max(Counter(message for _, message in one).values(), default=1) == 1
    for _, entry, message in (j for j in matched.entries if j.match_class is MatchClass.MATCHED):
        assert entry is not None
        assert message is not None
        assert (entry.request_id, entry.to) == (message.request_id, message.to)


def pairs(judged: Sequence[Match], match_class: MatchClass) -> Counter[tuple[LedgerMessage, str]]:
    return Counter(
        (j.entry, j.message.message_id)
        for j in judged
        if j.match_class is match_class and j.entry and j.message
    )


@given(ledgers, logs)
def test_nothing_is_wrong_only_when_both_sides_say_the_same(
    entries: list[LedgerMessage], log: list[SmsLogEntry]
) -> None:
    matched = match_messages(entries, log, window=WINDOW)
    clean = not any(j.match_class in WRONG for j in (*matched.entries, *matched.messages))

    if clean:
        counted = {
            e.request_id for e in entries if e.counted_as_sent and not WINDOW.outside_reason(e.at)
        }
        doubtful = {m.message_id for m in log_of(matched, MatchClass.IN_DOUBT)}
        sent = {
            m.request_id
            for m in log
            if not WINDOW.outside_reason(m.request_time) and m.message_id not in doubtful
        }
        known = {e.request_id for e in entries if e.counted_as_sent}
        assert counted <= {m.request_id for m in log}
        assert sent <= known


def log_of(matched: MatchResult, match_class: MatchClass) -> list[SmsLogEntry]:
    return [j.message for j in matched.messages if j.match_class is match_class and j.message]


@given(ledgers, logs)
def test_an_extra_copy_of_a_counted_message_never_passes(
    entries: list[LedgerMessage], log: list[SmsLogEntry]
) -> None:
    of = [e for e in entries if e.counted_as_sent and e.message.content_hash]
    if not of:
        return
    copy = a_message("R-copy", to=of[0].to, content=of[0].message.content_hash)
    # Its own message is there, and nothing in doubt waits for this very content.
    original = a_message("R-own", to=of[0].to)
    own = an_entry("R-own", to=of[0].to, content=of[0].message.content_hash)
    others = [e for e in entries if e.message.content_hash != own.message.content_hash]

    matched = match_messages([own, *others], [*log, original, copy], window=WINDOW)

    assert matched.messages[-1].match_class is MatchClass.DUPLICATE
