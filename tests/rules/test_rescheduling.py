"""A moved booking's record: what is set, put away, taken out again, and what makes it wait."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from naverplace.domain.booking import Booking, BookingStatus
from naverplace.domain.effects import CreateRecord, MoveRecord, SendSms
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import BY_LEGACY, LedgerEntry, Record
from naverplace.rules.rescheduling import Reschedule, archived_kind, plan_reschedule
from tests.rescheduling_builders import Shop
from tests.rule_builders import (
    a_booking,
    a_record,
    a_rule,
    a_rulebook,
    at,
    decided,
    kinds,
    recorded,
    shipped,
)

THREE, SIX = at("2025-10-22 15:00"), at("2025-10-22 18:00")
NOON, IN_WINDOW = at("2025-10-22 12:00"), at("2025-10-22 14:30")
OF_SIX = "message_guide_at_20251022T1800"
OF_THREE = "message_guide_at_20251022T1500"


def moved(start: datetime = SIX, **changes: Any) -> Booking:
    return a_booking(start=start, **changes)


def a_guide(
    start: datetime | None = THREE, state: str = MessageStatus.ACCEPTED, **more: Any
) -> LedgerEntry:
    return LedgerEntry(state, token="t1", for_start=start, **more)


def of_three(guide: LedgerEntry | None = None, *, sent: bool = True, **changes: Any) -> Record:
    """The record of a booking for three o'clock."""
    messages = {"guide": guide} if guide else {}
    values = {"booking_time": "2025-10-22 15:00:00", "confirm_sms": True, "remind_sms": sent}
    return a_record(a_booking(), **{**values, "messages": messages, **changes})


def found(record: Record, booking: Booking, now: datetime = NOON) -> Reschedule:
    move = plan_reschedule(record, booking, now=now)
    assert move is not None
    return move


def test_a_booking_at_its_time_has_not_moved() -> None:
    assert plan_reschedule(of_three(a_guide()), a_booking(start=THREE), now=NOON) is None


@pytest.mark.parametrize("text", ["", "2025-10-22", "22.10.2025 15:00", "2025-13-01 00:00:00"])
def test_a_record_whose_time_cannot_be_read_has_not_moved(text: str) -> None:
    record = of_three(a_guide(), booking_time=text)

    assert plan_reschedule(record, moved(), now=NOON) is None


def test_seconds_are_no_move() -> None:
    record = of_three(a_guide(), booking_time="2025-10-22 15:00:59")

    assert plan_reschedule(record, a_booking(start=THREE), now=NOON) is None


def test_a_sent_guide_is_put_away_and_owed_again() -> None:
    record = of_three(a_guide(request_id="r1"))

    move = found(record, moved())

    assert move.effect == MoveRecord(
        record.key,
        old_time="2025-10-22 15:00:00",
        sets={
            "booking_time": "2025-10-22 18:00:00",
            "remind_sms": False,
            OF_THREE: a_guide(request_id="r1").as_map(),
        },
        removes=("message_guide",),
        seen={"message_guide": ("t1", "accepted"), OF_THREE: None},
        flags={"remind_sms": True},
    )
    assert move.record.booking_time == "2025-10-22 18:00:00"
    assert (move.record.confirm_sms, move.record.remind_sms) == (True, False)
    assert list(move.record.messages) == [archived_kind("guide", THREE)]


def test_back_at_the_first_time_its_guide_counts_again() -> None:
    there = found(of_three(a_guide()), moved()).record

    back = found(there, moved(THREE))

    assert back.effect.sets == {
        "booking_time": "2025-10-22 15:00:00",
        "remind_sms": True,
        "message_guide": a_guide().as_map(),
    }
    assert back.effect.removes == (OF_THREE,)
    assert back.effect.seen == {"message_guide": None, OF_THREE: ("t1", "accepted")}
    assert back.record == of_three(a_guide())


