"""What stands in a claim's way, and what each move of a message leaves in its item."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from naverplace.base.clock import SEOUL
from naverplace.domain.effects import MarkExpired, MoveRecord, RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, Record
from naverplace.ledger.message_ledger import (
    Claim,
    ClaimRefused,
    MessageLedger,
    interpret_claim,
    next_try,
)
from tests.values_outside import Meddling

NOON = datetime(2025, 10, 22, 12, 0, tzinfo=SEOUL)
MINUTE = timedelta(minutes=1)
KEY = RecordKey("1051707_1", "010-0000-0001")
EARLY, THEN, LATE = "2025-10-22T02:59", "2025-10-22T03:00", "2025-10-22T03:01"
ITEM = {**KEY._asdict(), "name": "김하나", "booking_time": "2025-10-22 15:30:00"}
Interpreted = Claim | ClaimRefused | LedgerEntry


def an_entry(state: str, **parts: Any) -> LedgerEntry:
    return LedgerEntry(state, **{"token": "theirs", "content_hash": "h", **parts})


def a_claim(flag: str | None = "remind_sms", reserved_by: str = "", **parts: Any) -> Claim:
    entry = an_entry("claimed", **{"token": "mine", "claimed_at": NOON, **parts})
    return Claim(KEY, "guide", entry, flag, reserved_by)


def met(claim: Claim, found: LedgerEntry | None, **attributes: Any) -> Interpreted:
    entry = {"message_guide": found.as_map()} if found else {}
    return interpret_claim(claim, {**ITEM, **entry, **attributes})


def test_a_claim_that_met_nothing_is_written_and_one_without_a_record_is_refused() -> None:
    claim = a_claim()

    assert interpret_claim(claim, None) is claim
    assert interpret_claim(claim, {}) == ClaimRefused("no_record")


@pytest.mark.parametrize("token", ["aaaa", "mine", "zzzz"])
@pytest.mark.parametrize("state", list(MessageStatus))
def test_only_our_own_claim_is_ours(token: str, state: MessageStatus) -> None:
    claim, found = a_claim(), an_entry(state, token=token)

    interpreted = met(claim, found)

    if (token, state) == ("mine", "claimed"):
        assert interpreted is claim
    elif state in ("owed", "refused"):
        assert interpreted == found
    else:
        assert interpreted == ClaimRefused(state, found)


@pytest.mark.parametrize(("flag", "free"), [(False, True), (1, True), ("", True), (True, False)])
def test_a_flag_is_in_the_way_when_it_is_true_and_not_when_it_is_reserved(
    flag: object, free: bool
) -> None:
    owed = an_entry("owed")

    assert met(a_claim(), owed, remind_sms=flag) == (
        owed if free else ClaimRefused("flag_set", owed)
    )
    assert met(a_claim(flag=None), owed, remind_sms=flag) == owed


@pytest.mark.parametrize(
    ("flag", "since", "why"),
    [
        (1, EARLY, ""),
        (1, THEN, ""),
        (1, LATE, "reserved"),
        (1, "", "unreserved"),
        (False, EARLY, "unreserved"),
    ],
)
@pytest.mark.parametrize("state", ["owed", "refused"])
def test_beside_the_legacy_a_flag_must_be_reserved_by_then(
    flag: object, since: str, why: str, state: str
) -> None:
    claim, found = a_claim(reserved_by="".join(THEN)), an_entry(state)
    attributes = {"remind_sms": flag, "naverplace_reserved_remind_sms": since}

    assert met(claim, found, **attributes) == (ClaimRefused(why, found) if why else found)
    if why:
        assert met(claim, None, **attributes) == ClaimRefused(why)
    unbound = a_claim(flag=None, reserved_by=THEN)
    assert met(unbound, found, **attributes) == found
    assert met(a_claim(), found, **attributes) == found


def test_beside_the_legacy_what_is_sent_already_is_named_as_that() -> None:
    accepted = an_entry("accepted")

    assert met(a_claim(reserved_by=THEN), accepted) == ClaimRefused("accepted", accepted)


@pytest.mark.parametrize("content", ["g", "h", "i"])
@pytest.mark.parametrize(("refusals", "given_up"), [(0, False), (4, False), (5, True), (6, True)])
def test_a_content_is_given_up_after_five_refusals_until_it_changes(
    content: str, refusals: int, given_up: bool
) -> None:
    refused = an_entry("refused", refusals=refusals, content_hash=content)

    interpreted = met(a_claim(), refused)

    if given_up and content == "h":
        assert interpreted == ClaimRefused("given_up", refused)
    else:
        assert interpreted == refused


@pytest.mark.parametrize(
    ("claimed", "content", "tried"),
    [
        (NOON + 9 * MINUTE - timedelta.resolution, "h", False),
        (NOON, "h", False),
        (NOON + 9 * MINUTE, "h", True),
        (NOON + 10 * MINUTE, "h", True),
        (None, "h", True),
        (NOON, "g", True),
        (NOON, "i", True),
    ],
)
def test_a_refused_content_is_tried_again_after_its_back_off_and_a_changed_one_at_once(
    claimed: datetime | None, content: str, tried: bool
) -> None:
    refused = an_entry("refused", refusals=1, settled_at=NOON, content_hash=content)

    interpreted = met(a_claim(claimed_at=claimed), refused)

    assert interpreted == (refused if tried else ClaimRefused("backing_off", refused))


@pytest.mark.parametrize(
    ("refusals", "minutes"), [(1, 9), (2, 18), (3, 36), (4, 72), (5, 144), (6, 144), (99, 144)]
)
def test_the_back_off_doubles_from_nine_minutes_and_no_further_than_five_times(
    refusals: int, minutes: int
) -> None:
    refused = an_entry("refused", refusals=refusals, settled_at=NOON)

    assert next_try(refused) == NOON + minutes * MINUTE


@pytest.mark.parametrize(
    "parts",
    [
        {"state": "owed"},
        {"state": "teleported"},
        {"refusals": 0},
        {"refusals": -1},
        {"settled_at": None},
        {"refusals": 0, "settled_at": None},
    ],
)
def test_what_was_not_refused_is_tried_at_once(parts: dict[str, Any]) -> None:
    refused = {"state": "refused", "refusals": 2, "settled_at": NOON}

    assert next_try(an_entry(**{**refused, **parts})) is None


def test_a_claim_shows_no_phone_when_it_is_printed() -> None:
    assert KEY.phone not in repr(a_claim())


def a_ledger(**attributes: Any) -> tuple[MessageLedger, Meddling]:
    client = Meddling()
    client.tables["sms"][tuple(KEY)] = {**ITEM, **attributes}
    table: Any = client
    return MessageLedger(table, wait=0), client


def record_of(ledger: MessageLedger) -> Record:
    return ledger.records.read([KEY])[KEY]


def claimed(ledger: MessageLedger, content: str = "h", reserved_by: str = "") -> Claim:
    entry = LedgerEntry("claimed", content_hash=content, claimed_at=NOON + timedelta(hours=9))
    claim = ledger.claim(KEY, "guide", entry, flag="remind_sms", reserved_by=reserved_by)
    assert isinstance(claim, Claim)
    return claim


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"remind_sms": 1, "naverplace_reserved_remind_sms": THEN}, ""),
        ({"remind_sms": 1, "naverplace_reserved_remind_sms": LATE}, "reserved"),
        ({"remind_sms": False}, "unreserved"),
        ({}, "unreserved"),
        ({"remind_sms": True}, "flag_set"),
    ],
)
def test_beside_the_legacy_a_first_claim_needs_its_reservation_as_well(
    attributes: dict[str, Any], why: str
) -> None:
    ledger, _ = a_ledger(**attributes)

    claim = ledger.claim(KEY, "guide", LedgerEntry("claimed"), flag="remind_sms", reserved_by=THEN)

    assert claim == ClaimRefused(why) if why else isinstance(claim, Claim)
    assert bool(record_of(ledger).messages) is not bool(why)


@pytest.mark.parametrize(("content", "refusals"), [("g", 0), ("h", 2), ("i", 0)])
def test_a_new_claim_counts_on_and_a_changed_content_is_refused_anew(
    content: str, refusals: int
) -> None:
    before = an_entry("refused", attempt=3, refusals=2, content_hash=content).as_map()
    ledger, _ = a_ledger(message_guide=before)

    claim = claimed(ledger, "".join("h"))

    assert (claim.message.attempt, claim.message.refusals) == (4, refusals)
    assert record_of(ledger).messages["guide"] == claim.message


@pytest.mark.parametrize(
    ("refused", "state", "refusals"), [(False, "owed", 2), (True, "refused", 3)]
)
def test_a_refusal_is_counted_and_an_outage_is_not(
    refused: bool, state: str, refusals: int
) -> None:
    before = an_entry("refused", refusals=2).as_map()
    ledger, _ = a_ledger(message_guide=before, remind_sms=False)

    assert ledger.release_claim(claimed(ledger), "why", now=NOON, refused=refused)

    entry = record_of(ledger).messages["guide"]
    assert (entry.state, entry.refusals, entry.reason) == (state, refusals, "why")
    assert not record_of(ledger).remind_sms


def test_who_says_nothing_of_a_refusal_has_none() -> None:
    ledger, _ = a_ledger()
    claim = claimed(ledger)

    ledger.release_claim(claim, "no answer", now=NOON)

    assert record_of(ledger).messages["guide"].state == "owed"


@pytest.mark.parametrize("repeats", [False, True])
def test_each_end_is_written_once_though_its_first_answer_was_lost(repeats: bool) -> None:
    for state in ("accepted", "owed", "in_doubt"):
        ledger, client = a_ledger(remind_sms=1, naverplace_reserved_remind_sms=EARLY)
        claim = claimed(ledger, reserved_by=THEN)
        client.repeats = repeats
        writes = ledger.records.writes
        done = {
            "accepted": lambda c=claim, t=ledger: t.accept(c, request_id="r", now=NOON),
            "owed": lambda c=claim, t=ledger: t.release_claim(c, "", now=NOON),
            "in_doubt": lambda c=claim, t=ledger: t.mark_in_doubt(c, "", now=NOON),
        }[state]()

        record = record_of(ledger)
        assert done
        assert ledger.records.writes == writes + 1
        assert record.messages["guide"].state == state
        assert record.remind_sms is (state == "accepted")
        assert bool(record.reserved) is (state != "accepted")


def test_no_end_is_written_to_what_somebody_else_has_claimed_since() -> None:
    ledger, _ = a_ledger()
    claim = claimed(ledger)
    ledger.release_claim(claim, "", now=NOON)
    other = claimed(ledger)
    writes = ledger.records.writes

    assert not ledger.accept(claim, request_id="r", now=NOON)
    assert not ledger.release_claim(claim, "", now=NOON)
    assert not ledger.mark_in_doubt(claim, "", now=NOON)
    assert record_of(ledger).messages["guide"] == other.message
    assert ledger.records.writes == writes


def expired(seen: tuple[str, str] | None = None, flag: str | None = "remind_sms") -> MarkExpired:
    return MarkExpired(KEY, "r", "guide", KEY.store_id, NOON, NOON, "late", flag=flag, seen=seen)


@pytest.mark.parametrize("repeats", [False, True])
def test_what_expires_is_noted_once_though_its_first_answer_was_lost(repeats: bool) -> None:
    ledger, client = a_ledger(message_guide=an_entry("owed").as_map())
    client.repeats = repeats

    assert ledger.expire(expired(("theirs", "owed")), execution_id="run", now=NOON)

    entry = record_of(ledger).messages["guide"]
    assert (entry.state, entry.execution_id, entry.reason) == ("expired", "run", "late")
    assert ledger.records.writes == 1


@pytest.mark.parametrize(
    "attributes",
    [
        {"message_guide": an_entry("owed", token="other").as_map()},
        {"message_guide": an_entry("claimed").as_map()},
        {"message_guide": an_entry("expired", token="another").as_map()},
        {"message_guide": an_entry("owed").as_map(), "remind_sms": True},
        {},
    ],
)
def test_what_is_not_as_the_decision_saw_it_does_not_expire(attributes: dict[str, Any]) -> None:
    ledger, _ = a_ledger(**attributes)

    assert not ledger.expire(expired(("theirs", "owed")), execution_id="run", now=NOON)
    assert ledger.records.writes == 0


NEW_TIME = "2025-10-23 15:30:00"


def a_move(sets: dict[str, Any] | None = None, **parts: Any) -> MoveRecord:
    values = {"booking_time": NEW_TIME, **(sets or {})}
    return MoveRecord(KEY, str(ITEM["booking_time"]), sets=values, **parts)


@pytest.mark.parametrize("repeats", [False, True])
@pytest.mark.parametrize("flag", [True, False, None])
def test_a_record_that_is_as_it_was_seen_is_moved_once(flag: bool | None, repeats: bool) -> None:
    ledger, client = a_ledger(**({} if flag is None else {"remind_sms": flag}))
    client.repeats = repeats

    assert ledger.move(a_move({"remind_sms": False}, flags={"remind_sms": bool(flag)}))

    assert record_of(ledger).booking_time == NEW_TIME
    assert record_of(ledger).item["remind_sms"] is False
    assert ledger.records.writes == 1


@pytest.mark.parametrize(
    ("attributes", "is_set"),
    [
        ({"remind_sms": True}, False),
        ({"remind_sms": False}, True),
        ({}, True),
        ({"remind_sms": True, "booking_time": "2025-10-21 00:00:00"}, True),
        ({"remind_sms": True, "booking_time": "2025-10-24 00:00:00"}, True),
        ({"remind_sms": True, "booking_time": ""}, True),
    ],
)
def test_a_record_that_is_not_as_it_was_seen_stays(
    attributes: dict[str, Any], is_set: bool
) -> None:
    ledger, _ = a_ledger(**attributes)
    before = record_of(ledger)

    assert not ledger.move(a_move(flags={"remind_sms": is_set}))
    assert record_of(ledger).item == before.item
    assert ledger.records.writes == 0


SENT = an_entry("accepted").as_map()
OWED = {"state": "owed", "token": ""}
SEEN = {"message_guide": ("theirs", "accepted")}


@pytest.mark.parametrize(
    ("seen", "sets"),
    [
        (SEEN, {"message_guide_at_20251022": SENT, "message_guide": OWED}),
        ({"message_guide": ("theirs", "expired")}, {"message_guide": OWED}),
        ({}, {"message_guide": OWED}),
        ({"message_guide": None}, {"message_guide": OWED}),
        ({}, {"message_guide_at_20251022": {"state": "delivered", "token": "legacy"}}),
        (SEEN, {"message_event": SENT}),
    ],
)
def test_a_move_gives_an_entry_another_name_or_an_allowed_state(
    seen: dict[str, Any], sets: dict[str, Any]
) -> None:
    entries = {
        name: an_entry(entry[1], token=entry[0]).as_map() for name, entry in seen.items() if entry
    }
    ledger, _ = a_ledger(**entries)

    assert ledger.move(a_move(sets, seen=seen))


@pytest.mark.parametrize(
    ("seen", "sets"),
    [
        (SEEN, {"message_guide": OWED}),
        ({"message_guide": ("theirs", "claimed")}, {"message_guide": {"state": "expired"}}),
        ({}, {"message_guide": {"state": "delivered", "token": "new"}}),
        ({"message_guide": None}, {"message_guide": {"state": "refused", "token": "new"}}),
    ],
)
def test_a_move_to_a_state_that_is_not_allowed_is_a_defect_of_ours(
    seen: dict[str, Any], sets: dict[str, Any]
) -> None:
    ledger, _ = a_ledger()

    with pytest.raises(AssertionError, match="the ledger allows no way"):
        ledger.move(a_move(sets, seen=seen))
    assert record_of(ledger).booking_time == ITEM["booking_time"]
