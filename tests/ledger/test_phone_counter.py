"""The cap of a phone, in a real table and with SENS's real log."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, replace
from datetime import timedelta
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr

from naverplace.aws.dynamodb import open_dynamodb
from naverplace.aws.table import StateTable
from naverplace.base.errors import Throttled
from naverplace.domain.sms_log import SmsLogEntry
from naverplace.ledger.caps import CapReached
from naverplace.ledger.phone_counter import PhoneCounter, delete_counters, old_counters
from naverplace.messaging.sens import SensClient
from naverplace.settings.loader import load_settings
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.values_outside import NOON, TICK, Shown

PHONE = "01000000071"
LISTS = pytest.mark.missing_in("dynalite", "there no list equals another")


def counter(settings: Settings, *, most: int = 3) -> PhoneCounter:
    clock = settings.make_clock()
    return PhoneCounter(
        StateTable(open_dynamodb(settings.aws), settings.aws.session_table),
        clock,
        most=most,
        key=settings.sens.secret_key,
        find=SensClient(settings.sens, clock).find,
    )


def standing(settings: Settings, after: timedelta = timedelta(), **changes: Any) -> PhoneCounter:
    """Make a counter of one message so long after noon; SENS's log shows none."""
    phones = replace(
        counter(settings, most=1), clock=Shown(hands=[NOON + after]), find=lambda **_: []
    )
    return replace(phones, **changes)


def marks(world: Sandbox) -> list[str]:
    (item,) = (i for i in world.session_items() if str(i["id"]).startswith("naverplace-phone"))
    return list(item["marks"])


def send(settings: Settings, phones: PhoneCounter, times: int) -> int:
    """Count and send as often as the cap allows; gives how often that was."""
    sens, sent = SensClient(settings.sens, settings.make_clock()), 0
    for _ in range(times):
        try:
            phones.count(PHONE)
        except CapReached:
            continue
        sens.send(to=PHONE, sender=settings.sens.default_sender, subject="", text="안내")
        sent += 1
    return sent


def test_no_more_than_the_cap_are_sent_and_another_phone_has_its_own(
    settings: Settings, world: Sandbox
) -> None:
    phones = counter(settings)

    assert send(settings, phones, 6) == 3
    assert len(world.messages()) == 3
    assert phones.is_reached(PHONE)
    phones.count("01000000072")
    assert PHONE not in json.dumps(world.session_items())
    with pytest.raises(CapReached, match=r"010-\*\*\*\*-0071 within 24 hours, at most 3"):
        phones.count(PHONE)


@LISTS
def test_a_day_later_the_phone_may_get_messages_again(
    settings: Settings, world: Sandbox, world_env: dict[str, str]
) -> None:
    send(settings, counter(settings), 4)
    world.world.advance(timedelta(hours=25).total_seconds())
    later = load_settings(env={**world_env, **world.environment()}, env_file=None)

    assert send(later, counter(later), 4) == 3


@LISTS
def test_what_sens_never_accepted_takes_no_place_for_long(
    settings: Settings, world: Sandbox, world_env: dict[str, str]
) -> None:
    phones = counter(settings)
    for _ in range(3):
        phones.count(PHONE)  # each ended in doubt, and SENS took none
    world.world.advance(600)
    later = load_settings(env={**world_env, **world.environment()}, env_file=None)

    assert send(later, counter(later), 2) == 2


@LISTS
def test_three_times_the_cap_is_the_end_whatever_the_log_says(settings: Settings) -> None:
    phones = counter(settings)
    blind = PhoneCounter(
        phones.session, phones.clock, phones.most, phones.key, lambda **_: [], timedelta()
    )

    def counted() -> bool:
        try:
            return bool(blind.count(PHONE))
        except CapReached:
            return False

    assert sum(counted() for _ in range(15)) == 9


@LISTS
def test_a_count_taken_back_makes_room_and_a_reset_begins_anew(settings: Settings) -> None:
    phones = counter(settings)
    marks = [phones.count(PHONE) for _ in range(3)]

    phones.uncount(PHONE, marks[1])
    assert not phones.is_reached(PHONE)
    phones.count(PHONE)

    assert phones.reset(PHONE)
    assert not phones.reset(PHONE)
    assert phones.count(PHONE)


def test_a_count_whose_answer_was_lost_is_one(settings: Settings, world: Sandbox) -> None:
    phones = counter(settings)
    for at in range(3):
        world.world.faults.append(Fault("aws", match=".UpdateItem", kind="drop_after"))
        phones.count(PHONE)
        (item,) = (i for i in world.session_items() if str(i["id"]).startswith("naverplace-phone"))
        assert len(item["marks"]) == at + 1


