"""The SENS client against the sandbox's SENS."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from naverplace.base.clock import SEOUL, Clock
from naverplace.base.errors import (
    BadResponse,
    OutcomeUnknown,
    Permanent,
    Refused,
    ServiceUnavailable,
    Throttled,
    TooLate,
)
from naverplace.messaging.sens import SensClient, accepted, signature
from naverplace.messaging.single_send_http import HttpResponse
from naverplace.settings.schema import Settings
from sandbox.faults import Fault
from sandbox.server import Sandbox
from tests.delivery_builders import quick

TEXT = "[안내] 10월 22일 15:30 예약\n출입문 비밀번호는 1234# 입니다."
TO = "01000000001"


@pytest.fixture
def sens(settings: Settings) -> SensClient:
    return a_client(settings)


def a_client(settings: Settings, **changes: Any) -> SensClient:
    return SensClient(quick(settings, **changes).sens, settings.make_clock())


def send(sens: SensClient, **changes: str) -> str:
    values = {
        "to": TO,
        "sender": sens.settings.default_sender,
        "subject": "10/22 15:30 예약 안내",
        "text": TEXT,
        "message_type": "LMS",
        "content_type": "COMM",
    } | changes
    return sens.send(
        to=values["to"],
        sender=values["sender"],
        subject=values["subject"],
        text=values["text"],
        message_type=values["message_type"],
        content_type=values["content_type"],
    )


def requests_of(world: Sandbox) -> list[Any]:
    return [seen for seen in world.world.requests if seen.service == "sens"]


def test_a_message_is_accepted_with_a_request_id(world: Sandbox, sens: SensClient) -> None:
    accepted = send(sens)

    (message,) = world.world.messages
    assert accepted == message["requestId"]
    assert (message["to"], message["content"]) == (TO, TEXT)


def test_the_payload_is_the_legacys(world: Sandbox, sens: SensClient) -> None:
    send(sens)

    (seen,) = requests_of(world)
    payload = json.loads(seen.body)
    assert list(payload) == ["type", "contentType", "from", "subject", "content", "messages"]
    assert (payload["type"], payload["contentType"]) == ("LMS", "COMM")
    assert payload["messages"] == [{"to": TO}]
    assert seen.body.isascii()


def test_a_short_message_has_no_subject(world: Sandbox, sens: SensClient) -> None:
    send(sens, message_type="SMS", text="안내")

    (seen,) = requests_of(world)
    assert "subject" not in json.loads(seen.body)


def test_the_signature_is_the_documented_one() -> None:
    signed = signature(
        "GET", "/sms/v2/services/a:b/messages?x=1", timestamp="17", access_key="K", secret_key="S"
    )

    text = "GET /sms/v2/services/a:b/messages?x=1\n17\nK"
    digest = hmac.new(b"S", text.encode(), hashlib.sha256).digest()
    assert signed == base64.b64encode(digest).decode()


def test_each_try_is_signed_anew(world: Sandbox, sens: SensClient) -> None:
    world.world.faults.append(Fault("sens", "POST", "status:429"))

    send(sens)

    stamps = [seen.headers["x-ncp-apigw-timestamp"] for seen in requests_of(world)]
    assert len(set(stamps)) == 2
    assert len(world.world.messages) == 1


def test_a_clock_that_is_wrong_is_refused_with_advice(world: Sandbox, settings: Settings) -> None:
    now = settings.make_clock().offset
    late = SensClient(settings.sens, Clock(now - timedelta(minutes=6)))

    with pytest.raises(Refused, match="clock") as error:
        send(late)
    assert error.value.code == "401"
    with pytest.raises(Permanent, match="clock"):
        late.check()


@pytest.mark.parametrize(
    ("changes", "code", "advice"),
    [
        ({"access_key": SecretStr("wrong")}, "401", "KEY"),
        ({"secret_key": SecretStr("wrong")}, "401", "KEY"),
        ({"service_id": "ncp:sms:kr:000000000000:other"}, "404", "SERVICE_ID"),
    ],
)
def test_wrong_settings_are_refused_with_advice(
    changes: dict[str, Any], code: str, advice: str, world: Sandbox, settings: Settings
) -> None:
    sens = a_client(settings, **changes)

    with pytest.raises(Refused, match=advice) as error:
        send(sens)
    assert error.value.code == code
    with pytest.raises(Permanent, match=advice):
        sens.check()
    assert world.world.messages == []


@pytest.mark.parametrize("changes", [{"sender": "0319999999"}, {"to": "010-0000-0001"}])
def test_a_refused_message_is_told_without_phone_and_text(
    changes: dict[str, str], world: Sandbox, sens: SensClient
) -> None:
    with pytest.raises(Refused) as error:
        send(sens, **changes)

    assert error.value.code == "400"
    for private in (
        TO,
        "010-0000-0001",
        "0319999999",
        "1234#",
        "비밀번호",
        sens.settings.service_id,
    ):
        assert private not in str(error.value)
    assert world.world.messages == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
def test_a_documented_refusal_proves_that_nothing_was_accepted(
    status: int, world: Sandbox, sens: SensClient
) -> None:
    world.world.faults.append(Fault("sens", "POST", f"status:{status}"))

    with pytest.raises(Refused, match=str(status)) as error:
        send(sens)

    assert error.value.code == str(status)
    assert len(requests_of(world)) == 1


@pytest.mark.parametrize(
    "kind",
    [
        "status:500",
        "status:503",
        "status:504",
        "status:302",
        "status:418",
        "html",
        "timeout_before",
        "timeout_after",
        "drop_before",
        "drop_after",
        "truncate",
        "truncate_text",
    ],
)
def test_everything_else_is_unknown_and_asked_only_once(
    kind: str, world: Sandbox, settings: Settings
) -> None:
    world.world.faults.append(Fault("sens", "POST", kind, times=None))

    with pytest.raises(OutcomeUnknown):
        send(a_client(settings, read_timeout=0.5))

    assert len(requests_of(world)) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"statusCode": "202", "statusName": "fail"},
        {"statusCode": "400", "statusName": "success"},
        {"statusCode": "500", "statusName": "fail"},
        {"statusName": "processing"},
    ],
)
def test_an_answer_202_that_calls_itself_no_success_is_in_doubt(said: dict[str, str]) -> None:
    body = json.dumps({"requestId": "RSLA-1", **said}).encode()

    with pytest.raises(OutcomeUnknown, match="SENS: answered 202, but calls it"):
        accepted(HttpResponse(202, {}, body), private=())


def test_a_service_that_stays_busy_is_throttled(world: Sandbox, sens: SensClient) -> None:
    world.world.faults.append(Fault("sens", "POST", "status:429", times=None))

    with pytest.raises(Throttled):
        send(sens)

    assert len(requests_of(world)) == sens.settings.attempts


def test_no_try_begins_when_it_would_be_too_late(world: Sandbox, settings: Settings) -> None:
    world.world.faults.append(Fault("sens", "POST", "status:429"))
    sens = a_client(settings, retry_wait=30.0)
    until = settings.make_clock().now() + timedelta(seconds=20)

    with pytest.raises(Throttled):
        sens.send(
            to=TO, sender=sens.settings.default_sender, subject="", text=TEXT, not_after=until
        )

    assert len(requests_of(world)) == 1


@pytest.mark.parametrize("seconds", [-0.001, -3600.0])
def test_nothing_is_signed_when_it_is_too_late(
    seconds: float, world: Sandbox, sens: SensClient
) -> None:
    until = sens.clock.now() + timedelta(seconds=seconds)

    with pytest.raises(TooLate, match="nothing was sent"):
        sens.send(
            to=TO, sender=sens.settings.default_sender, subject="", text=TEXT, not_after=until
        )

    assert requests_of(world) == []


def test_an_unreachable_service_was_never_sent_anything(settings: Settings) -> None:
    with pytest.raises(ServiceUnavailable, match="nothing was sent"):
        send(a_client(settings, url="http://127.0.0.1:9"))


def test_a_sent_message_is_found_by_window_by_receiver_by_request_and_by_id(
    world: Sandbox, sens: SensClient
) -> None:
    before = sens.clock.now()
    accepted = send(sens)
    send(sens, to="01000000002")

    start, end = before - timedelta(seconds=1), sens.clock.now()
    assert len(sens.find(start=start, end=end)) == 2
    (found,) = sens.find(start=start, end=end, to=TO)
    assert found.request_id == accepted
    assert found.to == TO
    assert (found.request_time or before) >= before.replace(microsecond=0)
    assert [m.message_id for m in sens.find_request(accepted)] == [found.message_id]
    looked_up = sens.get(found.message_id)
    assert looked_up is not None
    assert (looked_up.request_id, looked_up.content) == (accepted, TEXT)
    assert sens.get("no-such-message") is None


def test_a_long_list_is_read_page_by_page(world: Sandbox, sens: SensClient) -> None:
    before = sens.clock.now()
    sent = [send(sens, to=f"0100000{n:04}") for n in range(130)]

    found = sens.find(start=before - timedelta(seconds=1), end=sens.clock.now())

    assert sorted(message.request_id for message in found) == sorted(sent)


def test_an_empty_window_gives_an_empty_list(world: Sandbox, sens: SensClient) -> None:
    start = datetime(2025, 1, 1, tzinfo=SEOUL)
    start = max(start, sens.clock.now() - timedelta(days=20))

    assert sens.find(start=start, end=start + timedelta(minutes=1)) == []


@pytest.mark.parametrize(("days", "questions"), [(-1, 0), (1, 1), (31, 2)])
def test_a_window_that_sens_would_refuse_is_asked_for_in_pieces(
    days: int, questions: int, world: Sandbox, sens: SensClient
) -> None:
    now = sens.clock.now()

    assert sens.find(start=now - timedelta(days=days), end=now) == []
    assert len(requests_of(world)) == questions


@pytest.mark.parametrize("kind", ["status:429", "status:503", "drop_before", "drop_after"])
def test_a_look_up_is_asked_again(kind: str, world: Sandbox, sens: SensClient) -> None:
    world.world.faults.append(Fault("sens", "GET", kind))

    sens.check()

    assert world.world.messages == []


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("status:503", ServiceUnavailable),
        ("status:429", Throttled),
        ("status:403", Permanent),
        ("html", BadResponse),
        ("truncate_text", BadResponse),
    ],
)
def test_a_look_up_that_fails_is_an_error_and_never_an_empty_list(
    kind: str, error: type[Exception], world: Sandbox, sens: SensClient
) -> None:
    world.world.faults.append(Fault("sens", "GET", kind, times=None))

    with pytest.raises(error):
        sens.find_request("any")


def test_a_fingerprint_tells_contents_apart_and_needs_the_key(settings: Settings) -> None:
    sens = a_client(settings)
    other = a_client(settings, secret_key=SecretStr("other"))
    content = {"to": TO, "sender": "0310000000", "subject": "a", "text": "b c"}
    mark = sens.fingerprint(**content)

    assert mark == sens.fingerprint(**content)
    for changes in (
        {"subject": "ab", "text": "c"},
        {"text": "b d"},
        {"to": "01000000002"},
        {"sender": "0310000001"},
    ):
        assert sens.fingerprint(**{**content, **changes}) != mark
    assert other.fingerprint(**content) != mark


def test_a_fingerprint_looks_through_blanks_and_the_writing_of_numbers(settings: Settings) -> None:
    sens = a_client(settings)
    ours = sens.fingerprint(to=TO, sender="0310000000", subject="s", text="한 줄\n두 줄")

    assert ours == sens.fingerprint(
        to="010-0000-0001", sender="031-000-0000", subject=" s ", text="한 줄\r\n두  줄\n"
    )


def test_a_message_of_the_log_has_the_fingerprint_that_it_was_sent_with(
    world: Sandbox, sens: SensClient
) -> None:
    sender = sens.settings.default_sender
    subject, text = "안내 제목", "첫 줄\n둘째  줄 123\n"
    sent = sens.send(to=TO, sender=sender, subject=subject, text=text)

    (listed,) = sens.find_request(sent)
    found = sens.get(listed.message_id)

    assert found is not None
    assert found.fingerprint == sens.fingerprint(to=TO, sender=sender, subject=subject, text=text)


def test_an_empty_list_may_be_a_404_without_a_word_where_the_service_is_known(
    world: Sandbox, sens: SensClient
) -> None:
    world.world.sens.empty_list_is_404 = True
    now = sens.clock.now()

    with pytest.raises(Permanent, match="NAVERPLACE_SENS__SERVICE_ID"):
        sens.check()  # nothing was ever sent: a wrong service id would look the same
    send(sens)

    assert sens.find(start=now - timedelta(days=2), end=now - timedelta(days=1)) == []
    another = SensClient(sens.settings, sens.clock)
    assert another.find_request("none") == []  # what it lists of the last days proves the service


def test_a_404_with_words_is_never_an_empty_list(sens: SensClient) -> None:
    wrong = sens.settings.model_copy(update={"service_id": "ncp:sms:kr:1:another"})

    with pytest.raises(Permanent, match="404"):
        SensClient(wrong, sens.clock).check()
