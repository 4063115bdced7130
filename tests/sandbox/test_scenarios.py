from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import pytest

from sandbox.naver.bookings import a_booking
from sandbox.scenarios.build import Scenario, load_scenario, scenario_names
from sandbox.scenarios.roles import Flags, record_of
from tests.sandbox.oracle import can_be_texted, count_run, start_of

EIGHT = ["1051707", "951291", "1120125", "1285716", "1462519", "1473826", "1466783", "867589"]


def all_of(scenario: Scenario, status: str) -> list[dict[str, Any]]:
    every = chain.from_iterable(scenario.stores.values())
    return [raw for raw in every if raw["bookingStatusCode"] == status]


@pytest.mark.parametrize("name", scenario_names())
def test_the_expected_sums_are_what_an_independent_count_finds(name: str) -> None:
    scenario = load_scenario(name)

    sums = count_run(scenario.stores, scenario.records, scenario.now)

    expected = scenario.expected
    assert sums.bookings_confirmed == expected["bookings_confirmed"]
    assert sums.bookings_completed == expected["bookings_completed"]
    assert sums.records_created == expected["records_created"]
    assert sums.quarantined == expected["quarantined"]
    assert sums.messages == expected["messages"]


@pytest.mark.parametrize("name", scenario_names())
def test_the_expected_messages_of_every_store_add_up(name: str) -> None:
    scenario = load_scenario(name)

    for store, messages in scenario.expected["messages_per_store"].items():
        alone = count_run({store: scenario.stores[store]}, scenario.records, scenario.now)
        assert alone.messages == messages, store
    per_store = scenario.expected["messages_per_store"].values()
    for kind, total in scenario.expected["messages"].items():
        assert sum(messages[kind] for messages in per_store) == total


def test_the_first_run_is_the_one_of_the_story() -> None:
    scenario = load_scenario("first-run")

    sums = count_run(scenario.stores, scenario.records, scenario.now)

    assert scenario.now == datetime.fromisoformat("2025-10-22T14:02:15+09:00")
    assert list(scenario.stores) == EIGHT
    assert len(all_of(scenario, "RC03")) == 147
    assert len(all_of(scenario, "RC08")) == 34
    assert (sums.records_created, sums.soon) == (8, 3)
    assert sums.messages == {"confirmation": 8, "guide": 15, "event": 0}
    assert scenario.session is None


def test_the_first_run_needs_a_second_page_and_has_a_store_without_completed_bookings() -> None:
    scenario = load_scenario("first-run")

    confirmed = Counter(str(raw["businessId"]) for raw in all_of(scenario, "RC03"))
    completed = Counter(str(raw["businessId"]) for raw in all_of(scenario, "RC08"))

    assert confirmed["1051707"] > 50
    assert confirmed.most_common(2)[1][0] == "951291"
    assert completed["1473826"] == 0
    for store in ("1462519", "1473826", "867589"):
        assert confirmed[store] > 0
        assert sum(scenario.expected["messages_per_store"][store].values()) == 0


@pytest.mark.parametrize("name", ["first-run", "evening", "quiet"])
@pytest.mark.parametrize("minutes", [1, 5, 12, 20, 30])
def test_a_run_some_minutes_later_owes_exactly_the_same(name: str, minutes: int) -> None:
    scenario = load_scenario(name)
    first = count_run(scenario.stores, scenario.records, scenario.now)

    later = count_run(scenario.stores, scenario.records, scenario.now + timedelta(minutes=minutes))

    assert later.owed == first.owed


@pytest.mark.parametrize("name", ["first-run", "evening", "quiet"])
def test_once_everything_owed_is_sent_nothing_is_owed_any_more(name: str) -> None:
    scenario = load_scenario(name)
    flags = {"confirmation": "confirm_sms", "guide": "remind_sms", "event": "option_sms"}
    records = {record["booking_num"]: record for record in scenario.records}
    raws = {raw["bookingId"]: raw for raw in chain.from_iterable(scenario.stores.values())}

    for kind, booking_id in count_run(scenario.stores, scenario.records, scenario.now).owed:
        raw = raws[booking_id]
        new = record_of(raw, Flags(False, False, False), start=scenario.now)
        records.setdefault(new["booking_num"], new)[flags[kind]] = True
    later = scenario.now + timedelta(minutes=20)
    second = count_run(scenario.stores, list(records.values()), later)

    assert second.owed == []
    assert second.records_created == 0


def test_the_completed_bookings_lie_in_the_window_that_is_read() -> None:
    for name in ("first-run", "evening"):
        scenario = load_scenario(name)
        for raw in all_of(scenario, "RC08"):
            start = start_of(raw)
            assert start is not None
            assert scenario.now - timedelta(days=28) < start < scenario.now


