"""Deciding: what always holds, in whatever order and number the bookings come."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from naverplace.base.registry import Registry
from naverplace.domain.booking import Booking, BookingStatus, Option
from naverplace.domain.effects import CHANNELS, CreateRecord, Notify, RecordKey, SendSms, SetFlag
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.record_matching import match_records
from naverplace.domain.records import LedgerEntry, Record
from naverplace.rules.actions import ACTIONS
from naverplace.rules.conditions import CONDITIONS, Context
from naverplace.rules.engine import RuleEngine, in_order, match_and_decide
from naverplace.rules.rulebook import load_rulebook
from tests.examples import examples
from tests.rule_builders import (
    NOW,
    ROUTING,
    STORE,
    TEMPLATES,
    a_booking,
    a_record,
    a_rule,
    a_rulebook,
    at,
    completed,
    decided,
    fired,
    kinds,
    recorded,
    sends,
    shipped,
    stores,
    with_rules,
)

OPTIONS = st.lists(
    st.builds(
        Option,
        name=st.sampled_from(["네이버 리뷰", "원본 전체", "보정", "프로필", "인화"]),
        count=st.integers(1, 3),
    ),
    max_size=3,
).map(tuple)
BOOKINGS = st.builds(
    a_booking,
    st.integers(1, 6),
    store_id=st.sampled_from(list(stores())),
    status=st.sampled_from(list(BookingStatus)),
    name=st.text(max_size=8),
    start=st.integers(-3000, 3000).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    options=OPTIONS,
    read_at=st.sampled_from([NOW, NOW - timedelta(seconds=30)]),
)
MESSAGES = st.dictionaries(
    st.sampled_from(["confirmation", "guide", "event", "welcome", "slack_retouching-list"]),
    st.sampled_from(list(MessageStatus)).map(LedgerEntry),
    max_size=3,
)
FLAGS = st.fixed_dictionaries(
    {flag: st.booleans() for flag in ("confirm_sms", "remind_sms", "option_sms")}
)
MOMENTS = st.sampled_from(
    [NOW, at("2025-10-22 20:00:00"), at("2025-10-22 20:59:59"), at("2025-10-23 00:00")]
)
EVERYTHING = with_rules(shipped(), *(rule.name for rule in shipped().rules))


def reading(booking: Booking) -> tuple[object, ...]:
    """What tells two readings of a booking apart; with all of it alike they have one content."""
    return booking.booking_num, booking.read_at, booking.status, booking.start


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Booking], dict[RecordKey, Record], datetime]:
    """Bookings, some of them twice, records of some of them, and a moment."""
    bookings = draw(st.lists(BOOKINGS, max_size=12, unique_by=reading))
    records = {
        booking.key: a_record(booking, **draw(FLAGS), messages=draw(MESSAGES))
        for booking in bookings
        if draw(st.booleans())
    }
    return bookings, records, draw(MOMENTS)


@settings(deadline=None, max_examples=examples(600))
@given(worlds())
def test_no_message_is_owed_twice(
    world: tuple[list[Booking], dict[RecordKey, Record], datetime],
) -> None:
    bookings, records, now = world

    effects = decided(EVERYTHING, bookings, records, now=now).effects

    owed = Counter(
        (type(e), e.key, getattr(e, "channel", ""), getattr(e, "kind", "")) for e in effects
    )
    assert set(owed.values()) <= {1}


@settings(deadline=None, max_examples=examples(600))
@given(worlds(), st.randoms())
def test_the_order_of_bookings_makes_no_difference(
    world: tuple[list[Booking], dict[RecordKey, Record], datetime], random: object
) -> None:
    bookings, records, now = world
    shuffled = list(bookings)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    first = decided(EVERYTHING, bookings, records, now=now)
    second = decided(EVERYTHING, shuffled, records, now=now)

    assert second == first


@settings(deadline=None, max_examples=examples(600))
@given(worlds())
def test_a_disabled_rule_never_fires_and_every_enabled_one_has_a_verdict_for_each_booking(
    world: tuple[list[Booking], dict[RecordKey, Record], datetime],
) -> None:
    bookings, records, now = world
    book = shipped()

    verdicts = decided(book, bookings, records, now=now).verdicts

    distinct = {booking.booking_num for booking in bookings}
    assert len(verdicts) == len(distinct) * len(book.enabled_names)
    assert {verdict.rule for verdict in verdicts} <= set(book.enabled_names)


@settings(deadline=None, max_examples=examples(600))
@given(worlds())
def test_nothing_about_a_coming_visit_is_owed_once_it_has_begun(
    world: tuple[list[Booking], dict[RecordKey, Record], datetime],
) -> None:
    bookings, records, now = world

    for message in sends(decided(EVERYTHING, bookings, records, now=now)):
        if message.kind != "event":
            assert message.expires is not None
            assert message.expires > now


@settings(deadline=None, max_examples=examples(600))
@given(worlds())
def test_a_message_that_is_with_the_provider_is_never_owed(
    world: tuple[list[Booking], dict[RecordKey, Record], datetime],
) -> None:
    bookings, records, now = world

    for message in sends(decided(EVERYTHING, bookings, records, now=now)):
        record = records.get(message.key)
        if record and message.kind in record.messages:
            state = record.messages[message.kind].state
            assert state not in (
                MessageStatus.ACCEPTED,
                MessageStatus.DELIVERED,
                MessageStatus.FAILED,
            )
        if record and message.flag:
            assert not getattr(record, message.flag)


@settings(deadline=None, max_examples=examples(600))
@given(worlds())
def test_verdicts_show_no_phone_and_no_name(
    world: tuple[list[Booking], dict[RecordKey, Record], datetime],
) -> None:
    bookings, records, now = world
    named = [booking.model_copy(update={"name": "숨은이름"}) for booking in bookings]

    decisions = decided(EVERYTHING, named, records, now=now)

    shown = repr(decisions.verdicts) + repr(decisions.errors)
    assert "숨은이름" not in shown
    assert all(b.phone not in shown and b.key.phone not in shown for b in named)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="now must be aware"):
        match_and_decide([], {}, shipped(), now=NOW.replace(tzinfo=None))


def test_the_module_decides_like_the_engine() -> None:
    bookings = [a_booking(1), completed(2)]

    assert match_and_decide(bookings, {}, shipped(), now=NOW) == decided(shipped(), bookings)


def test_the_next_to_start_comes_first_and_the_past_last() -> None:
    evening = at("2025-10-22 20:05")
    soon = a_booking(3, start=evening + timedelta(minutes=5))
    later = a_booking(1, start=evening + timedelta(minutes=50))
    past = completed(2)
    records = recorded(past) | {b.key: a_record(b, confirm_sms=True) for b in (soon, later)}

    decisions = decided(shipped(), [past, later, soon], records, now=evening)

    assert [(m.key.booking_num, m.kind) for m in sends(decisions)] == [
        (f"{STORE}_3", "guide"),
        (f"{STORE}_1", "guide"),
        (f"{STORE}_2", "event"),
    ]


def test_a_booking_that_starts_at_this_moment_has_started() -> None:
    starts = [timedelta(), -timedelta(days=1), timedelta(seconds=1), timedelta(days=1)]
    matches = match_records([a_booking(n, start=NOW + s) for n, s in enumerate(starts, 1)], {})

    ordered = in_order(matches, NOW)

    assert [match.booking.booking_id for match in ordered] == [3, 4, 2, 1]


def test_a_new_record_holds_from_the_start_that_messages_without_flag_are_owed(
    tmp_path: Path,
) -> None:
    then = "create_db_record, send_sms: note, send_sms: confirmation, {send_telegram: hello}"
    book = a_rulebook(tmp_path, a_rule("booking_not_in_db", then))

    effects = decided(book, [a_booking()]).effects

    owed = {"state": "owed", "attempt": 0, "refusals": 0, "token": "decided"}
    for effect in effects:
        assert isinstance(effect, CreateRecord | SendSms | Notify)
        marks = {name: m for name, m in effect.item.items() if name.startswith("message_")}
        assert marks == {"message_note": owed}


def test_a_new_record_holds_no_mark_of_messages_with_a_flag(tmp_path: Path) -> None:
    then = "create_db_record, send_sms: confirmation"
    book = a_rulebook(tmp_path, a_rule("booking_not_in_db", then))

    for effect in decided(book, [a_booking()]).effects:
        assert isinstance(effect, CreateRecord | SendSms)
        assert not any(name.startswith("message_") for name in effect.item)


def test_a_bookings_effects_have_their_order_whatever_the_rules_order(tmp_path: Path) -> None:
    then = (
        "{send_telegram: hello}, {update_flag: remind_sms}, "
        "{send_sms: {template: note, once: zzz}}, "
        "{send_sms: {template: note, once: event}}, "
        "{send_sms: confirmation}, create_db_record"
    )
    book = a_rulebook(tmp_path, a_rule("booking_not_in_db", then))

    effects = decided(book, [a_booking()]).effects

    assert [type(effect) for effect in effects] == [
        CreateRecord, SendSms, SendSms, SendSms, SetFlag, Notify,
    ]  # fmt: skip
    assert kinds(decided(book, [a_booking()])) == ["confirmation", "event", "zzz"]


def test_one_undecidable_booking_does_not_stop_the_others(tmp_path: Path) -> None:
    book = a_rulebook(tmp_path, a_rule("field: {name: total_price, at_least: 1}", "send_sms: note"))
    bookings = [a_booking(1), a_booking(2, extra={"total_price": 5}), a_booking(3)]

    decisions = decided(book, bookings)

    assert [message.key.booking_num for message in sends(decisions)] == [f"{STORE}_2"]
    assert [error.booking_num for error in decisions.errors] == [f"{STORE}_1", f"{STORE}_3"]
    assert decisions.verdicts[0].failed_condition.startswith("error: ")
    assert not decisions.verdicts[0].fired
    assert str(decisions.errors[0]) == (
        f"rule 'r' is undecided for booking {STORE}_1: {tmp_path.as_posix()}/r.yaml:2:10: "
        "field(name=total_price, at_least=1): "
        "the booking has no 'total_price': say what holds then with if_missing"
    )


def test_a_rule_whose_action_fails_owes_nothing_at_all(tmp_path: Path) -> None:
    templates = 'templates: {note: {text: "{{ booking.start }} {{ booking.item_name }}"}}'
    book = a_rulebook(
        tmp_path,
        a_rule("booking_not_in_db", "create_db_record, send_sms: note"),
        templates=templates,
    )

    decisions = decided(book, [a_booking()])

    assert decisions.effects == ()
    assert "booking.item_name is missing in this booking" in decisions.errors[0].message


def test_a_booking_of_an_unknown_store_is_undecided() -> None:
    decisions = decided(shipped(), [a_booking(1, store_id="42"), a_booking(2)])

    assert kinds(decisions) == ["confirmation"]
    assert "store 42 is not in stores.yaml" in decisions.errors[0].message


def test_a_broken_condition_is_reported_without_what_it_saw(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    conditions = Registry("condition")
    conditions.update(CONDITIONS)

    @conditions
    def is_lucky(ctx: Context) -> bool:
        """Hold by luck."""
        if ctx.booking.booking_id == 1:
            raise KeyError(ctx.booking.name)
        return True

    (tmp_path / "r.yaml").write_text(a_rule("is_lucky", "send_sms: note"), "utf-8")
    (tmp_path / "templates.yaml").write_text(TEMPLATES, "utf-8")
    (tmp_path / "notifications.yaml").write_text(ROUTING, "utf-8")
    book = load_rulebook(
        tmp_path, stores(), fields=(), default_sender="0310000000", conditions=conditions
    )

    decisions = RuleEngine(book, conditions=conditions).decide(
        match_records([a_booking(1), a_booking(2)], {}), now=NOW, served={}
    )

    assert [message.key.booking_num for message in sends(decisions)] == [f"{STORE}_2"]
    assert decisions.errors[0].message.endswith("is_lucky: KeyError")
    assert "a defect of ours" in caplog.text
    assert "김하나" not in caplog.text


@pytest.mark.parametrize(
    ("when", "holds", "failed"),
    [
        ("all: [booking_not_in_db, starts_in_future]", True, ""),
        ("all: [booking_not_in_db, date_is_today]", False, "date_is_today"),
        ("any: [booking_in_db, starts_in_future]", True, ""),
        ("any: [booking_in_db, date_is_today]", False, "any(booking_in_db, date_is_today)"),
        ("not: booking_in_db", True, ""),
        ("not: booking_not_in_db", False, "not(booking_not_in_db)"),
        ("not: {any: [booking_in_db, date_is_today]}", True, ""),
        ("any: [{all: [booking_in_db, starts_in_future]}, {not: date_is_today}]", True, ""),
        ("time_before_booking: 2", False, "time_before_booking(2)"),
        ("time_before_booking: {hours: 1.5}", False, "time_before_booking(hours=1.5)"),
        ("booking_status: [RC04, RC08]", False, "booking_status(RC04, RC08)"),
    ],
)
def test_conditions_are_joined_and_the_first_no_is_named(
    tmp_path: Path, when: str, failed: str, *, holds: bool
) -> None:
    book = a_rulebook(tmp_path, a_rule(when))

    [verdict] = decided(book, [a_booking()]).verdicts

    assert (verdict.fired, verdict.failed_condition) == (holds, failed)


def test_a_message_is_due_when_the_last_of_its_times_began(tmp_path: Path) -> None:
    book = a_rulebook(
        tmp_path, a_rule("{time_before_booking: 48}, {time_before_booking: 26}", "send_sms: note")
    )
    booking = a_booking()

    [message] = sends(decided(book, [booking]))

    assert message.due == booking.start - timedelta(hours=26)


def test_two_rules_with_one_kind_owe_one_message(tmp_path: Path) -> None:
    rules = a_rule("booking_not_in_db", "send_sms: note", "a") + a_rule(
        "starts_in_future", "send_sms: {template: confirmation, once: note}", "b"
    )

    decisions = decided(a_rulebook(tmp_path, rules), [a_booking()])

    assert [(m.kind, m.template, m.rule) for m in sends(decisions)] == [("note", "note", "a")]
    assert fired(decisions) == ["a", "b"]


def test_every_action_is_a_word_of_the_delivery() -> None:
    sends = sorted(f"send_{name}" for name in ("sms", *CHANNELS))

    assert sorted(ACTIONS) == ["create_db_record", *sends, "update_flag"]
