"""The modelled legacy really running, against the sandbox over HTTP (L4-L9, L14, L17-L22)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from legacy import run as legacy_run
from legacy.settings import LegacySettings, from_sandbox
from sandbox.faults import Fault
from sandbox.naver.bookings import PLAIN_OPTIONS, a_booking
from sandbox.request_log import Seen
from sandbox.server import Sandbox
from tests.legacy.deciding import REVIEW, STORE, an_item, key_of

OTHER = "951291"


@pytest.fixture
def shop(world: Sandbox) -> Sandbox:
    """Two stores without a booking, and Naver takes a range of any length."""
    for store in world.world.stores.values():
        store.clear()
    for item in world.sms_items():
        world._aws.delete("sms", {key: item[key] for key in ("booking_num", "phone")})
    world.world.booking_switches.max_range_days = None
    world.world.requests.clear()
    return world


def settings_of(world: Sandbox, **changes: Any) -> LegacySettings:
    return replace(from_sandbox(world.environment()), store_ids=(STORE, OTHER), **changes)


def run(world: Sandbox, **changes: Any) -> None:
    assert legacy_run.run(settings_of(world, **changes)) == "success"


def book(world: Sandbox, number: int = 1, *, hours: float = 1, **changes: Any) -> None:
    start = (world.world.now() + timedelta(hours=hours)).replace(second=0, microsecond=0)
    values = {"phone": f"0100000{number:04}", **changes}
    world.world.stores[STORE].append(a_booking(STORE, number, start, **values))


def sent(world: Sandbox) -> list[tuple[str, str]]:
    return [(m["to"], m["content"]) for m in world.messages()]


def told(world: Sandbox) -> list[str]:
    return [text["text"] for text in world.world.telegram]


def asked(world: Sandbox, service: str, word: str = "") -> list[Seen]:
    return [seen for seen in world.world.requests if seen.service == service and word in seen.line]


def test_l4_the_cookies_reach_the_booking_api_as_name_and_value(shop: Sandbox) -> None:
    run(shop)

    (session,) = [item for item in shop.session_items() if item["id"] == "1"]
    pairs = {f"{c['name']}={c['value']}" for c in json.loads(session["cookies"])}
    for seen in asked(shop, "partner"):
        assert set(seen.headers["cookie"].split("; ")) == pairs


def test_l5_l6_the_count_is_asked_as_the_owner_and_the_list_follows(shop: Sandbox) -> None:
    book(shop)
    run(shop)

    count, page = asked(shop, "partner", STORE)[:2]
    assert count.path == f"/v3.1/businesses/{STORE}/bookings/count"
    assert count.headers["x-booking-naver-role"] == "OWNER"
    assert count.headers["referer"].endswith(f"/bizes/{STORE}/booking-list-view")
    assert page.path == f"/api/businesses/{STORE}/bookings"


def test_l7_the_parameters_are_the_legacys(shop: Sandbox) -> None:
    shop.put_sms_item(an_item()[key_of()])
    run(shop)

    completed, confirmed = (
        {k: v[0] for k, v in parse_qs(seen.query, keep_blank_values=True).items()}
        for seen in asked(shop, "partner", STORE)
    )
    assert abs(int(confirmed.pop("noCache")) - int(completed.pop("noCache"))) < 60_000
    assert confirmed == {
        "bizItemTypes": "STANDARD",
        "bookingStatusCodes": "RC03",
        "dateDropdownType": "ENTIRE",
        "dateFilter": "USEDATE",
        "maxDays": "31",
        "nPayChargedStatusCodes": "",
        "orderBy": "",
        "orderByStartDate": "ASC",
        "paymentStatusCodes": "",
        "searchValue": "",
        "page": "0",
        "size": "50",
    }
    assert completed == confirmed | {
        "bookingStatusCodes": "RC08",
        "startDateTime": "2025-10-22T18:00:00.000Z",
        "endDateTime": "2025-10-22T18:00:00.000Z",
    }


def test_l6_a_second_page_is_read(shop: Sandbox) -> None:
    for number in range(51):
        book(shop, number, hours=30)
    run(shop)

    assert len(sent(shop)) == 51
    assert len(asked(shop, "partner", f"GET /api/businesses/{STORE}")) == 2


def test_l8_an_open_item_behind_the_first_megabyte_is_not_seen(shop: Sandbox) -> None:
    for number in range(4):  # a megabyte and more, none of them open
        item = an_item(number, option_sms=True, note="x" * 380_000)[key_of(number)]
        shop.put_sms_item(item)
    shop.put_sms_item(an_item(9)[key_of(9)])
    run(shop)

    assert len(asked(shop, "aws", "Scan")) == 1
    assert asked(shop, "partner", "RC08") == []


def test_l9_a_count_that_fails_ends_the_run_and_nobody_is_told_why(shop: Sandbox) -> None:
    book(shop)
    shop.world.faults.append(Fault("partner", f"businesses/{OTHER}/bookings/count"))
    run(shop)

    assert (sent(shop), told(shop)) == ([], ["요청중 오류 발생"])


def test_l9_a_pause_follows_each_store_and_status(
    shop: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("legacy.run.time.sleep", pauses.append)
    shop.put_sms_item(an_item()[key_of()])
    run(shop, pause=1.0)

    assert pauses == [1.0] * 3  # one completed list: the other store has no open item; two others


def test_l14_a_refused_message_is_lost_and_its_flag_is_set(shop: Sandbox) -> None:
    book(shop)
    shop.world.sens.senders.clear()
    run(shop)
    shop.world.sens.senders.add(shop.world.sens.default_sender)
    run(shop)

    assert sent(shop) == []
    (item,) = shop.sms_items()
    assert (item["confirm_sms"], item["remind_sms"]) == (True, True)
    assert told(shop)[0].splitlines() == [
        "010-0000-0001 예약확정 문자 발송 완료",
        "010-0000-0001 안내 문자 발송 완료",
    ]


def test_l14_l17_a_connection_that_breaks_leaves_the_flags_and_a_line(shop: Sandbox) -> None:
    book(shop)
    book(shop, 2)
    shop.world.faults.append(Fault("sens", "POST", "drop_before"))
    run(shop)
    run(shop)

    assert [to for to, _ in sent(shop)] == ["01000000002"] * 2
    assert {(i["confirm_sms"], i["remind_sms"]) for i in shop.sms_items()} == {(True, True)}
    assert told(shop)[0].splitlines()[0] == "010-0000-0001 안내 문자 발송 실패"


def test_l15_a_read_error_confirms_a_known_booking_once_more(shop: Sandbox) -> None:
    book(shop, hours=30)
    run(shop)
    shop.world.faults.append(Fault("aws", "GetItem", "status:400", after=1, value="Refused"))
    run(shop)

    assert [to for to, _ in sent(shop)] == ["01000000001"] * 2


def test_l18_l19_sens_takes_the_signature_and_one_message_a_request(shop: Sandbox) -> None:
    book(shop)
    run(shop)

    posts = asked(shop, "sens", "POST")
    assert [seen.status for seen in posts] == [202, 202]
    bodies = [json.loads(seen.body) for seen in posts]
    assert [body["messages"] for body in bodies] == [[{"to": "01000000001"}]] * 2
    assert {(b["type"], b["contentType"], b["subject"]) for b in bodies} == {
        ("LMS", "COMM", "스튜디오 안내")
    }
    for seen in posts:
        assert {"x-ncp-apigw-timestamp", "x-ncp-iam-access-key"} < set(seen.headers)


def test_l18_an_emoji_is_spoiled_on_its_way(shop: Sandbox) -> None:
    texts = settings_of(shop).texts
    book(shop, hours=30)
    run(shop, texts=replace(texts, confirmation="예약 확정 🎉"))

    (message,) = shop.world.messages
    assert message["unencodable"]


def test_l20_the_owner_gets_one_text_a_run(shop: Sandbox) -> None:
    run(shop)
    book(shop, hours=30)
    run(shop)

    assert told(shop) == ["문자 발송 대상 없음", "010-0000-0001 예약확정 문자 발송 완료"]


def test_l21_cookies_names_and_phones_are_printed(shop: Sandbox) -> None:
    book(shop, name="김하나")
    printed: list[str] = []
    legacy_run.run(settings_of(shop), out=printed.append)

    cookie = shop.world.cookies.alive[0].ses
    assert any(cookie in line for line in printed)
    assert "김하나 010-0000-0001" in printed


def test_l22_the_order_of_a_run(shop: Sandbox) -> None:
    book(shop)
    shop.put_sms_item(an_item(9)[key_of(9)])
    shop.world.requests.clear()
    run(shop)

    steps: list[str] = []
    for seen in shop.world.requests:
        what = seen.target.rpartition(".")[2] if seen.service == "aws" else seen.service
        if seen.service == "partner":
            what = parse_qs(seen.query)["bookingStatusCodes"][0]
        steps += [what] if steps[-1:] != [what] else []
    assert steps == [
        "GetItem", "Scan", "RC08", "RC03", "GetItem", "PutItem", "sens", "telegram",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "fault",
    [
        Fault("partner", times=None),
        Fault("aws", "Scan", "status:400", value="Refused"),
        Fault("telegram", times=None),
    ],
    ids=["naver", "dynamodb", "telegram"],
)
def test_l22_whatever_happens_ends_as_a_success(shop: Sandbox, fault: Fault) -> None:
    shop.world.faults.append(fault)
    run(shop)

    assert sent(shop) == []


def test_l22_also_when_not_even_telegram_can_be_reached(shop: Sandbox) -> None:
    shop.world.faults.append(Fault("telegram", "", "drop_before", times=None))
    run(shop)

    assert told(shop) == []


def test_l13_the_event_really_goes_out_in_the_evening(shop: Sandbox) -> None:
    for number, options in ((1, REVIEW), (2, [(PLAIN_OPTIONS[0], 1)])):
        book(shop, number, hours=-4, status="RC08", options=options)
        raw = shop.world.stores[STORE][-1]
        start = shop.world.now() - timedelta(hours=4)
        assert raw["bookingStatusCode"] == "RC08"
        item = an_item(number, start.replace(tzinfo=None, second=0))[key_of(number)]
        # Told the local time as UTC, Naver leaves out what began earlier that day (L8).
        early = {**item, "booking_time": "2025-10-21 00:00:00"}
        shop.put_sms_item(early if number == 1 else item)
    run(shop)
    shop.world.advance(6 * 3600)
    run(shop)

    assert [to for to, _ in sent(shop)] == ["01000000001"]


def test_l8_told_local_times_as_utc_naver_leaves_out_what_began_in_the_last_nine_hours(
    shop: Sandbox,
) -> None:
    shop.world.advance(6 * 3600 + 180)
    book(shop, hours=-4, status="RC08", options=REVIEW)
    start = shop.world.now() - timedelta(hours=4)
    shop.put_sms_item(an_item(1, start.replace(tzinfo=None, second=0, microsecond=0))[key_of()])
    run(shop)

    assert sent(shop) == []
