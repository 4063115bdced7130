"""The sandbox's SENS keeps the vendor's rules (outside-services: SENS send, SENS list)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import requests

from sandbox.server import Sandbox
from tests.sandbox.signing import TO, Caller


@pytest.fixture
def sens(world: Sandbox) -> Caller:
    return Caller(world)


def window(world: Sandbox) -> str:
    day = f"{world.world.now():%Y-%m-%d}"
    start, end = quote(f"{day} 00:00:00"), quote(f"{day} 23:59:59")
    return f"?requestStartTime={start}&requestEndTime={end}"


def test_an_accepted_message_is_kept_with_its_ids(sens: Caller, world: Sandbox) -> None:
    answer = sens.send()

    assert answer.status_code == 202
    body = answer.json()
    assert (body["statusCode"], body["statusName"]) == ("202", "success")
    assert body["requestTime"].startswith("2025-10-22T14:02:")
    [kept] = world.messages()
    assert kept["requestId"] == body["requestId"]
    assert (kept["to"], kept["from"]) == (TO, world.world.sens.default_sender)
    assert kept["content"] == "예약이 확정되었습니다."


def test_two_sends_are_two_messages_with_different_ids(sens: Caller, world: Sandbox) -> None:
    first, second = sens.send().json(), sens.send().json()

    assert first["requestId"] != second["requestId"]
    assert len(world.messages()) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"access_key": "SomebodyElse"},
        {"secret_key": "guessed"},
        {"skew_ms": 305_000},
        {"skew_ms": -305_000},
        {"timestamp": "yesterday"},
    ],
)
def test_who_is_not_authentic_is_refused_by_the_gateway(world: Sandbox, wrong: Any) -> None:
    answer = Caller(world, **wrong).send()

    assert answer.status_code == 401
    assert answer.json()["error"]["errorCode"] == "200"
    assert world.messages() == []


def test_a_clock_less_than_five_minutes_off_is_believed(world: Sandbox) -> None:
    assert Caller(world, skew_ms=-290_000).send().status_code == 202
    assert Caller(world, skew_ms=290_000).send().status_code == 202


def test_the_query_is_signed_exactly_as_it_was_sent(sens: Caller, world: Sandbox) -> None:
    sens.send()

    # Both spell a blank; the signature holds for the spelling that was sent.
    for blank in ("%20", "+"):
        query = window(world).replace("%20", blank)
        assert sens.look(query).status_code == 200, blank


def test_a_query_that_was_not_signed_is_refused(sens: Caller, world: Sandbox) -> None:
    signed = sens.look("?requestId=x").request.headers
    other = f"{world.urls['sens']}{sens.base}/messages?requestId=y"

    answer = requests.get(other, headers=dict(signed), timeout=10)

    assert answer.status_code == 401


def test_an_unknown_service_is_the_gateways_300(world: Sandbox) -> None:
    answer = Caller(world, service_id="ncp:sms:kr:000000000000:other").send()

    assert (answer.status_code, answer.json()["error"]["errorCode"]) == (404, "300")


@pytest.mark.parametrize(
    "changes",
    [
        {"from": "0319999999"},
        {"from": "031-000-0000"},
        {"from": None},
        {"type": None},
        {"type": "KAKAO"},
        {"contentType": "NEWS"},
        {"content": ""},
        {"content": 5},
        {"messages": []},
        {"messages": "01000000001"},
        {"messages": [{"to": "010-0000-0001"}]},
        {"messages": [{"to": ""}]},
        {"messages": [{"content": "nobody"}]},
        {"messages": [{"to": TO}] * 101},
        {"subject": "가" * 21},
        {"countryCode": "1"},
        {"reserveTime": "2025-10-23 10:00"},
    ],
)
def test_a_request_against_the_schema_is_refused_whole(
    sens: Caller, world: Sandbox, changes: dict[str, Any]
) -> None:
    answer = sens.send(**changes)

    assert answer.status_code == 400
    assert answer.json()["status"] == 400
    assert answer.json()["errorMessage"]
    assert world.messages() == []


def test_a_hundred_messages_are_one_request(sens: Caller, world: Sandbox) -> None:
    numbers = [{"to": f"0100000{n:04}"} for n in range(100)]

    assert sens.send(messages=numbers, type="lms").status_code == 202
    assert len({m["requestId"] for m in world.messages()}) == 1
    assert len({m["messageId"] for m in world.messages()}) == 100


def test_a_messages_own_text_goes_before_the_common_one(sens: Caller, world: Sandbox) -> None:
    sens.send(messages=[{"to": TO, "content": "따로", "subject": "제목"}, {"to": "01000000002"}])

    assert [(m["content"], m["subject"]) for m in world.messages()] == [
        ("따로", "제목"),
        ("예약이 확정되었습니다.", "예약 안내"),
    ]


@pytest.mark.parametrize(
    ("kind", "text", "arrives"),
    [
        ("SMS", "가" * 45, "가" * 45),
        ("SMS", "가" * 46, "가" * 45),
        ("SMS", "a" + "가" * 45, "a" + "가" * 44),  # never half a character
        ("LMS", "가" * 1000, "가" * 1000),
        ("LMS", "가" * 1000 + "a", "가" * 1000),
    ],
)
def test_a_text_that_is_too_long_is_cut_without_a_word(
    sens: Caller, world: Sandbox, kind: str, text: str, arrives: str
) -> None:
    assert sens.send(type=kind, content=text).status_code == 202

    [message] = world.messages()
    assert message["content"] == arrives
    assert message["truncated"] is (arrives != text)
    assert message["original"] == text


def test_a_subject_of_forty_bytes_passes(sens: Caller) -> None:
    assert sens.send(subject="가" * 20).status_code == 202


def test_a_character_outside_euc_kr_is_accepted_and_fails_later(
    sens: Caller, world: Sandbox
) -> None:
    assert sens.send(content="주차장 ⬇ 지하").status_code == 202

    world.world.advance(10)
    [message] = world.messages()
    assert message["unencodable"] == "⬇"
    assert message["statusName"] == "fail"


def test_a_character_outside_euc_kr_is_refused_when_the_world_says_so(
    sens: Caller, world: Sandbox
) -> None:
    world.world.sens.refuses_unencodable = True

    plain, common, own = {"to": TO}, "주차장 ⬇ 지하", {"to": TO, "content": "⬇"}
    for wrong in ({"content": common}, {"subject": "⬇"}, {"messages": [plain, own]}):
        answer = sens.send(**wrong)
        assert (answer.status_code, answer.json()["errors"]) == (400, "Bad Request")

    assert world.messages() == []
    assert sens.send(content="주차장 지하").status_code == 202


def test_a_message_is_ready_then_under_way_then_done_by_the_worlds_clock(
    sens: Caller, world: Sandbox
) -> None:
    sens.send()
    message_id = world.messages()[0]["messageId"]
    states = []
    for seconds in (0, 1.5, 2):
        world.world.advance(seconds)
        states.append(sens.look(f"/{message_id}").json()["messages"][0])

    assert [state["status"] for state in states] == ["READY", "PROCESSING", "COMPLETED"]
    assert "completeTime" not in states[1]
    assert (states[2]["statusCode"], states[2]["statusName"]) == ("0", "success")
    assert states[2]["telcoCode"] in ("SKT", "KTF", "LGT")


@pytest.mark.parametrize("to", ["01000009901", "01000009907", "0200000000", "15880000"])
def test_numbers_that_cannot_be_reached_fail_after_acceptance(
    sens: Caller, world: Sandbox, to: str
) -> None:
    assert sens.send(messages=[{"to": to}]).status_code == 202

    world.world.advance(10)
    [message] = world.messages()
    assert (message["status"], message["statusName"]) == ("COMPLETED", "fail")
    assert message["statusCode"] != "0"


def test_one_number_never_gets_done(sens: Caller, world: Sandbox) -> None:
    sens.send(messages=[{"to": "01000009999"}])

    world.world.advance(86_400)

    assert world.messages()[0]["status"] == "PROCESSING"


def test_a_result_holds_the_content_and_nothing_of_the_sandboxs_own(
    sens: Caller, world: Sandbox
) -> None:
    sens.send()
    [message] = sens.look(f"/{world.messages()[0]['messageId']}").json()["messages"]

    assert message["content"] == "예약이 확정되었습니다."
    assert not {"original", "truncated", "failure", "at"} & set(message)


def test_an_unknown_message_is_not_found(sens: Caller) -> None:
    assert sens.look("/RSLA-nothing-0").status_code == 404


def test_a_request_is_found_by_its_id(sens: Caller) -> None:
    sens.send()
    request_id = sens.send().json()["requestId"]

    [message] = sens.look(f"?requestId={request_id}").json()["messages"]

    assert message["requestId"] == request_id
    assert "content" not in message


def test_a_time_window_is_filtered_and_paged_until_there_is_no_token(
    sens: Caller, world: Sandbox
) -> None:
    sens.send(messages=[{"to": f"0100000{n:04}"} for n in range(45)])
    sens.send(messages=[{"to": TO}])

    sizes, token = [], ""
    while True:
        page = sens.look(window(world) + (f"&nextToken={token}" if token else "")).json()
        sizes.append(len(page["messages"]))
        token = page.get("nextToken", "")
        if not token:
            break

    assert sizes == [20, 20, 6]
    assert len(sens.look(f"{window(world)}&to={TO}&pageSize=100").json()["messages"]) == 2


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?pageSize=10",
        "?requestId=x&requestStartTime=2025-10-22%2000:00:00&requestEndTime=2025-10-22%2001:00:00",
        "?requestStartTime=2025-10-22%2000:00:00",
        "?requestStartTime=2025-10-22T00:00:00&requestEndTime=2025-10-22T01:00:00",
        "?requestStartTime=2025-10-22%2001:00:00&requestEndTime=2025-10-22%2000:00:00",
        "?requestStartTime=2025-09-01%2000:00:00&requestEndTime=2025-10-02%2000:00:00",
        "?completeStartTime=2025-10-20%2000:00:00&completeEndTime=2025-10-22%2000:00:00",
        "?requestId=x&pageSize=101",
        "?requestId=x&pageSize=0",
        "?requestId=x&nextToken=guessed",
    ],
)
def test_a_look_up_that_the_vendor_does_not_allow_is_refused(sens: Caller, query: str) -> None:
    assert sens.look(query).status_code == 400


def test_completed_messages_are_found_by_the_time_of_completion(
    sens: Caller, world: Sandbox
) -> None:
    sens.send()
    query = window(world).replace("request", "complete")
    before = sens.look(query).json()["messages"]

    world.world.advance(10)

    assert before == []
    assert len(sens.look(query).json()["messages"]) == 1


def test_a_look_up_can_lag_behind_and_forgets_after_ninety_days(
    sens: Caller, world: Sandbox
) -> None:
    request_id = sens.send().json()["requestId"]
    world.world.sens.list_lag_seconds = 60

    def found() -> int:
        return len(sens.look(f"?requestId={request_id}").json()["messages"])

    counts = [found()]
    for seconds in (61, 90 * 86_400):
        world.world.advance(seconds)
        counts.append(found())

    assert counts == [0, 1, 0]


def test_who_opted_out_gets_no_advertisement(sens: Caller, world: Sandbox) -> None:
    opt_out = sens.call("POST", f"{sens.base}/unsubscribes", body=[{"clientTelNo": TO}])
    assert opt_out.status_code == 204

    for kind in ("AD", "COMM"):
        sens.send(contentType=kind)
    world.world.advance(10)

    assert [m["statusName"] for m in world.messages()] == ["fail", "success"]
    assert sens.call("GET", f"{sens.base}/unsubscribes").json()[0]["clientTelNo"] == TO
    sens.call("DELETE", f"{sens.base}/unsubscribes", body=[{"clientTelNo": TO}])
    assert sens.call("GET", f"{sens.base}/unsubscribes").json() == []


def test_without_an_opt_out_number_advertisements_are_refused(sens: Caller, world: Sandbox) -> None:
    world.world.sens.opt_out_number = None

    assert sens.send(contentType="AD").status_code == 400
