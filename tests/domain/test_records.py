"""What an item of table `sms` says, whoever wrote it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from naverplace.aws.dynamodb import from_wire, to_wire
from naverplace.base.clock import SEOUL
from naverplace.base.errors import BadResponse
from naverplace.domain.effects import RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, Record, attribute, notice_kind, read_record
from naverplace.ledger.message_ledger import (
    MAX_REFUSALS,
    Claim,
    ClaimRefused,
    interpret_claim,
)

KEY = RecordKey("1051707_900000001", "010-0000-0001")
LEGACY_ITEM: dict[str, Any] = {
    "booking_num": KEY.booking_num,
    "phone": KEY.phone,
    "name": "김하나",
    "booking_time": "2025-10-22 15:30:00",
    "confirm_sms": True,
    "remind_sms": False,
    "option_sms": False,
    "option_time": "",
}
NOON = datetime(2025, 10, 22, 12, 0, tzinfo=SEOUL)

times = st.none() | st.datetimes(
    min_value=datetime(2020, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2040, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, SEOUL]),
)
words = st.text(max_size=20)
message_states = st.builds(
    LedgerEntry,
    state=st.sampled_from(list(MessageStatus)) | words,
    attempt=st.integers(0, 1000),
    refusals=st.integers(0, 1000),
    token=words,
    execution_id=words,
    content_hash=words,
    claimed_at=times,
    settled_at=times,
    due=times,
    expires=times,
    request_id=words,
    message_id=words,
    provider_status=words,
    reason=words,
)


def test_an_item_of_the_legacy_is_read_with_its_flags_and_no_messages() -> None:
    record = read_record(LEGACY_ITEM)

    assert record == Record(
        key=KEY,
        name="김하나",
        booking_time="2025-10-22 15:30:00",
        confirm_sms=True,
    )
    assert record.item == LEGACY_ITEM


def test_an_item_without_name_and_flags_is_read_all_the_same() -> None:
    record = read_record({"booking_num": "1_2", "phone": "010-0000-0002"})

    assert (record.name, record.booking_time) == ("", "")
    assert not any((record.confirm_sms, record.remind_sms, record.option_sms))


def test_a_flag_counts_as_set_only_when_it_is_true_itself() -> None:
    record = read_record({**LEGACY_ITEM, "remind_sms": "False", "option_sms": Decimal(1)})

    assert not record.remind_sms
    assert not record.option_sms


def test_a_ledger_of_a_newer_version_keeps_its_word_and_may_not_be_claimed() -> None:
    record = read_record(
        {**LEGACY_ITEM, attribute("guide"): {"state": "teleported", "due": "soon"}}
    )

    assert record.messages["guide"] == LedgerEntry("teleported")
    assert not record.messages["guide"].may_be_claimed


def test_a_notice_on_two_channels_has_two_ledgers() -> None:
    assert notice_kind("telegram", "roster") != notice_kind("slack", "roster")


def test_a_record_does_not_show_who_the_customer_is() -> None:
    shown = repr(read_record(LEGACY_ITEM))

    assert KEY.phone not in shown
    assert "김하나" not in shown


@given(message=message_states)
def test_a_ledger_survives_the_way_through_dynamodb(message: LedgerEntry) -> None:
    item = {**LEGACY_ITEM, attribute("guide"): message.as_map()}

    assert read_record(from_wire(to_wire(item))).messages["guide"] == message


def a_claim() -> Claim:
    message = LedgerEntry(MessageStatus.CLAIMED, token="mine", content_hash="h", claimed_at=NOON)
    return Claim(KEY, "guide", message, flag="remind_sms")


def item_with(message: LedgerEntry | str, **flags: Any) -> dict[str, Any]:
    value = message.as_map() if isinstance(message, LedgerEntry) else message
    return {**LEGACY_ITEM, attribute("guide"): value, **flags}


@given(message=message_states, flag=st.booleans())
def test_no_message_that_may_be_with_the_provider_is_ever_free(
    message: LedgerEntry, flag: bool
) -> None:
    met = interpret_claim(a_claim(), item_with(message, remind_sms=flag))

    if isinstance(met, LedgerEntry):
        assert message.state in (MessageStatus.OWED, MessageStatus.REFUSED)
        assert not flag
    if isinstance(met, Claim):
        assert (message.token, message.state) == ("mine", MessageStatus.CLAIMED)


def test_our_own_claim_is_recognised_when_its_answer_was_lost() -> None:
    claim = a_claim()

    assert interpret_claim(claim, item_with(claim.message)) is claim


def test_our_own_claim_that_somebody_has_settled_is_not_ours_any_more() -> None:
    settled = LedgerEntry(MessageStatus.ACCEPTED, token="mine")

    assert interpret_claim(a_claim(), item_with(settled)) == ClaimRefused("accepted", settled)


def test_a_refused_content_is_given_up_in_the_end_and_a_changed_one_is_not() -> None:
    refused = LedgerEntry(MessageStatus.REFUSED, refusals=MAX_REFUSALS, content_hash="h")
    mended = LedgerEntry(MessageStatus.REFUSED, refusals=MAX_REFUSALS, content_hash="other")

    assert interpret_claim(a_claim(), item_with(refused)) == ClaimRefused("given_up", refused)
    assert interpret_claim(a_claim(), item_with(mended)) == mended


def test_the_legacys_flag_stands_in_the_way() -> None:
    assert interpret_claim(a_claim(), {**LEGACY_ITEM, "remind_sms": True}) == ClaimRefused(
        "flag_set"
    )


def test_a_ledger_that_is_no_map_is_an_error_and_not_a_free_message() -> None:
    with pytest.raises(BadResponse, match="message_guide") as error:
        interpret_claim(a_claim(), item_with("accepted"))

    assert KEY.phone not in str(error.value)


def test_times_are_stored_in_utc_and_read_in_seoul() -> None:
    stored = LedgerEntry(MessageStatus.CLAIMED, due=NOON).as_map()["due"]

    assert stored == "2025-10-22T03:00:00+00:00"
    read = LedgerEntry.from_map({"state": "claimed", "due": stored}).due
    assert read is not None
    assert read.utcoffset() == timedelta(hours=9)