def test_each_times_guide_is_kept() -> None:
    there = found(of_three(a_guide()), moved()).record
    again = a_record(
        a_booking(),
        booking_time="2025-10-22 18:00:00",
        remind_sms=True,
        messages={**there.messages, "guide": a_guide(SIX)},
    )

    back = found(again, moved(THREE))

    assert back.effect.removes == (OF_THREE,)
    assert back.effect.sets[OF_SIX] == a_guide(SIX).as_map()
    assert back.effect.sets["message_guide"] == a_guide(THREE).as_map()
    assert back.effect.sets["remind_sms"] is True


def test_a_guide_that_was_refused_starts_anew_and_comes_back_as_it_was() -> None:
    refused = a_guide(state=MessageStatus.REFUSED, refusals=2)

    there = found(of_three(refused, sent=False), moved()).record
    back = found(there, moved(THREE))

    assert "guide" not in there.messages
    assert back.effect.sets["message_guide"] == refused.as_map()
    assert back.effect.sets["remind_sms"] is False


def test_a_record_without_guide_just_gets_its_new_time() -> None:
    move = found(of_three(sent=False), moved())

    assert move.effect.sets == {"booking_time": "2025-10-22 18:00:00"}
    assert (move.effect.removes, move.effect.seen, move.effect.flags) == ((), {}, {})


@pytest.mark.parametrize("state", [MessageStatus.CLAIMED, MessageStatus.IN_DOUBT])
def test_while_the_old_guide_is_unsettled_the_move_waits(state: MessageStatus) -> None:
    record = of_three(a_guide(state=state), sent=False)

    move = found(record, moved())

    assert move.record == record
    assert state.value in move.effect.waits
    assert (move.effect.sets, move.effect.removes) == ({}, ())


def test_a_waiting_move_is_told_and_nothing_of_it_is_owed() -> None:
    booking = moved()
    record = of_three(a_guide(state=MessageStatus.IN_DOUBT), sent=False)

    decisions = decided(shipped(), [booking], {booking.key: record}, now=NOON)

    [effect] = decisions.effects
    assert isinstance(effect, MoveRecord)
    assert "in_doubt" in effect.waits


def test_an_unsettled_guide_for_the_new_time_does_not_make_the_move_wait() -> None:
    move = found(of_three(a_guide(SIX, MessageStatus.IN_DOUBT), sent=False), moved())

    assert move.effect.waits == ""
    assert move.record.messages["guide"] == a_guide(SIX, MessageStatus.IN_DOUBT)


def test_a_guide_sent_for_the_new_time_before_the_record_moved_stays() -> None:
    move = found(of_three(a_guide(SIX)), moved())

    assert move.effect.sets == {"booking_time": "2025-10-22 18:00:00"}
    assert move.record.remind_sms is True


def test_a_guide_for_another_time_than_the_records_own_is_put_away() -> None:
    move = found(of_three(a_guide(SIX)), moved(THREE))

    assert move.effect.old_time == move.effect.sets["booking_time"]
    assert move.effect.sets[OF_SIX] == a_guide(SIX).as_map()
    assert move.record.remind_sms is False
    assert plan_reschedule(move.record, moved(THREE), now=NOON) is None


def test_a_guide_of_the_legacy_stays_while_only_another_message_is_for_an_old_time() -> None:
    note = LedgerEntry(MessageStatus.ACCEPTED, token="n", for_start=SIX)

    move = found(of_three(messages={"note": note}), moved(THREE))

    assert move.record.remind_sms is True
    assert move.effect.flags == {}
    assert move.record.messages["note"].state == MessageStatus.OWED
    assert move.record.messages[archived_kind("note", SIX)] == note


def test_the_legacys_guide_for_the_old_time_is_put_away_too() -> None:
    move = found(of_three(), moved())

    put_away = move.record.messages[archived_kind("guide", THREE)]
    assert (put_away.state, put_away.reason) == (MessageStatus.ACCEPTED, "sent by the legacy")
    assert move.effect.seen == {"message_guide": None, OF_THREE: None}
    assert move.record.remind_sms is False
    assert found(move.record, moved(THREE)).record.remind_sms is True


