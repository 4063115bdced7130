"""The modelled legacy really running, against the sandbox over HTTP (L4-L9, L14, L17-L22)."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from legacy import run as legacy_run
from sandbox.faults import Fault
from sandbox.naver.bookings import PLAIN_OPTIONS
from sandbox.server import Sandbox
from tests.legacy.deciding import REVIEW, STORE, an_item, key_of
from tests.legacy.running import OTHER, asked, book, run, sent, settings_of, told


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


def test_l8_an_open_item_behind_the_first_page_is_not_seen(
    shop: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.memory_dynamodb.tables.PAGE", 4)  # in the place of a megabyte
    for number in range(4):  # none of them open
        shop.put_sms_item(an_item(number, option_sms=True)[key_of(number)])
    shop.put_sms_item(an_item(9)[key_of(9)])
    run(shop)

    assert len(asked(shop, "aws", "Scan")) == 1
    assert asked(shop, "partner", "RC08") == []


def test_l9_a_count_that_fails_ends_the_run_and_nobody_is_told_why(shop: Sandbox) -> None:
    book(shop)
    shop.world.faults.append(Fault("partner", f"businesses/{OTHER}/bookings/count"))
    run(shop)

    assert (sent(shop), told(shop)) == ([], ["요청중 오류 발생"])


def test_l9_a_second_of_sleep_follows_each_page_and_an_empty_store_has_none(
    shop: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("legacy.run.time.sleep", pauses.append)
    for number in range(51):
        book(shop, number, hours=30)
    book(shop, 60, hours=-2, status="RC08")
    shop.put_sms_item(an_item(60, booking_time="2025-10-20 00:00:00")[key_of(60)])
    shop.put_sms_item(an_item(61, booking_time="2025-10-24 00:00:00")[key_of(61)])
    run(shop, pause=1.0)

    assert pauses == [1.0] * 3  # one completed page, two confirmed ones; the other store is empty


@pytest.mark.parametrize("count", ['"1"', "1.0", "0.0", "null", "[1]"])
def test_l5_a_count_that_is_text_or_a_float_ends_the_run(shop: Sandbox, count: str) -> None:
    book(shop)
    body = f'{{"count": {count}}}'
    shop.world.faults.append(Fault("partner", "bookings/count", "json", value=body))
    outcome = legacy_run.observed(settings_of(shop))

    assert (sent(shop), told(shop), shop.sms_items()) == ([], ["요청중 오류 발생"], [])
    assert outcome.died
    assert (outcome.died.cause, outcome.died.store_id) == ("L9", STORE)


def test_l5_the_count_has_a_browsers_headers_and_the_list_none_of_them(shop: Sandbox) -> None:
    book(shop)
    run(shop)

    count, page = asked(shop, "partner", STORE)[:2]
    own = {"authority", "accept-language", "sec-ch-ua", "sec-fetch-mode", "x-booking-naver-role"}
    assert own <= set(count.headers)
    assert not own & set(page.headers)
    for seen in (count, page):
        assert seen.headers["user-agent"].startswith("python-requests/")


@pytest.mark.parametrize("wrong", ["2025-10-22", "2025-10-22T10:00:00", "어제", "", 20251022, None])
def test_l8_the_ranges_end_at_an_edge_that_is_no_time_and_the_run_goes_on(
    shop: Sandbox, wrong: Any
) -> None:
    book(shop, hours=30)
    shop.put_sms_item(an_item(7, booking_time=wrong)[key_of(7)])
    shop.put_sms_item(an_item(8, store=OTHER)[key_of(8, store=OTHER)])
    run(shop)

    assert asked(shop, "partner", "RC08") == []
    assert told(shop) == ["010-0000-0001 예약확정 문자 발송 완료"]


def test_l8_a_wrong_time_between_the_edges_changes_nothing(shop: Sandbox) -> None:
    for number, time in enumerate(
        ("2025-10-20 09:00:00", "2025-10-21 어제", "2025-10-22 18:00:00")
    ):
        shop.put_sms_item(an_item(number, booking_time=time)[key_of(number)])
    run(shop)

    (seen,) = asked(shop, "partner", "RC08")
    query = parse_qs(seen.query)
    assert query["startDateTime"] + query["endDateTime"] == [
        "2025-10-20T09:00:00.000Z",
        "2025-10-22T18:00:00.000Z",
    ]


def test_l10_blanks_around_a_phone_are_stripped_on_the_wire_only(shop: Sandbox) -> None:
    book(shop, hours=30, phone=" 01000000001 ")
    run(shop)

    assert [to for to, _ in sent(shop)] == ["01000000001"]
    assert [item["phone"] for item in shop.sms_items()] == [" 01-0000-00001 "]
    assert told(shop) == [" 01-0000-00001  예약확정 문자 발송 완료"]


@pytest.mark.parametrize("value", [None, "", [], {}])
def test_l12_l13_a_flag_that_is_null_or_empty_is_left_alone(shop: Sandbox, value: Any) -> None:
    flags = {"confirm_sms": value, "remind_sms": value, "option_sms": value}
    book(shop)
    shop.put_sms_item(an_item(**flags)[key_of()])
    before = shop.sms_items()
    run(shop)
    shop.world.advance(6 * 3600)
    run(shop)

    assert (sent(shop), shop.sms_items()) == ([], before)


def test_l17_a_store_without_a_guide_posts_null_and_says_done(shop: Sandbox) -> None:
    book(shop)
    texts = settings_of(shop).texts
    run(shop, texts=replace(texts, guides={}))

    posts = asked(shop, "sens", "POST")
    assert [json.loads(seen.body)["content"] for seen in posts] == [texts.confirmation, None]
    assert [seen.status for seen in posts] == [202, 400]
    assert told(shop)[0].splitlines()[1] == "010-0000-0001 안내 문자 발송 완료"


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


@pytest.mark.parametrize("refuses", [True, False])
def test_l18_signs_that_euc_kr_lacks_are_posted_and_told_as_done_whatever_sens_does(
    shop: Sandbox, *, refuses: bool
) -> None:
    shop.world.sens.refuses_unencodable = refuses
    texts = settings_of(shop).texts
    book(shop, hours=30)
    run(shop, texts=replace(texts, confirmation="오시는 길 \u2b07"))

    assert told(shop) == ["010-0000-0001 예약확정 문자 발송 완료"]
    assert [message["unencodable"] for message in shop.messages()] == ["\u2b07"] * (not refuses)


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
        Fault("telegram", "", "drop_before"),
    ],
    ids=["naver", "dynamodb", "telegram", "telegram once"],
)
def test_l22_what_fails_ends_as_a_success(shop: Sandbox, fault: Fault) -> None:
    shop.world.faults.append(fault)
    run(shop)

    assert sent(shop) == []


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
