"""Every action makes its effect as a value, or says why nothing is owed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from naverplace.base.errors import CannotDecide
from naverplace.domain.booking import Booking, BookingStatus, new_item
from naverplace.domain.effects import CreateRecord, Notify, SendSms, SetFlag
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.records import LedgerEntry, Record, notice_kind
from naverplace.domain.stores import Store
from naverplace.rules.actions import ACTIONS, ActionContext, NotDue
from naverplace.rules.rulebook import Rulebook
from naverplace.rules.templates import CompiledText, compile_text
from tests.rule_builders import (
    DEFAULT_SENDER,
    NOW,
    ROUTING,
    STORE,
    a_booking,
    a_record,
    a_rule,
    a_rulebook,
    access,
    at,
    decided,
    problems,
    sends,
    shipped,
    stores,
)

LINE = "{{ store.alias }} {{ booking.start }}"
WITH_PROVIDER = [MessageStatus.ACCEPTED, MessageStatus.DELIVERED, MessageStatus.FAILED]
NOT_YET = [MessageStatus.OWED, MessageStatus.REFUSED, MessageStatus.CLAIMED, MessageStatus.IN_DOUBT]


def a_context(
    booking: Booking | None = None,
    record: Record | None = None,
    *,
    book: Rulebook | None = None,
    **changes: Any,
) -> ActionContext:
    booking, book = booking or a_booking(), book or shipped()
    context = ActionContext(
        booking=booking,
        record=record,
        now=NOW,
        stores=book.stores,
        fields=book.fields,
        store=book.stores[booking.store_id],
        rule="a-rule",
        due=None,
        templates=book.templates,
        access=book.access,
        routing=book.routing,
        default_sender=DEFAULT_SENDER,
    )
    return replace(context, **changes)


def act(word: str, ctx: ActionContext, **said: Any) -> Any:
    return ACTIONS[word](ctx, **said)


def a_line(text: str = LINE) -> CompiledText:
    read = compile_text(text, fields=())
    assert isinstance(read, CompiledText)
    return read


def test_an_unknown_booking_gets_its_record_and_a_known_one_does_not() -> None:
    booking = a_booking()

    made = act("create_db_record", a_context(booking))

    assert made == CreateRecord(booking.key, "a-rule", new_item(booking))
    assert isinstance(act("create_db_record", a_context(booking, a_record(booking))), NotDue)


def test_a_message_carries_all_that_its_sending_needs() -> None:
    booking = a_booking()

    made = act("send_sms", a_context(booking), template="confirmation")

    assert isinstance(made, SendSms)
    assert (made.key, made.kind, made.flag) == (booking.key, "confirmation", "confirm_sms")
    assert (made.to, made.sender) == (booking.phone, DEFAULT_SENDER)
    assert (made.message_type, made.content_type) == ("LMS", "COMM")
    assert made.expires == booking.start
    assert made.item == new_item(booking)
    assert "10월 23일(목) 오후 2:02" in made.text


@pytest.mark.parametrize(
    ("changes", "due"),
    [
        ({}, NOW),
        ({"made_at": at("2025-10-20 10:00")}, at("2025-10-20 10:00")),
        (
            {"made_at": at("2025-10-20 10:00"), "confirmed_at": at("2025-10-20 10:05")},
            at("2025-10-20 10:05"),
        ),
        ({"confirmed_at": at("2025-10-23 10:00")}, NOW),
        (
            {
                "status": BookingStatus.COMPLETED,
                "confirmed_at": at("2025-10-20 10:00"),
                "end": at("2025-10-22 11:00"),
            },
            at("2025-10-22 11:00"),
        ),
    ],
)
def test_a_message_without_a_time_of_its_own_is_due_since_naver_told_the_status(
    changes: dict[str, Any], due: datetime
) -> None:
    made = act("send_sms", a_context(a_booking(**changes)), template="confirmation")

    assert made.due == due


def test_a_message_stays_due_since_it_was_first_owed() -> None:
    booking, first = a_booking(), at("2025-10-22 09:00")
    record = a_record(
        booking, messages={"confirmation": LedgerEntry(MessageStatus.OWED, due=first)}
    )

    assert act("send_sms", a_context(booking, record), template="confirmation").due == first
    ctx = a_context(booking, record, due=at("2025-10-22 13:00"))
    assert act("send_sms", ctx, template="confirmation").due == at("2025-10-22 13:00")


def test_a_message_is_not_due_before_its_hours_begin(tmp_path: Path) -> None:
    templates = (
        'templates: {note: {text: "{{ booking.start }}", send_between: ["08:30", "21:00"]}}\n'
    )
    book = a_rulebook(tmp_path, a_rule("starts_in_future", "send_sms: note"), templates=templates)

    [message] = sends(decided(book, [a_booking(made_at=at("2025-10-21 22:00"))]))

    assert (message.due, message.expires) == (at("2025-10-22 08:30"), at("2025-10-22 21:00"))


def test_a_message_tells_what_it_opens_and_whose_start_it_is_for() -> None:
    booking = a_booking(start=NOW + timedelta(hours=1))

    confirmation, guide = sends(decided(shipped(), [booking]))

    assert (confirmation.access, confirmation.for_start) == (False, None)
    assert (guide.access, guide.for_start) == (True, booking.start)
    assert confirmation.read_at == guide.read_at == booking.read_at
    assert confirmation.in_doubt == guide.in_doubt == "wait"


def test_only_a_store_whose_own_text_opens_a_door_is_said_to(tmp_path: Path) -> None:
    templates = (
        "templates:\n  note:\n    stores:\n"
        '      "1051707": "{{ booking.start }} {{ access.door_code }}"\n'
        '      "867589": "{{ booking.start }}"\n'
    )
    book = a_rulebook(
        tmp_path,
        a_rule("starts_in_future", "send_sms: {template: note, per_store: true}"),
        templates=templates,
        of_stores={store: stores()[store] for store in ("1051707", "867589")},
        with_access=access(),
    )

    messages = sends(decided(book, [a_booking(1), a_booking(2, store_id="867589")]))

    assert [message.access for message in messages] == [True, False]


@pytest.mark.parametrize(
    ("when", "bound"),
    [
        ("time_before_booking: 48", True),
        ("date_is_today", True),
        ("{time_before_booking: 48}, {current_hour: 14}", True),
        ("any: [booking_in_db, {time_before_booking: 48}]", True),
        ("starts_in_future", False),
        ("not: {time_before_booking: 1}", False),
    ],
)
def test_a_rule_that_asks_for_the_time_before_the_start_is_bound_to_it(
    tmp_path: Path, when: str, *, bound: bool
) -> None:
    booking = a_booking(start=NOW + timedelta(hours=3))

    [message] = sends(decided(a_rulebook(tmp_path, a_rule(when, "send_sms: note")), [booking]))

    assert (message.for_start == booking.start) is bound


def test_a_rule_says_which_risk_it_prefers(tmp_path: Path) -> None:
    then = "send_sms: {template: note, in_doubt: resend}"
    [message] = sends(
        decided(a_rulebook(tmp_path, a_rule("starts_in_future", then)), [a_booking()])
    )

    assert message.in_doubt == "resend"
    [problem] = problems(
        tmp_path, a_rule("starts_in_future", "send_sms: {template: note, in_doubt: hope}")
    )
    assert "in_doubt: should be 'wait' or 'resend'" in problem


def test_what_is_done_for_a_known_booking_is_done_under_its_records_key() -> None:
    known = a_booking()
    otherwise = a_booking(raw_phone="+82 10-0000-0001")
    ctx = a_context(otherwise, a_record(known))

    made = [
        act("send_sms", ctx, template="confirmation"),
        act("update_flag", ctx, flag="option_sms", value=True),
        act("send_telegram", ctx, message=a_line()),
    ]

    assert {effect.key for effect in made} == {known.key}
    assert made[0].item["phone"] == made[2].item["phone"] == known.key.phone


def test_a_store_without_a_number_of_its_own_sends_from_the_default_one() -> None:
    own, none = a_booking(), a_booking(store_id="867589")

    senders = [
        act("send_sms", a_context(booking), template="guide", per_store=True).sender
        for booking in (own, none)
    ]

    assert senders == [stores()[STORE].sender, DEFAULT_SENDER]


def test_without_any_sender_nothing_is_sent_and_the_reason_told() -> None:
    with pytest.raises(CannotDecide, match="no sender"):
        act("send_sms", a_context(default_sender=""), template="confirmation")


def test_a_kind_of_its_own_flips_no_flag_of_the_legacy() -> None:
    made = act("send_sms", a_context(), template="confirmation", once="second_try")

    assert (made.kind, made.flag, made.template) == ("second_try", None, "confirmation")


@pytest.mark.parametrize("state", WITH_PROVIDER)
def test_a_message_that_the_provider_took_is_not_owed(state: MessageStatus) -> None:
    booking = a_booking()
    record = a_record(booking, messages={"welcome": LedgerEntry(state)})

    assert isinstance(act("send_sms", a_context(booking, record), template="welcome"), NotDue)


@pytest.mark.parametrize("state", NOT_YET)
def test_a_message_that_may_be_under_way_is_left_to_the_delivery(state: MessageStatus) -> None:
    booking = a_booking()
    record = a_record(booking, messages={"welcome": LedgerEntry(state)})

    assert isinstance(act("send_sms", a_context(booking, record), template="welcome"), SendSms)


def test_a_flag_that_is_set_means_that_its_message_was_sent() -> None:
    booking = a_booking()
    record = a_record(booking, remind_sms=True)

    made = act("send_sms", a_context(booking, record), template="guide", per_store=True)

    assert isinstance(made, NotDue)
    assert made.why == "remind_sms is set: sent already"


def test_a_store_may_have_another_template_of_the_same_kind() -> None:
    store = Store(id=STORE, name="가", alias="나", templates={"confirmation": "welcome"})

    made = act("send_sms", a_context(store=store), template="confirmation")

    assert (made.template, made.kind, made.flag) == ("welcome", "confirmation", "confirm_sms")


def test_access_data_that_are_not_set_stop_this_message_only() -> None:
    with pytest.raises(CannotDecide, match=f"access.door_code of store {STORE} is not set"):
        act("send_sms", a_context(access={}), template="guide", per_store=True)


def test_a_window_ends_a_message_before_the_start_does(tmp_path: Path) -> None:
    templates = (
        'templates: {note: {text: "{{ booking.start }}", send_between: ["08:00", "20:50"]}}\n'
    )
    book = a_rulebook(tmp_path, a_rule("starts_in_future", "send_sms: note"), templates=templates)
    early, late = a_booking(1, start=at("2025-10-22 18:00")), a_booking(2)

    messages = sends(decided(book, [early, late]))

    assert [message.expires for message in messages] == [early.start, at("2025-10-22 20:50")]
    assert sends(decided(book, [late], now=at("2025-10-22 20:50"))) == []


def test_an_advertisement_is_sent_as_one_and_never_at_night(tmp_path: Path) -> None:
    templates = (
        "templates:\n  ad:\n    advertisement: true\n    text: |\n"
        "      (광고) {{ store.alias }} {{ booking.start }}\n      무료수신거부 080-000-0000\n"
    )
    book = a_rulebook(tmp_path, a_rule("starts_in_future", "send_sms: ad"), templates=templates)

    [message] = sends(decided(book, [a_booking()]))

    assert (message.content_type, message.expires) == ("AD", at("2025-10-22 20:50"))
    for night in ("2025-10-22 07:59:59", "2025-10-22 20:50:00", "2025-10-22 23:00:00"):
        assert sends(decided(book, [a_booking()], now=at(night))) == []


@pytest.mark.parametrize(("opted_out", "sent"), [((), 2), (["01000000001"], 1), (None, 0)])
def test_who_opted_out_gets_no_advertisement_and_none_leaves_while_nobody_knows_who(
    tmp_path: Path, opted_out: list[str] | None, sent: int
) -> None:
    templates = (
        "templates:\n  ad:\n    advertisement: true\n    text: |\n"
        "      (광고) {{ store.alias }} {{ booking.start }}\n      무료수신거부 080-000-0000\n"
    )
    book = a_rulebook(tmp_path, a_rule("starts_in_future", "send_sms: ad"), templates=templates)
    assert book.advertises

    decisions = decided(replace(book, opted_out=opted_out), [a_booking(1), a_booking(2)])

    assert len(sends(decisions)) == sent
    assert len(decisions.errors) == (2 if opted_out is None else 0)


@pytest.mark.parametrize(
    ("record", "value", "owed"),
    [(None, True, True), (False, True, True), (True, True, False), (True, False, True)],
)
def test_a_flag_is_set_unless_it_is_already(
    record: bool | None, *, value: bool, owed: bool
) -> None:
    booking = a_booking()
    known = None if record is None else a_record(booking, option_sms=record)

    made = act("update_flag", a_context(booking, known), flag="option_sms", value=value)

    expected = SetFlag(booking.key, "a-rule", "option_sms", value)
    assert made == expected if owed else isinstance(made, NotDue)


@pytest.mark.parametrize("channel", ["telegram", "slack"])
def test_a_notice_is_one_line_for_the_owner(tmp_path: Path, channel: str) -> None:
    book = a_rulebook(tmp_path, a_rule("starts_in_future"), routing=ROUTING)
    booking = a_booking()

    made = act(f"send_{channel}", a_context(booking, book=book), message=a_line(f"{LINE}\nx"))

    assert isinstance(made, Notify)
    assert (made.channel, made.kind, made.store_id) == (channel, "a-rule", STORE)
    assert made.text == "화성점 10월 23일(목) 오후 2:02 x"


def test_a_notice_on_a_channel_that_is_off_is_not_owed() -> None:
    made = act("send_slack", a_context(), message=a_line())

    assert isinstance(made, NotDue)
    assert made.why == "slack is not enabled in notifications.yaml"


def test_a_notice_is_given_once_on_each_channel() -> None:
    booking = a_booking()
    told = {notice_kind("telegram", "roster"): LedgerEntry(MessageStatus.ACCEPTED)}
    ctx = a_context(booking, a_record(booking, messages=told))

    assert isinstance(act("send_telegram", ctx, message=a_line(), once="roster"), NotDue)
    assert isinstance(act("send_telegram", ctx, message=a_line(), once="other"), Notify)