def test_a_guide_of_the_legacy_that_may_be_for_the_new_time_is_not_sent_again() -> None:
    booking = moved(THREE + timedelta(minutes=30))

    move = found(of_three(), booking, IN_WINDOW)

    assert move.effect.sets == {"booking_time": "2025-10-22 15:30:00"}
    assert move.effect.seen == {"message_guide": None}
    assert move.record.remind_sms is True
    decisions = decided(shipped(), [booking], {booking.key: of_three()}, now=IN_WINDOW)
    assert kinds(decisions) == []


def test_a_guide_of_the_legacy_leaves_no_refused_one_of_ours_behind() -> None:
    record = of_three(a_guide(state=MessageStatus.REFUSED))
    booking = moved(THREE + timedelta(minutes=30))

    move = found(record, booking, IN_WINDOW)

    assert move.effect.removes == ("message_guide",)
    assert move.record.remind_sms is True
    assert plan_reschedule(move.record, booking, now=IN_WINDOW) is None


def test_an_accepted_guide_without_start_is_told_by_its_time() -> None:
    early = a_guide(None, claimed_at=at("2025-10-22 13:20"))
    late = a_guide(None, claimed_at=at("2025-10-22 16:20"))

    assert found(of_three(early), moved(), at("2025-10-22 17:00")).record.remind_sms is False
    kept = found(of_three(late), moved(), at("2025-10-22 17:00")).record
    assert (kept.remind_sms, kept.messages) == (True, {"guide": late})


@pytest.mark.parametrize(("sent", "stays"), [("16:00:00", True), ("15:59:59", False)])
def test_a_guide_without_start_may_be_for_the_new_time_from_two_hours_before_to_the_moment(
    sent: str, stays: bool
) -> None:
    guide = a_guide(None, claimed_at=at(f"2025-10-22 {sent}"))

    assert found(of_three(guide), moved(), at("2025-10-22 17:00")).record.remind_sms is stays


def test_the_legacy_may_run_between_and_sends_for_the_new_time_only() -> None:
    """Hand-back: L12 reads the flag, and Naver's own start."""
    shop = Shop(shipped())
    shop.run(moved(THREE), now=NOON)
    shop.run(moved(THREE), now=at("2025-10-22 13:20"))
    shop.run(moved(), now=at("2025-10-22 13:40"))
    item = shop.items[moved().key]
    assert (item["booking_time"], item["remind_sms"]) == ("2025-10-22 18:00:00", False)
    assert "message_guide" not in item

    shop.legacy_sends(moved(), "remind_sms")

    assert shop.run(moved(), now=at("2025-10-22 16:20")) == []
    assert shop.run(moved(THREE + timedelta(days=1)), now=at("2025-10-22 15:50")) == []
    assert shop.run(moved(), now=at("2025-10-22 16:40")) == []


def test_a_confirmation_that_expired_is_owed_again_when_there_is_time_again() -> None:
    expired = LedgerEntry(MessageStatus.EXPIRED, token="e")
    record = of_three(sent=False, confirm_sms=False, messages={"confirmation": expired})
    ahead, past = moved(), moved(at("2025-10-22 11:00"))

    assert found(record, past).record.messages["confirmation"].state == MessageStatus.EXPIRED
    move = found(record, ahead)

    assert move.record.messages["confirmation"].state == MessageStatus.OWED
    assert move.effect.seen == {"message_confirmation": ("e", "expired")}
    assert kinds(decided(shipped(), [ahead], {ahead.key: record}, now=NOON)) == ["confirmation"]


def test_a_completed_bookings_record_gets_its_time_too() -> None:
    booking = moved(at("2025-10-22 11:00"), status=BookingStatus.COMPLETED)

    assert found(of_three(a_guide()), booking).effect.sets["booking_time"] == "2025-10-22 11:00:00"


