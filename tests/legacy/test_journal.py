"""What a run writes down: the order of its steps, its lines, and the errors that it swallows."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from legacy import run as legacy_run
from legacy.journal import Outcome
from legacy.model import decide, decide_from
from legacy.settings import from_sandbox
from sandbox.faults import Fault
from sandbox.naver.bookings import a_booking
from sandbox.server import Sandbox
from tests.legacy.deciding import (
    NOW,
    REVIEW,
    START,
    STORE,
    TEXTS,
    Lists,
    a_raw,
    an_item,
    before,
    decided,
    key_of,
    local,
)

EVENING = local("2025-10-22 20:05")
LATE = before(START, hours=1)


def steps(outcome: Outcome) -> list[str]:
    """Name what was done, in order; a flag and a message by their own words."""
    named = {"flag": lambda value: value, "message": lambda value: value.kind}
    return [named.get(what, lambda _, w=what: w)(value) for what, _, value in outcome.steps]


def test_l11_the_item_is_put_before_both_messages() -> None:
    assert steps(decided(a_raw(), now=LATE)) == ["put", "confirmation", "guide", "telegram"]


def test_l12_l14_each_flag_is_written_before_its_message() -> None:
    outcome = decided(a_raw(), items=an_item(confirm_sms=False), now=LATE)

    assert steps(outcome) == ["confirm_sms", "confirmation", "remind_sms", "guide", "telegram"]
    assert {key for _, key, _ in outcome.steps[:4]} == {key_of()}


def test_l13_l14_the_events_flag_is_written_before_it() -> None:
    done = a_raw(options=REVIEW, status="RC08")

    outcome = decided(completed=[done], items=an_item(), now=EVENING)

    assert steps(outcome) == ["option_sms", "event", "telegram"]


def test_l22_the_decisions_on_confirmed_bookings_come_first() -> None:
    done = a_raw(2, options=REVIEW, status="RC08")

    outcome = decided(a_raw(), completed=[done], items=an_item(2), now=EVENING)

    assert steps(outcome) == ["put", "confirmation", "option_sms", "event", "telegram"]


def test_l18_only_the_guide_has_a_sender_of_its_store() -> None:
    texts = replace(TEXTS, guide_senders={STORE: "0310000001"})
    raws = [a_raw(), a_raw(2, store="951291")]

    messages = [
        message for _, message in decide(raws, [], {}, now=lambda: LATE, texts=texts).messages
    ]

    assert [(m.kind, m.sender) for m in messages] == [
        ("confirmation", "0310000000"),
        ("guide", "0310000001"),
        ("confirmation", "0310000000"),
        ("guide", "0310000000"),
    ]


def test_l8_l24_the_range_does_not_follow_the_order_of_the_table() -> None:
    naver = Lists()
    items = an_item(1, NOW) | an_item(2, before(NOW, days=3)) | an_item(3, before(NOW, days=1))

    decide_from(naver, items, store_ids=[STORE], now=lambda: NOW, texts=TEXTS)

    window = ("2025-10-19T14:02:15.000Z", "2025-10-22T14:02:15.000Z")
    assert naver.asked[0] == (STORE, "RC08", window)


def test_l8_an_open_item_without_a_time_ends_the_reading_as_well() -> None:
    naver = Lists(confirmed={STORE: [a_raw(2)]})
    items = an_item()
    del items[key_of()]["booking_time"]

    outcome = decide_from(naver, items, store_ids=[STORE], now=lambda: NOW, texts=TEXTS)

    assert [status for _, status, _ in naver.asked] == ["RC03"]
    assert len(outcome.messages) == 1


def test_the_errors_that_nobody_hears_about_are_named_by_their_number() -> None:
    items = an_item(2)
    del items[key_of(2)]["remind_sms"]
    naver = Lists(confirmed={STORE: [a_raw(), a_raw(2)]})

    outcome = decide_from(
        naver,
        items,
        store_ids=[STORE],
        now=lambda: NOW,
        texts=TEXTS,
        unreadable=frozenset([key_of()]),
    )

    assert [number for number, _ in outcome.swallowed] == ["L15", "L17"]
    assert outcome.lines == (
        "010-0000-0001 예약확정 문자 발송 완료",
        "010-0000-0002 안내 문자 발송 실패",
    )
    assert outcome.telegram == ("\n".join(outcome.lines),)


def test_l9_l22_a_run_that_failed_has_no_lines_and_tells_what_ended_it() -> None:
    outcome = decide_from(
        Lists(uncounted=STORE), {}, store_ids=[STORE], now=lambda: NOW, texts=TEXTS
    )

    assert [number for number, _ in outcome.swallowed] == ["L8"]
    assert (outcome.died and outcome.died.cause, outcome.lines) == ("L9", ())


@pytest.mark.parametrize(
    ("service", "match", "kind", "number"),
    [
        ("sens", "POST", "drop_before", "L17"),
        ("aws", "PutItem", "status:400", "L17"),
        ("aws", "Scan", "status:400", "L22"),
        ("telegram", "", "drop_before", "L31"),
        ("partner", "/count", "status:500", "L9"),
    ],
)
def test_a_real_run_names_them_too(
    world: Sandbox, service: str, match: str, kind: str, number: str
) -> None:
    start = world.world.now() + timedelta(hours=30)
    world.world.stores[STORE][:] = [a_booking(STORE, 1, start, phone="01000000001")]
    settings = replace(from_sandbox(world.environment()), store_ids=("951291", STORE))
    world.world.stores["951291"].clear()
    world.world.faults.append(Fault(service, match, kind, value="Refused"))

    outcome = legacy_run.observed(settings)

    death = [outcome.died.cause] if outcome.died else []
    assert [number for number, _ in outcome.swallowed] + death == [number]


def test_l14_a_real_run_notes_a_message_that_sens_refuses_as_sent(world: Sandbox) -> None:
    world.world.sens.senders.clear()
    world.world.booking_switches.max_range_days = None

    outcome = legacy_run.observed(from_sandbox(world.environment()))

    assert world.messages() == []
    assert len(outcome.messages) == len(outcome.lines) > 0
    table = {(item["booking_num"], item["phone"]): item for item in world.sms_items()}
    assert outcome.items.items() <= table.items()