def test_threads_that_count_at_once_do_not_pass_the_cap(settings: Settings) -> None:
    phones = counter(settings, most=4)

    def counted(_: int) -> bool:
        try:
            return bool(phones.count(PHONE))
        except CapReached:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(counted, range(16))) == 4


@LISTS
def test_counters_are_forgotten_when_they_hold_nothing_new(settings: Settings) -> None:
    phones = counter(settings)
    phones.count(PHONE)
    now = phones.clock.now()

    assert old_counters(phones.session, before=now - timedelta(days=1)) == (1, [])
    seen, old = old_counters(phones.session, before=now + timedelta(days=1))
    assert (seen, len(old)) == (1, 1)
    assert delete_counters(phones.session, old, before=now - timedelta(days=1)) == 0
    assert delete_counters(phones.session, old, before=now + timedelta(days=1)) == 1


def test_a_message_counts_for_24_hours_to_the_moment(settings: Settings) -> None:
    standing(settings).count(PHONE)

    assert standing(settings, timedelta(hours=24) - TICK).is_reached(PHONE)
    assert not standing(settings, timedelta(hours=24)).is_reached(PHONE)


@LISTS
def test_a_message_that_the_log_does_not_show_counts_for_two_minutes(settings: Settings) -> None:
    standing(settings).count(PHONE)

    with pytest.raises(CapReached):
        standing(settings, timedelta(minutes=2) - TICK).count(PHONE)
    assert standing(settings, timedelta(minutes=2)).count(PHONE)


def test_the_log_is_asked_about_the_day_that_is_counted_and_what_is_just_written(
    settings: Settings,
) -> None:
    asked: list[dict[str, Any]] = []

    def find(**words: Any) -> list[SmsLogEntry]:
        asked.append(words)
        return []

    phones = standing(settings, find=find)
    phones.count(PHONE)

    with pytest.raises(CapReached):
        phones.count(PHONE)

    day, settle = timedelta(hours=24), timedelta(minutes=2)
    assert asked == [{"start": NOON - day, "end": NOON + settle, "to": PHONE}]


@LISTS
def test_a_count_taken_back_leaves_those_before_and_after_it(
    settings: Settings, world: Sandbox
) -> None:
    first, second, third = (
        standing(settings, timedelta(seconds=at), most=3).count(PHONE) for at in range(3)
    )

    standing(settings).uncount(PHONE, second)

    assert marks(world) == [first, third]


def test_a_cap_that_was_lowered_holds_for_what_was_counted_before(settings: Settings) -> None:
    for _ in range(5):
        standing(settings, most=5).count(PHONE)

    lowered = standing(settings, timedelta(hours=1))

    assert lowered.is_reached(PHONE)
    with pytest.raises(CapReached):  # five are more than three times the cap: no log is believed
        lowered.count(PHONE)


@LISTS
def test_a_mark_of_that_very_moment_keeps_its_counter(settings: Settings) -> None:
    phones = standing(settings)
    phones.count(PHONE)

    _, old = old_counters(phones.session, before=NOON + TICK)

    assert old_counters(phones.session, before=NOON) == (1, [])
    assert delete_counters(phones.session, old, before=NOON) == 0
    assert delete_counters(phones.session, old, before=NOON + TICK) == 1


@LISTS
@pytest.mark.parametrize(("disturbed", "is_counted"), [(4, True), (5, False)])
def test_a_count_that_others_change_is_tried_five_times(
    disturbed: int, is_counted: bool, settings: Settings, world: Sandbox
) -> None:
    standing(settings).count(PHONE)
    late, tries = standing(settings, timedelta(hours=24)), list[str]()

    def another() -> None:  # of the day before, so that it takes no place
        tries.append(f"{NOON - timedelta(days=1):%FT%T+00:00} {len(tries)}")
        key = {"id": late._id(PHONE)}
        late.session.table.append(key, "marks", tries[-1], condition=Attr("id").exists())

    for _ in range(disturbed):
        world.world.faults.append(Fault("aws", match=".PutItem", kind="hook_then", value=another))

    if is_counted:
        assert late.count(PHONE) in marks(world)
    else:
        with pytest.raises(Throttled, match="again and again"):
            late.count(PHONE)
    assert len(tries) == disturbed


def test_a_counter_is_one_for_all_threads_and_changes_nothing_of_itself(
    settings: Settings,
) -> None:
    with pytest.raises(FrozenInstanceError):
        standing(settings).most = 7  # type: ignore[misc]