def test_a_bound_message_of_any_kind_is_owed_again(tmp_path: Path) -> None:
    rules = a_rule(
        "{any: [booking_not_in_db, {message_owed: note}]}, {time_before_booking: 24}",
        "create_db_record, send_sms: note",
    )
    book = a_rulebook(tmp_path, rules)
    shop = Shop(book)
    note = [("01000000001", "note")]

    assert shop.run(moved(THREE), now=NOON) == note
    assert shop.run(moved(), now=NOON) == note
    assert shop.run(moved(), now=NOON) == []
    assert shop.run(moved(THREE), now=NOON) == []
    assert shop.run(moved(), now=NOON) == []


def test_a_message_of_the_booking_itself_is_not_owed_again(tmp_path: Path) -> None:
    shop = Shop(a_rulebook(tmp_path, a_rule("starts_in_future", "send_sms: note")))

    assert len(shop.run(moved(THREE), now=NOON)) == 1
    assert shop.run(moved(), now=NOON) == []


def test_the_move_comes_before_what_it_makes_owed() -> None:
    booking = moved(THREE + timedelta(minutes=30))
    record = of_three(a_guide())

    effects = decided(shipped(), [booking], {booking.key: record}, now=IN_WINDOW).effects

    assert [type(effect) for effect in effects] == [MoveRecord, SendSms]
    assert isinstance(effects[1], SendSms)
    assert effects[1].for_start == booking.start


def test_an_unknown_booking_is_created_and_not_moved() -> None:
    effects = decided(shipped(), [moved()], {}, now=NOON).effects

    assert [type(effect) for effect in effects] == [CreateRecord, SendSms]


def test_the_moved_record_is_what_an_unmoved_one_would_be() -> None:
    booking = moved()
    other = recorded(booking, booking_time="2025-10-22 18:00:00", confirm_sms=True)

    decisions = decided(shipped(), [booking], {booking.key: of_three(a_guide())}, now=NOON)

    assert decisions.verdicts == decided(shipped(), [booking], other, now=NOON).verdicts


def test_a_guide_of_the_legacys_that_was_put_away_may_be_for_any_start_open_by_then() -> None:
    """The legacy notes no start, so it may be for one that this record never knew."""
    away = found(of_three(sent=True), moved(SIX), at("2025-10-22 12:50")).record
    assert away.remind_sms is False

    maybe = found(away, moved(at("2025-10-22 14:30")), at("2025-10-22 13:00"))
    surely_not = found(away, moved(at("2025-10-22 15:30")), at("2025-10-22 13:00"))

    assert (maybe.record.remind_sms, surely_not.record.remind_sms) == (True, False)
    assert maybe.effect.removes == (OF_THREE,)
    assert OF_THREE not in maybe.effect.sets


def test_what_is_put_away_and_taken_out_again_in_one_move_is_written_once() -> None:
    taken_out = a_guide(settled_at=at("2025-10-22 13:50"))
    legacys = of_three(LedgerEntry(**{**vars(taken_out), "token": "legacy"}))

    move = found(legacys, moved(at("2025-10-22 14:30")), at("2025-10-22 14:00"))

    assert move.record.remind_sms is True
    assert not set(move.effect.sets) & set(move.effect.removes)


def put_away(kind: str, start: datetime, **entry: Any) -> dict[str, LedgerEntry]:
    values = {"state": MessageStatus.ACCEPTED, "token": "t1", "for_start": start, **entry}
    return {archived_kind(kind, start): LedgerEntry(**values)}


@pytest.mark.parametrize("hour", ["10:00", "12:00", "19:30", "21:00"])
def test_a_booking_without_messages_gets_its_new_time_whether_earlier_or_later(hour: str) -> None:
    start = at(f"2025-10-22 {hour}")

    move = found(of_three(sent=False), moved(start))

    assert move.effect.sets == {"booking_time": f"2025-10-22 {hour}:00"}


@pytest.mark.parametrize("other", [at("2025-10-22 12:00"), at("2025-10-22 21:00")])
def test_what_was_put_away_of_a_third_time_plays_no_part(other: datetime) -> None:
    away = put_away("guide", other)

    move = found(of_three(sent=False, messages=away), moved())

    assert move.effect.sets == {"booking_time": "2025-10-22 18:00:00"}
    assert (move.effect.removes, move.effect.seen, move.effect.flags) == ((), {}, {})
    assert move.record.messages == away


