"""What was owed until the start and never accepted is named once, with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from naverplace.domain.booking import Booking, BookingStatus, Option, new_item
from naverplace.domain.effects import MarkExpired, RecordKey
from naverplace.domain.message_status import MessageStatus
from naverplace.domain.record_matching import match_records
from naverplace.domain.records import LedgerEntry, Record
from naverplace.domain.stores import Store
from naverplace.rules.engine import RuleEngine, match_and_decide
from naverplace.rules.expiry import _last_before, first_signs
from naverplace.rules.rulebook import Rulebook
from tests.rescheduling_builders import Shop
from tests.rule_builders import (
    a_booking,
    a_record,
    a_rule,
    a_rulebook,
    at,
    kinds,
    recorded,
    shipped,
)

START = at("2025-10-22 15:00")
AFTER = START + timedelta(minutes=20)
OUTSIDE = 'templates: {note: {text: "{{ booking.start }}", send_between: ["08:00", "21:00"]}}\n'


def started(number: int = 1, **changes: Any) -> Booking:
    return a_booking(number, **{"start": START, **changes})


def a_known(booking: Booking, **changes: Any) -> dict[RecordKey, Record]:
    return recorded(booking, **{"booking_time": "2025-10-22 15:00:00", **changes})


def a_served_store() -> dict[RecordKey, Record]:
    """The record of a booking that was confirmed days ago: its store is served since then."""
    told = LedgerEntry(MessageStatus.ACCEPTED, claimed_at=START - timedelta(days=3))
    return recorded(a_booking(99), confirm_sms=True, messages={"confirmation": told})


def lost(
    *bookings: Booking,
    records: dict[RecordKey, Record] | None = None,
    book: Rulebook | None = None,
    rules_since: dict[str, datetime] | None = None,
    **moment: Any,
) -> list[MarkExpired]:
    moment = {"now": AFTER, **moment}
    known = records or {}
    decisions = RuleEngine(book or shipped()).decide(
        match_records(bookings, known),
        served=first_signs(known.values(), moment.pop("served", None)),
        rules_since=rules_since,
        **moment,
    )
    return [effect for effect in decisions.effects if isinstance(effect, MarkExpired)]


def told(marks: list[MarkExpired]) -> list[tuple[str, str]]:
    return [(mark.kind, mark.reason) for mark in marks]


@pytest.mark.parametrize("status", [BookingStatus.CONFIRMED, BookingStatus.COMPLETED])
def test_a_booking_that_no_run_saw_lost_its_confirmation_and_guide(status: BookingStatus) -> None:
    booking = started(status=status, confirmed_at=START - timedelta(hours=5))

    marks = [
        replace(mark, item={n: v for n, v in mark.item.items() if n != "message_event"})
        for mark in lost(booking, records=a_served_store())
    ]

    assert marks == [
        MarkExpired(
            key=booking.key,
            rule="new-booking",
            kind="confirmation",
            store_id="1051707",
            due=START - timedelta(hours=5),
            expires=START,
            reason="no run reached it",
            flag="confirm_sms",
            item=new_item(booking),
        ),
        MarkExpired(
            key=booking.key,
            rule="guide",
            kind="guide",
            store_id="1051707",
            due=START - timedelta(hours=2),
            expires=START,
            reason="no run reached it",
            flag="remind_sms",
            for_start=START,
            item=new_item(booking),
        ),
    ]


def test_a_known_booking_lost_its_guide_only() -> None:
    booking = started()

    marks = lost(booking, records=a_known(booking, confirm_sms=True))

    assert told(marks) == [("guide", "no run reached it")]


def test_what_was_accepted_is_not_lost_even_if_it_did_not_arrive() -> None:
    booking = started()
    for state in (MessageStatus.ACCEPTED, MessageStatus.DELIVERED, MessageStatus.FAILED):
        ledger = {kind: LedgerEntry(state) for kind in ("confirmation", "guide")}
        assert lost(booking, records=a_known(booking, messages=ledger)) == []
    assert lost(booking, records=a_known(booking, confirm_sms=True, remind_sms=True)) == []


@pytest.mark.parametrize("state", [MessageStatus.CLAIMED, MessageStatus.IN_DOUBT])
def test_what_is_in_doubt_is_not_lost_before_it_is_settled(state: MessageStatus) -> None:
    booking = started()
    ledger = {"guide": LedgerEntry(state, token="t", for_start=START)}

    assert lost(booking, records=a_known(booking, confirm_sms=True, messages=ledger)) == []


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (LedgerEntry(MessageStatus.REFUSED, 3, refusals=3, reason="400"), "refused 3 times: 400"),
        (LedgerEntry(MessageStatus.REFUSED, 1, refusals=1), "refused once"),
        (LedgerEntry(MessageStatus.REFUSED, 3, refusals=2), "refused 2 times"),
        (LedgerEntry(MessageStatus.REFUSED, 2), "refused 2 times"),
        (
            LedgerEntry(MessageStatus.OWED, 2, reason="503"),
            "tried 2 times, SENS has taken none: 503",
        ),
        (LedgerEntry(MessageStatus.OWED, 1), "tried once, SENS has taken none"),
        (LedgerEntry(MessageStatus.OWED, 0, token="decided"), "no run reached it"),
        (LedgerEntry("word-of-a-newer-version", 2), "tried 2 times, SENS has taken none"),
    ],
)
def test_the_reason_is_in_words(entry: LedgerEntry, reason: str) -> None:
    booking = started()
    read = {"guide": LedgerEntry.from_map(entry.as_map())}  # as the table gives it: plain texts

    marks = lost(booking, records=a_known(booking, confirm_sms=True, messages=read))

    assert told(marks) == [("guide", reason)]
    assert marks[0].seen == (entry.token, entry.state)


def test_it_is_named_once() -> None:
    shop = Shop(shipped())
    early = started(2, start=START + timedelta(hours=9))
    shop.run(early, now=START - timedelta(days=1))

    shop.run(started(), early, now=AFTER)
    shop.run(started(), early, now=AFTER + timedelta(minutes=20))

    assert [mark.kind for mark in shop.expired] == ["confirmation", "guide"]
    item = shop.items[started().key]
    assert [item[flag] for flag in ("confirm_sms", "remind_sms", "option_sms")] == [False] * 3


def test_what_a_run_marked_that_died_before_it_could_tell_is_named_again() -> None:
    booking = started(confirmed_at=START - timedelta(hours=5))
    mark = LedgerEntry(
        MessageStatus.EXPIRED,
        execution_id="dead",
        token="t",
        settled_at=AFTER,
        reason="no run reached it",
    )
    read = {"guide": LedgerEntry.from_map(mark.as_map())}
    records = a_known(booking, confirm_sms=True, messages=read)
    soon, later = AFTER + timedelta(minutes=14), AFTER + timedelta(minutes=15)

    assert lost(booking, records=records, now=later) == []
    assert lost(booking, records=records, now=later, reported_runs={"dead"}) == []
    assert lost(booking, records=records, now=soon, reported_runs=set()) == []
    (again,) = lost(booking, records=records, now=later, reported_runs={"other"})
    assert lost(booking, records=records, now=later + timedelta(days=1), reported_runs=set())

    assert (again.kind, again.reason, again.seen) == (
        "guide",
        "no run reached it",
        ("t", "expired"),
    )


@pytest.mark.parametrize("state", [MessageStatus.ACCEPTED, MessageStatus.FAILED])
def test_what_a_run_sent_that_died_before_it_could_tell_is_not_lost(state: MessageStatus) -> None:
    booking = started()
    sent = LedgerEntry(state, execution_id="dead", settled_at=START - timedelta(hours=1))
    records = a_known(booking, confirm_sms=True, messages={"guide": sent})

    assert lost(booking, records=records, reported_runs=set()) == []


def test_a_guide_that_expired_for_another_time_is_named_for_this_one() -> None:
    booking = started()
    ledger = {"guide": LedgerEntry(MessageStatus.EXPIRED, for_start=START - timedelta(days=1))}

    marks = lost(booking, records=a_known(booking, confirm_sms=True, messages=ledger))

    assert told(marks) == [("guide", "no run reached it after the booking was moved")]


@pytest.mark.parametrize(
    ("status", "start"),
    [
        (BookingStatus.CANCELLED, START),
        (BookingStatus.NO_SHOW, START),
        (BookingStatus.REQUESTED, START),
        (BookingStatus.CONFIRMED, AFTER + timedelta(seconds=1)),
        (BookingStatus.CONFIRMED, AFTER - timedelta(days=2, seconds=1)),
    ],
)
def test_what_was_not_owed_is_not_lost(status: BookingStatus, start: Any) -> None:
    assert lost(started(status=status, start=start), records=a_served_store()) == []


@pytest.mark.parametrize("start", [AFTER, AFTER - timedelta(days=2)])
def test_a_booking_is_looked_at_from_its_start_on_and_for_two_days(start: datetime) -> None:
    assert len(lost(started(start=start), records=a_served_store())) == 2


def test_how_far_back_is_settable() -> None:
    booking = started(start=START - timedelta(days=2, hours=20))

    assert lost(booking, records=a_served_store()) == []
    assert len(lost(booking, records=a_served_store(), back=timedelta(days=7))) == 2


def test_a_booking_confirmed_at_or_after_its_start_was_owed_nothing() -> None:
    for confirmed in (START, START + timedelta(minutes=5)):
        assert lost(started(confirmed_at=confirmed), records=a_served_store()) == []
    for made in (START - timedelta(minutes=1), START - timedelta(seconds=1)):
        assert len(lost(started(made_at=made), records=a_served_store())) == 2


def test_a_new_installation_owed_nothing_before_it_began() -> None:
    shop = Shop(shipped())
    past = [started(n, start=AFTER - timedelta(hours=n)) for n in range(1, 5)]
    ahead = started(9, start=AFTER + timedelta(days=1))

    shop.run(*past, ahead, now=AFTER)
    shop.run(*past, ahead, now=AFTER + timedelta(minutes=20))

    assert shop.expired == []
    assert list(shop.items) == [ahead.key]


def test_once_begun_a_booking_that_comes_and_goes_between_two_runs_is_named() -> None:
    shop = Shop(shipped())
    ahead = started(9, start=AFTER + timedelta(days=1))
    shop.run(ahead, now=AFTER)
    between = started(start=AFTER + timedelta(minutes=10))

    shop.run(between, ahead, now=AFTER + timedelta(minutes=20))

    assert told(shop.expired) == [
        ("confirmation", "no run reached it"),
        ("guide", "no run reached it"),
    ]


@pytest.mark.parametrize(("days", "kinds"), [(-1, ["guide"]), (0, ["guide"]), (1, [])])
def test_a_rule_owed_nothing_that_was_due_before_it_was_there(days: int, kinds: list[str]) -> None:
    booking = started()
    since = {"guide": START + timedelta(days=days), "another": AFTER}

    marks = lost(booking, records=a_known(booking, confirm_sms=True), rules_since=since)

    assert [mark.kind for mark in marks] == kinds


def test_who_knows_since_when_a_store_is_served_may_say_so() -> None:
    booking = started()

    assert lost(booking) == []
    assert lost(booking, served={"1051707": START}) == []
    assert len(lost(booking, served={"1051707": START - timedelta(minutes=1)})) == 2


def test_a_stores_first_sign_is_its_oldest_claim_and_nothing_of_the_legacys() -> None:
    ours, legacys = a_booking(1), a_booking(2, store_id="951291")
    first = LedgerEntry(MessageStatus.ACCEPTED, claimed_at=START)
    later = LedgerEntry(MessageStatus.ACCEPTED, claimed_at=AFTER)
    records = [
        a_record(ours, messages={"confirmation": first, "guide": later}, booking_time="?"),
        a_record(a_booking(3), messages={"confirmation": later}),
        a_record(legacys, booking_time="2025-10-20 10:00:00"),
        a_record(a_booking(4, store_id="951291"), booking_time="unknown"),
    ]

    signs = first_signs(records)

    assert signs == {"1051707": START}


def test_a_rule_of_one_hour_is_asked_in_its_last_hour(tmp_path: Path) -> None:
    book = a_rulebook(
        tmp_path,
        a_rule("{time_before_booking: 24}, {current_hour: 10}, booking_in_db", "send_sms: note"),
    )
    booking = started()

    [mark] = lost(booking, records=a_known(booking), book=book)

    assert (mark.kind, mark.due) == ("note", at("2025-10-22 10:00"))


def test_a_rule_of_the_last_hour_of_a_day_is_asked_before_midnight(tmp_path: Path) -> None:
    rule = a_rule("{time_before_booking: 24}, {current_hour: 23}, booking_in_db", "send_sms: note")
    booking = started()

    [mark] = lost(booking, records=a_known(booking), book=a_rulebook(tmp_path, rule))

    assert (mark.kind, mark.due) == ("note", at("2025-10-21 23:00"))


@pytest.mark.parametrize(
    ("start", "closed"),
    [
        ("2025-10-22 23:00", "2025-10-22 21:00"),
        ("2025-10-22 15:00", "2025-10-22 15:00"),  # it was open until the start
        ("2025-10-22 07:00", "2025-10-21 21:00"),
    ],
)
def test_a_text_with_hours_is_asked_for_before_they_closed(
    tmp_path: Path, start: str, closed: str
) -> None:
    book = a_rulebook(tmp_path, a_rule("starts_in_future", "send_sms: note"), templates=OUTSIDE)
    booking = started(start=at(start))
    records = recorded(booking, booking_time=f"{start}:00")

    [mark] = lost(booking, records=records, book=book, now=at(start) + timedelta(minutes=20))

    assert (mark.kind, mark.expires) == ("note", at(closed))


def test_the_hours_of_the_stores_own_text_count(tmp_path: Path) -> None:
    texts = (
        'templates:\n  note: {text: "{{ booking.start }}"}\n'
        '  own: {text: "{{ booking.start }}", send_between: ["08:00", "21:00"]}\n'
    )
    booking = started(start=at("2025-10-22 23:00"))
    store = Store(id=booking.store_id, name="가", alias="가", templates={"note": "own"})
    book = a_rulebook(
        tmp_path,
        a_rule("starts_in_future", "send_sms: note"),
        templates=texts,
        of_stores={store.id: store},
    )
    records = recorded(booking, booking_time="2025-10-22 23:00:00")

    [mark] = lost(booking, records=records, book=book, now=at("2025-10-22 23:20"))

    assert (mark.kind, mark.expires) == ("note", at("2025-10-22 21:00"))


def test_a_message_whose_hours_never_met_its_rules_time_is_named(tmp_path: Path) -> None:
    rule = a_rule("time_before_booking: 2", "send_sms: note")
    book = a_rulebook(tmp_path, rule, templates=OUTSIDE)
    early = started(start=at("2025-10-22 07:00"))  # from 05:00 on; the text from 08:00 on

    (mark,) = lost(early, records=a_known(early), book=book)

    assert mark.kind == "note"
    assert (
        mark.reason == "it may be sent only from 08:00 to 21:00, and the rule held at other hours"
    )
    later = started(start=at("2025-10-22 09:00"))
    (mark,) = lost(later, records=a_known(later), book=book)
    assert mark.reason == "no run reached it"


def test_what_another_rule_still_owes_has_not_expired(tmp_path: Path) -> None:
    book = a_rulebook(
        tmp_path, a_rule("{any: [starts_in_future, booking_in_db]}", "send_sms: note")
    )
    booking = started()

    decisions = match_and_decide([booking], a_known(booking), book, now=AFTER)

    assert kinds(decisions) == ["note"]
    assert len(decisions.effects) == 1


@pytest.mark.parametrize(
    "when",
    [
        "booking_in_db",
        "{not: starts_in_future}",
        "{current_hour: 10}, {not: {time_before_booking: 2}}",
    ],
)
def test_a_rule_that_does_not_end_with_the_start_lets_nothing_expire(
    tmp_path: Path, when: str
) -> None:
    book = a_rulebook(
        tmp_path, a_rule(f"{{booking_status: RC03}}, booking_in_db, {when}", "send_sms: note")
    )
    booking = started(status=BookingStatus.COMPLETED)

    assert lost(booking, records=a_known(booking), book=book) == []


def test_a_text_that_could_not_be_filled_in_is_named_with_its_reason(tmp_path: Path) -> None:
    templates = 'templates: {note: {text: "{{ booking.start }} {{ booking.item_name }}"}}'
    book = a_rulebook(tmp_path, a_rule("starts_in_future", "send_sms: note"), templates=templates)
    booking = started()

    [mark] = lost(booking, records=a_known(booking), book=book)

    assert mark.reason.startswith("undecided: ")
    assert "booking.item_name is missing" in mark.reason
    marked = {"note": LedgerEntry(MessageStatus.EXPIRED, reason=mark.reason)}
    assert lost(booking, records=a_known(booking, messages=marked), book=book) == []


@pytest.mark.parametrize(
    ("when", "for_start"), [("starts_in_future", None), ("time_before_booking: 2", START)]
)
def test_a_text_without_its_words_is_lost_for_a_start_if_its_rule_looks_at_it(
    tmp_path: Path, when: str, for_start: datetime | None
) -> None:
    templates = 'templates: {note: {text: "{{ booking.start }} {{ booking.item_name }}"}}'
    then = "create_db_record, {update_flag: remind_sms}, send_sms: note"
    book = a_rulebook(tmp_path, a_rule(when, then), templates=templates)
    booking = started()

    [mark] = lost(booking, records=a_known(booking), book=book)

    assert (mark.kind, mark.for_start) == ("note", for_start)


def test_beside_a_text_without_its_words_what_the_legacy_sent_is_not_lost(tmp_path: Path) -> None:
    words = '{text: "{{ booking.start }} {{ booking.item_name }}"}'
    book = a_rulebook(
        tmp_path,
        a_rule("starts_in_future", "{send_sms: guide}, {send_sms: note}"),
        templates=f"templates: {{guide: {words}, note: {words}}}",
    )
    booking = started()

    for sent, named in ((False, ["guide", "note"]), (True, ["note"])):
        marks = lost(booking, records=a_known(booking, remind_sms=sent), book=book)
        assert [mark.kind for mark in marks] == named


def test_what_was_owed_before_its_rule_could_not_be_decided_any_more_is_named(
    tmp_path: Path,
) -> None:
    priced = "{field: {name: total_price, at_least: 1}}"
    early = f"{{any: [{{not: {{time_before_booking: 2}}}}, {priced}]}}"
    book = a_rulebook(
        tmp_path,
        a_rule(f"starts_in_future, {early}", "send_sms: note"),
        templates=OUTSIDE.replace("21:00", "11:00"),
    )
    booking = started()

    [mark] = lost(booking, records=a_known(booking), book=book)

    assert (mark.kind, mark.expires) == ("note", at("2025-10-22 11:00"))


def test_a_question_that_cannot_be_answered_owes_nothing(tmp_path: Path) -> None:
    book = a_rulebook(
        tmp_path,
        a_rule("starts_in_future, {field: {name: total_price, at_least: 1}}", "send_sms: note"),
    )
    booking = started()

    assert lost(booking, records=a_known(booking), book=book) == []


def test_an_event_never_expires_with_the_start() -> None:
    booking = started(status=BookingStatus.COMPLETED, options=(Option(name="원본 전체"),))
    records = a_known(booking, confirm_sms=True, remind_sms=True)

    assert lost(booking, records=records) == []
    for day in ("2025-10-22 20:10", "2025-10-24 20:10"):
        assert kinds(match_and_decide([booking], records, shipped(), now=at(day))) == ["event"]


def test_the_event_of_a_booking_that_was_completed_unknown_is_marked_as_never_tried() -> None:
    booking = started(status=BookingStatus.COMPLETED)

    for mark in lost(booking, records=a_served_store()):
        event = mark.item["message_event"]
        assert (event["state"], event["attempt"]) == (MessageStatus.EXPIRED, 0)


def test_the_item_made_for_a_lost_message_has_the_records_own_key() -> None:
    booking = started(raw_phone="+82 10-0000-0001")
    [(key, record)] = a_known(started(), confirm_sms=True).items()

    [mark] = lost(booking, records={key: record})

    assert mark.key == key
    assert mark.item["phone"] == key.phone


@pytest.mark.parametrize(
    ("first_seen", "evening"),
    [
        (BookingStatus.CONFIRMED, [("01000000001", "event")]),
        (BookingStatus.COMPLETED, []),  # the legacy sends none without an item either (L13)
    ],
)
def test_a_marked_booking_gets_its_event_if_it_was_known_before_it_was_completed(
    first_seen: BookingStatus, evening: list[tuple[str, str]]
) -> None:
    shop = Shop(shipped())
    shop.run(started(9, start=START + timedelta(days=1)), now=START - timedelta(days=1))
    booking = started(status=first_seen, options=(Option(name="원본 전체"),))
    completed = booking.model_copy(update={"status": BookingStatus.COMPLETED})

    assert shop.run(booking, now=AFTER) == []
    assert shop.run(completed, now=at("2025-10-22 20:00")) == evening


@pytest.mark.parametrize(
    ("start", "moment"),
    [
        (at("2025-10-22 20:00"), at("2025-10-22 20:00")),
        (at("2025-10-22 20:00") - timedelta.resolution, at("2025-10-21 20:00")),
        (at("2025-10-22 20:30") + timedelta.resolution, at("2025-10-22 20:00")),
    ],
)
def test_the_last_such_hour_before_a_start_may_be_the_start_itself(
    start: datetime, moment: datetime
) -> None:
    assert _last_before(start, hour=20) == moment