def test_the_awkward_data_of_the_first_run_is_there() -> None:
    scenario = load_scenario("first-run")
    confirmed = all_of(scenario, "RC03")
    phones = [raw.get("phone") for raw in confirmed]
    names = {raw["name"] for raw in confirmed}

    assert {None, "", "0100000", "0200000000"} <= set(phones)
    assert any(phone and not phone.lstrip("+").isdigit() for phone in phones)
    for start in ("011", "016", "0502", "+82"):
        assert any(phone and phone.startswith(start) and can_be_texted(phone) for phone in phones)
    assert [n for phone, n in Counter(phones).items() if n > 1] == [2]
    assert sum("startDateTime" not in raw["snapshotJson"] for raw in confirmed) == 1
    assert any(raw["bookingOptionJson"] == [] for raw in confirmed)
    assert {1, 2, 3, 4} <= {len(name) for name in names}
    assert max(map(len, names)) > 12
    assert any("*" in name and "_" in name and "[" in name for name in names)


def test_a_confirmed_booking_that_is_over_and_unknown_is_owed_nothing() -> None:
    scenario = load_scenario("first-run")
    known = {record["booking_num"] for record in scenario.records}
    forgotten = [
        raw
        for raw in all_of(scenario, "RC03")
        if f"{raw['businessId']}_{raw['bookingId']}" not in known
        and can_be_texted(raw.get("phone"))
        and (start := start_of(raw)) is not None
        and start < scenario.now
    ]

    sums = count_run(scenario.stores, scenario.records, scenario.now)

    assert len(forgotten) == 1
    assert forgotten[0]["bookingId"] not in [booking_id for _, booking_id in sums.owed]


def test_completed_bookings_come_with_and_without_records_and_review_options() -> None:
    scenario = load_scenario("evening")
    records = {record["booking_num"]: record for record in scenario.records}
    seen = Counter[tuple[str, bool]]()

    for raw in all_of(scenario, "RC08"):
        record = records.get(f"{raw['businessId']}_{raw['bookingId']}")
        options = str(raw["bookingOptionJson"])
        flag = "none" if record is None else str(record["option_sms"])
        seen[flag, any(word in options for word in ("네이버", "인스타", "원본"))] += 1

    assert seen["False", True] >= 15
    assert min(seen["True", True], seen["none", True], seen["False", False]) >= 3


def test_ids_and_keys_are_unique() -> None:
    scenario = load_scenario("first-run")
    every = [raw for store in scenario.stores.values() for raw in store]

    assert len({raw["bookingId"] for raw in every}) == len(every)
    keys = [(record["booking_num"], record["phone"]) for record in scenario.records]
    assert len(set(keys)) == len(keys)


def test_all_data_is_invented() -> None:
    scenario = load_scenario("first-run")

    for raw in chain.from_iterable(scenario.stores.values()):
        assert raw["email"].endswith(".invalid")
        digits = re.sub(r"\D", "", raw.get("phone", ""))
        assert len(digits) < 10 or digits[-8:-4] in ("0000", "0001", "1000"), digits


def test_loading_gives_the_same_world_every_time_and_shares_nothing() -> None:
    first, second = load_scenario("first-run"), load_scenario("first-run")

    assert first.stores == second.stores
    assert first.records == second.records
    first.stores["1051707"][0]["snapshotJson"]["name"] = "바뀐 이름"
    assert first.stores != second.stores
    assert load_scenario("first-run").stores == second.stores


def test_an_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="no scenario 'frist-run'; known: empty, evening, first"):
        load_scenario("frist-run")


def test_records_are_written_as_the_legacy_writes_them() -> None:
    scenario = load_scenario("first-run")

    for record in scenario.records:
        assert set(record) == {
            "booking_num",
            "phone",
            "name",
            "booking_time",
            "confirm_sms",
            "remind_sms",
            "option_sms",
            "option_time",
        }
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:00", record["booking_time"])
        assert re.fullmatch(r"\d+_\d{10}", record["booking_num"])


def test_a_raw_booking_has_both_time_formats_ints_and_absent_keys() -> None:
    start = datetime.fromisoformat("2025-10-23T18:00:00+09:00")

    raw = a_booking("1051707", 1000000001, start, options=[("인스타 업로드", 2)])

    assert raw["snapshotJson"]["startDateTime"] == "2025-10-23T09:00:00Z"
    assert raw["snapshotJson"]["endDateTime"] == "2025-10-23T10:00:00Z"
    assert raw["regDateTime"].endswith("+09:00")
    assert raw["startDate"] == "2025-10-23"
    assert isinstance(raw["bookingId"], int)
    assert isinstance(raw["businessId"], int)
    assert raw["bookingOptionJson"] == raw["snapshotJson"]["bookingOptionJson"]
    assert raw["bookingOptionJson"][0]["bookingCount"] == 2
    for absent in ("cancelledDateTime", "completedDateTime", "visitorName", "visitorPhone"):
        assert absent not in raw