@pytest.mark.parametrize(
    "state", [s for s in MessageStatus if s not in (MessageStatus.EXPIRED, MessageStatus.CLAIMED)]
)
def test_of_messages_for_no_start_only_what_expired_is_owed_again(state: MessageStatus) -> None:
    messages = {"confirmation": LedgerEntry(state, token="c")}

    assert found(of_three(sent=False, messages=messages), moved()).record.messages == messages


def test_what_the_table_calls_expired_is_owed_again_too() -> None:
    read = LedgerEntry.from_map({"state": "expired", "token": "e"})
    record = of_three(sent=False, messages={"confirmation": read})

    assert found(record, moved()).record.messages["confirmation"].state == MessageStatus.OWED


@pytest.mark.parametrize(("now", "again"), [("17:59:59", True), ("18:00:00", False)])
def test_what_expired_is_owed_again_until_the_new_start_and_not_at_it(
    now: str, again: bool
) -> None:
    messages = {"confirmation": LedgerEntry(MessageStatus.EXPIRED, token="e")}
    record = of_three(sent=False, messages=messages)

    after = found(record, moved(), at(f"2025-10-22 {now}")).record.messages["confirmation"]

    assert (after.state == MessageStatus.OWED) is again


def test_what_is_owed_for_the_new_start_has_not_been_tried_yet() -> None:
    note = LedgerEntry(MessageStatus.ACCEPTED, 3, refusals=2, token="n", for_start=THREE)

    move = found(of_three(sent=False, messages={"note": note}), moved())

    owed = LedgerEntry(MessageStatus.OWED, attempt=0, refusals=0, token="moved", for_start=SIX)
    assert move.record.messages["note"] == owed
    assert move.effect.sets["message_note"] == owed.as_map()


@pytest.mark.parametrize(
    ("settled", "maybe"), [("12:00:00", False), ("15:59:59", False), ("16:00:00", True)]
)
def test_the_legacys_guide_put_away_may_be_for_a_start_at_most_two_hours_later(
    settled: str, maybe: bool
) -> None:
    away = put_away("guide", NOON, token=BY_LEGACY, settled_at=at(f"2025-10-22 {settled}"))

    move = found(of_three(a_guide(), messages={"guide": a_guide(), **away}), moved())

    assert move.record.remind_sms is maybe


def test_that_the_legacy_sent_a_guide_is_known_from_the_table_too() -> None:
    sent = {"token": BY_LEGACY, "settled_at": at("2025-10-22 17:00")}
    [(name, entry)] = put_away("guide", NOON, **sent).items()
    read = LedgerEntry.from_map({**entry.as_map(), "token": b"legacy".decode()})

    move = found(of_three(messages={"guide": a_guide(), name: read}), moved())

    assert move.record.remind_sms is True


@pytest.mark.parametrize("token", ["", "0a1b", "moved", "z9"])
def test_a_guide_of_ours_put_away_is_for_its_own_start_alone(token: str) -> None:
    away = put_away("guide", NOON, token=token, settled_at=at("2025-10-22 17:00"))

    move = found(of_three(messages={"guide": a_guide(), **away}), moved())

    assert move.record.remind_sms is False


@pytest.mark.parametrize(
    ("kind", "flag", "other"),
    [
        ("confirmation", "confirm_sms", "event"),
        ("guide", "remind_sms", "confirmation"),
        ("guide", "remind_sms", "event"),
        ("event", "option_sms", "guide"),
    ],
)
def test_what_the_legacy_sent_says_nothing_about_messages_of_another_kind(
    kind: str, flag: str, other: str
) -> None:
    away = put_away(other, NOON, token=BY_LEGACY, settled_at=at("2025-10-22 17:00"))

    changes: dict[str, Any] = {flag: True, "messages": {kind: a_guide(), **away}}

    move = found(of_three(sent=False, **changes), moved())

    assert getattr(move.record, flag) is False
